"""What sources of one's own have in common: where the files are, which of them count, whether they changed."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from params.data import FileSource, FolderSource, Source
from tasks.core.errors import DataError, mismatch

LITTER = ("Thumbs.db", "desktop.ini", "__MACOSX")
"""what operating systems leave behind; names that begin with a dot are left out too"""


def own_path(source: FolderSource | FileSource, root: Path) -> Path:
    """Returns where the user's files are; a relative path is meant from the project's folder.

    Raises:
        DataError: there is nothing, or a file where a folder was meant.
    """
    path = root / Path(source.path).expanduser()
    if path.is_dir() if source.kind == "folder" else path.is_file():
        return path
    got = "a folder" if path.is_dir() else "a file" if path.is_file() else "nothing there"
    do = "mend the path; it is relative to the project's folder, or absolute"
    raise DataError(mismatch(str(path), "data.source.path", f"a {source.kind}", got, do))


def own_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yields (path relative to `folder`, with slashes; path) of all that belongs to the data, sorted, folders too."""
    found = []
    for place, folders, files in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if _belongs(name)]
        paths = [Path(place, name) for name in (*folders, *files) if _belongs(name)]
        found += [(path.relative_to(folder).as_posix(), path) for path in paths]
    yield from sorted(found)


def signature(source: Source, root: Path) -> str:
    """Returns a digest of names, sizes and times of one's own files, without reading them; constant for other sources.

    Raises:
        DataError: there is nothing at the source's path.
    """
    if not isinstance(source, FolderSource | FileSource):
        return "pinned"
    path = own_path(source, root)
    lines = [_stamp(name, file) for name, file in (own_files(path) if path.is_dir() else [(path.name, path)])]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _belongs(name: str) -> bool:
    return not name.startswith(".") and name not in LITTER


def _stamp(name: str, path: Path) -> str:
    status = path.stat()
    # A folder's time changes with what is left out, its size with the file system.
    return name if path.is_dir() else f"{name}:{status.st_size}:{status.st_mtime_ns}"
