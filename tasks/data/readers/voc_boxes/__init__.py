"""Pictures with XML files of Pascal VOC. The reader is `read`."""

from tasks.data.readers.voc_boxes.files import annotations, read

__all__ = ["annotations", "read"]
