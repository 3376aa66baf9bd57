"""Pictures with the texts of YOLO: a line per box, in parts of the picture. The reader is `read`."""

from tasks.data.readers.yolo_boxes.texts import annotations, read

__all__ = ["annotations", "read"]
