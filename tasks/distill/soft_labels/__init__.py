"""Soft labels: consumes teachers and the training split, produces what the teachers say of each batch."""
