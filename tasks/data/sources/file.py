"""A file of one's own."""

import shutil
from pathlib import Path

from params.sources import FileSource
from tasks.core.files import require_room
from tasks.data.sources.own import check_own, own_path, unreadable


def fetch(source: FileSource, root: Path, raw: Path) -> None:
    """Copies the file.

    Raises:
        DataError: it is not there, or cannot be read.
        DiskFullError: there is no room for a copy.
    """
    check_own(source, root)
    path = own_path(source, root)
    require_room(raw / path.name, path.stat().st_size)
    try:
        with path.open("rb") as stream, (raw / path.name).open("wb") as copy:
            shutil.copyfileobj(stream, copy, 1024 * 1024)
    except OSError as error:
        raise unreadable(path, error) from None
