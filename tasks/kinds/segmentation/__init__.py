"""Semantic segmentation: one class out of several for each pixel of a picture."""
