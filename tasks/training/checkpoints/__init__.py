"""Checkpoints: how far a training is, on disk, so that the next start goes on from there."""
