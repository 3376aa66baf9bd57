"""COCO files: what readers of masks and of boxes share."""
