"""What the readers of sound share."""
