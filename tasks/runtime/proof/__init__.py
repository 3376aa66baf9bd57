"""What a release answers on a device, for a comparison with where it was made: a bundle in, a receipt out."""
