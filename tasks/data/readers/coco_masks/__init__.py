"""Pictures whose masks are drawn from the annotations of a COCO file. The reader is `read`."""

from tasks.data.readers.coco_masks.pictures import read

__all__ = ["read"]
