"""Pictures with a table of boxes. The reader is `read`."""

from tasks.data.readers.box_table.rows import annotations, read

__all__ = ["annotations", "read"]
