"""One number per sample."""
