"""What networks for sound are made of."""
