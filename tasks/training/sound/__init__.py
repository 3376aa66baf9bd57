"""What training does with sound alone."""
