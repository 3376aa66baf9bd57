"""A full disk, said as one: whichever library met it, and in whichever words."""

import errno
import shutil
from collections.abc import Iterator
from pathlib import Path

from tasks.core.errors import DiskFullError, mismatch

WORDS = ("No space left on device", "database or disk is full")
"""of the system and of SQLite, inside the errors of libraries that pass nothing else on"""
NEXT = "free some (`stillhouse gc` does), then type the same command again: it goes on behind what was finished"


def require_room(path: Path, needed: int) -> None:
    """Checks that a file of `needed` bytes can be written to `path`, whose folder is there.

    Raises:
        DiskFullError: the disk has not that many bytes free.
    """
    free = shutil.disk_usage(path.parent).free
    if free < needed:
        raise DiskFullError(mismatch(str(path), "", f"{needed:,} bytes free", f"{free:,}", NEXT))


def disk_full(error: BaseException, state: Path) -> DiskFullError | None:
    """Returns what to say of an error that a full disk is behind; None where none is.

    Args:
        error: what was raised, with what it came from.
        state: the folder whose disk it is about where the error names no file.
    """
    for one in _chain(error):
        if isinstance(one, DiskFullError):
            return one
        if getattr(one, "errno", None) == errno.ENOSPC or any(words in str(one) for words in WORDS):
            return _full(Path(getattr(one, "filename", None) or state))
    return None


def _full(path: Path) -> DiskFullError:
    there = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    got = f"a full disk: {shutil.disk_usage(there).free:,} bytes free"
    return DiskFullError(mismatch(str(path), "", "room for what is written", got, NEXT))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
