"""What sources of one's own have in common: where the files are, which of them count, whether they changed.

What is no file or folder that can be read (a link that leads nowhere, a pipe, a file of another user) is told by name
before anything reads it: DVC, which looks at every name below a source, would stop without a word, or wait for ever.
"""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from params.data import FileSource, FolderSource, Source
from tasks.core.errors import DataError, mismatch, printable

LITTER = ("Thumbs.db", "desktop.ini", "__MACOSX")
"""what operating systems leave behind; names that begin with a dot are left out too"""
SHOWN = 10
"""problems in a message; the others are counted"""
KINDS = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}
REPAIR = "repair or remove it"


def own_path(source: FolderSource | FileSource, root: Path) -> Path:
    """Returns where the user's files are; a relative path is meant from the project's folder.

    Raises:
        DataError: there is nothing that can be read, or a file where a folder was meant.
    """
    path, got = Path(source.path), ""
    try:
        path = root / path.expanduser()
        mode = path.stat().st_mode
        if (stat.S_ISDIR if source.kind == "folder" else stat.S_ISREG)(mode):
            return path
        got = "a folder" if stat.S_ISDIR(mode) else KINDS.get(stat.S_IFMT(mode), "a file")
    except FileNotFoundError as error:
        got = _of_link(path, error) if path.is_symlink() else "nothing there"
    except (OSError, RuntimeError, ValueError) as error:
        got = _in_words(error)
    do = "correct the path; it is relative to the project's folder, or absolute"
    raise DataError(mismatch(printable(str(path)), "data.source.path", f"a {source.kind}", got, do))


def own_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yields (path relative to `folder`, with slashes; path) of all that belongs to the data, sorted, folders too.

    Raises:
        DataError: naming all that is neither a file nor a folder that can be read.
    """
    yield from _listed(folder)


def check_own(source: Source, root: Path) -> None:
    """Looks at every name of a source of one's own.

    Raises:
        DataError: there is nothing at its path, or something that cannot be read; see `own_files`.
    """
    if isinstance(source, FolderSource | FileSource):
        _listed(own_path(source, root))


def signature(source: Source, root: Path) -> str:
    """Returns a digest of names, sizes and times of one's own files, without reading them; constant for other sources.

    Raises:
        DataError: there is nothing at the source's path, or something that cannot be read; see `own_files`.
    """
    if not isinstance(source, FolderSource | FileSource):
        return "pinned"
    lines = [_stamp(name, file) for name, file in _listed(own_path(source, root))]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def unreadable(path: Path, error: OSError) -> Exception:
    """Returns what to say of a file that was there, and could not be read in its turn; not of a disk that is full."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return error
    return DataError(mismatch(printable(str(path)), "", "a file that can be read", _in_words(error), REPAIR))


def _listed(path: Path) -> list[tuple[str, Path]]:
    walk = _Walk.through(path)
    if walk.problems:
        more = len(walk.problems) - SHOWN
        told = [*sorted(walk.problems)[:SHOWN], *([f"and {more:,} more like these"] if more > 0 else [])]
        raise DataError("\n".join(told))
    return sorted(walk.found)


Inode = tuple[int, int]
"""device and number"""


@dataclass
class _Walk:
    """A walk through a folder: what belongs to the data, and what is wrong with anything in it."""

    found: list[tuple[str, Path]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    folders: list[tuple[Path, str, tuple[Inode, ...], bool]] = field(default_factory=list)
    """still to be looked into: path, name, the folders that lead there, whether what is inside belongs to the data"""

    @classmethod
    def through(cls, path: Path) -> "_Walk":
        """Walks through a folder, or takes a file by its name alone."""
        walk = cls()
        if path.is_dir():
            walk.folders.append((path, "", (), True))
        else:
            walk._take(path, path.name, (), belongs=True)
        while walk.folders:
            walk._into(*walk.folders.pop())
        return walk

    def _into(self, folder: Path, name: str, above: tuple[Inode, ...], belongs: bool) -> None:
        try:
            status, entries = folder.stat(), [*folder.iterdir()]
        except OSError as error:
            self._tell(folder, _in_words(error))
            return
        inode = (status.st_dev, status.st_ino)
        if inode in above:
            self._tell(folder, f"a link to `{printable(str(folder.resolve()))}`, which it lies in")
            return
        for path in entries:
            inside = belongs and _belongs(path.name)
            self._take(path, f"{name}/{path.name}" if name else path.name, (*above, inode), inside)

    def _take(self, path: Path, name: str, above: tuple[Inode, ...], belongs: bool) -> None:
        mode, problem = _examined(path)
        if problem:
            self._tell(path, problem)
            return
        if belongs:
            self.found.append((name, path))
        # What is left out is looked at, but not behind its links: they may lead anywhere.
        if stat.S_ISDIR(mode) and (belongs or not path.is_symlink()):
            self.folders.append((path, name, above, belongs))

    def _tell(self, path: Path, got: str) -> None:
        self.problems.append(mismatch(printable(str(path)), "", "a file or folder that can be read", got, REPAIR))


def _examined(path: Path) -> tuple[int, str]:
    """Returns the mode of what a path leads to, and what is wrong with it."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return 0, _of_link(path, error)
    if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
        return mode, KINDS.get(stat.S_IFMT(mode), "something else")
    if not _may_read(path):
        return mode, "one that this user may not read"
    try:
        path.name.encode()
    except UnicodeEncodeError:
        return mode, "a name that is not UTF-8"
    return mode, ""


def _may_read(path: Path) -> bool:
    return os.access(path, os.R_OK, effective_ids=os.access in os.supports_effective_ids)


def _of_link(path: Path, error: OSError) -> str:
    if isinstance(error, FileNotFoundError) and path.is_symlink():
        return f"a link that leads nowhere (to `{printable(str(path.readlink()))}`)"
    return _in_words(error)


def _in_words(error: Exception) -> str:
    number = getattr(error, "errno", None)
    if number == errno.ELOOP:
        return "a link that leads in a circle"
    if number == errno.ENOENT:
        return "a file that is gone meanwhile"
    if number in (errno.EACCES, errno.EPERM):
        return "one that this user may not read"
    return getattr(error, "strerror", None) or str(error)


def _belongs(name: str) -> bool:
    return not name.startswith(".") and name not in LITTER


def _stamp(name: str, path: Path) -> str:
    try:
        status = path.stat()
    except OSError as error:
        raise unreadable(path, error) from None
    # A folder's time changes with what is left out, its size with the file system.
    return name if stat.S_ISDIR(status.st_mode) else f"{name}:{status.st_size}:{status.st_mtime_ns}"
