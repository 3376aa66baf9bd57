"""A thing that nothing needs: what it is, how large it is, and what removes it."""

import re
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

TEMPORARY = re.compile(r"\..+\.[0-9a-f]{8}")
"""names of what is being written, or being removed: `whole_file`, `whole_folder` and `discard` give them"""


@dataclass(frozen=True)
class Garbage:
    """One thing that may go.

    Attributes:
        name: of it, for a person.
        bytes: that it takes on disk; 0 where that is not known.
        remove: makes it go; doing it twice changes nothing.
        path: where it lies, if it lies on this machine.
    """

    name: str
    bytes: int
    remove: Callable[[], None]
    path: Path | None = None


def at(path: Path, name: str | None = None) -> Garbage:
    """Returns a file or folder of this machine as garbage."""
    return Garbage(name or path.name, size_of(path), partial(discard, path), path)


def discard(path: Path) -> None:
    """Removes a file or a folder; a folder is complete, or not there under its name."""
    if path.is_symlink() or path.is_file():
        path.unlink(missing_ok=True)
    elif path.is_dir():
        hidden = path if TEMPORARY.fullmatch(path.name) else path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        shutil.rmtree(path.rename(hidden))


def size_of(path: Path) -> int:
    """Returns the bytes of a file, or of all files in a folder; links count nothing."""
    if path.is_symlink():
        return 0
    if path.is_file():
        return path.stat().st_size
    return sum(inner.lstat().st_size for inner in path.rglob("*") if inner.is_file() and not inner.is_symlink())


def within(path: Path, folders: frozenset[Path]) -> bool:
    """Says whether a path is one of some folders, or lies in one."""
    return not folders.isdisjoint((path, *path.parents))
