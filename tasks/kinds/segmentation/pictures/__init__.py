"""Pictures that only segmentation has."""
