"""How much lies on the disk."""

from collections.abc import Collection
from pathlib import Path


def size_of(folder: Path, leave_out: Collection[str] = ()) -> int:
    """Returns the bytes of all files below a folder, but for some of the folders in it."""
    files = (path for path in folder.rglob("*") if path.relative_to(folder).parts[0] not in leave_out)
    return sum(path.lstat().st_size for path in files if path.is_file())
