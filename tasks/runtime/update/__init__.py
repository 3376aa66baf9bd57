"""Updates: what a channel offers, brought onto the device, tried, and taken back."""
