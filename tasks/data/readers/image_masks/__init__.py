"""Pictures with masks: which file is whose mask, and what its pixels say. The reader is `read`."""

from tasks.data.readers.image_masks.pairs import read

__all__ = ["read"]
