"""What sources of one's own have in common: where the files are, which of them count, whether they changed."""

import errno
import hashlib
import stat
from collections.abc import Iterator
from pathlib import Path

from params.sources import FileSource, FolderSource, Source
from tasks.core.errors import DataError, mismatch, printable
from tasks.data.sources.walk import FILE, FOLDER, REPAIR, in_words, walked, what_is


def own_path(source: FolderSource | FileSource, root: Path) -> Path:
    """Returns where the user's files are; a relative path is meant from the project's folder.

    Raises:
        DataError: there is nothing that can be read, or a file where a folder was meant.
    """
    path = Path(source.path)
    try:
        path = root / path.expanduser()
        got = what_is(path)
    except RuntimeError as error:  # of `~name`, where no user is called so
        got = in_words(error)
    if got == (FOLDER if source.kind == "folder" else FILE):
        return path
    do = "correct the path; it is relative to the project's folder, or absolute"
    raise DataError(mismatch(printable(str(path)), "data.source.path", f"a {source.kind}", got, do))


def require_given(path: Path, option: str, expected: str, *kinds: str) -> None:
    """Checks a path of the command line by its kind and, of a file, its permissions.

    Args:
        path: as it was given.
        option: by which.
        expected: in words.
        kinds: which of `FILE` and `FOLDER` it may be.

    Raises:
        DataError: it leads to nothing, or to something else.
    """
    if (got := what_is(path)) not in kinds:
        raise DataError(mismatch(printable(str(path)), "", expected, got, f"correct `{option}`"))
    if got == FILE:
        walked(path)


def own_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yields (path relative to `folder`, with slashes; path) of all that belongs to the data, sorted, folders too.

    Raises:
        DataError: naming all that is neither a file nor a folder that can be read.
    """
    yield from walked(folder)


def check_own(source: Source, root: Path) -> None:
    """Looks at every name of a source of one's own.

    Raises:
        DataError: there is nothing at its path, or something that cannot be read; see `own_files`.
    """
    if isinstance(source, FolderSource | FileSource):
        walked(own_path(source, root))


def signature(source: Source, root: Path) -> str:
    """Returns a digest of names, sizes and times of one's own files, without reading them; constant for other sources.

    Raises:
        DataError: there is nothing at the source's path, or something that cannot be read; see `own_files`.
    """
    if not isinstance(source, FolderSource | FileSource):
        return "pinned"
    lines = [_stamp(name, file) for name, file in walked(own_path(source, root))]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def unreadable(path: Path, error: OSError) -> Exception:
    """Returns what to say of a file that was there, and could not be read in its turn; not of a disk that is full."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return error
    return DataError(mismatch(printable(str(path)), "", "a file that can be read", in_words(error), REPAIR))


def _stamp(name: str, path: Path) -> str:
    try:
        status = path.stat()
    except OSError as error:
        raise unreadable(path, error) from None
    # A folder's time changes with what is left out, its size with the file system.
    return name if stat.S_ISDIR(status.st_mode) else f"{name}:{status.st_size}:{status.st_mtime_ns}"
