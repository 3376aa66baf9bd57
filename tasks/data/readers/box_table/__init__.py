"""Pictures with a table of boxes. The reader is `read`."""

from tasks.data.readers.box_table.rows import read

__all__ = ["read"]
