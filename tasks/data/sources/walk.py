"""What lies at a path and below it: each thing by name, and what is wrong with any of them.

What is no file or folder that can be read (a link that leads nowhere, a pipe, a file of another user) is told by name
before anything reads it: DVC, which looks at every name below a source, would stop without a word, or wait for ever.
What the system makes up while it is read (`/proc`, `/sys`) is refused as a whole: it may have no end, and its links
lead back to itself by ever longer ways.
"""

import errno
import os
import stat
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tasks.core.errors import DataError, mismatch, printable

LITTER = ("Thumbs.db", "desktop.ini", "__MACOSX")
"""what operating systems leave behind; names that begin with a dot are left out too"""
SHOWN = 10
"""problems in a message; the others are counted"""
FILE, FOLDER = "a file", "a folder"
KINDS = {
    stat.S_IFREG: FILE,
    stat.S_IFDIR: FOLDER,
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
READABLE, REPAIR = "a file or folder that can be read", "repair or remove it"
MOUNTS = Path("/proc/self/mountinfo")
"""of Linux; elsewhere there are no such file systems"""
MADE_UP = frozenset(
    {
        *("proc", "sysfs", "cgroup", "cgroup2", "devpts", "securityfs", "debugfs", "tracefs", "configfs", "pstore"),
        *("bpf", "efivarfs", "fusectl", "binfmt_misc", "selinuxfs", "rpc_pipefs", "nsfs", "resctrl"),
    }
)
"""file systems that hold no data"""
MOST_WAYS = 100
"""by which links may lead to one folder"""
Inode = tuple[int, int]
"""device and number"""


def walked(path: Path) -> list[tuple[str, Path]]:
    """Returns (path relative to `path`, with slashes; path) of all that belongs to the data, sorted, folders too.

    A file is itself, by its name alone.

    Raises:
        DataError: naming all that is neither a file nor a folder that can be read.
    """
    walk = _Walk.through(path)
    if walk.problems:
        more = len(walk.problems) - SHOWN
        told = [*sorted(walk.problems)[:SHOWN], *([f"and {more:,} more like these"] if more > 0 else [])]
        raise DataError("\n".join(told))
    return sorted(walk.found)


def what_is(path: Path) -> str:
    """Returns `FILE` or `FOLDER`, or in words what else a path leads to."""
    try:
        status = path.stat()
    except FileNotFoundError as error:
        return _of_link(path, error) if path.is_symlink() else "nothing there"
    except (OSError, ValueError) as error:
        return in_words(error)
    return _made_up(_systems(), status) or KINDS.get(stat.S_IFMT(status.st_mode), "something else")


def in_words(error: Exception) -> str:
    """Returns what to say of a file that could not be read."""
    number = getattr(error, "errno", None)
    if number == errno.ELOOP:
        return "a link that leads in a circle"
    if number == errno.ENOENT:
        return "a file that is gone meanwhile"
    if number in (errno.EACCES, errno.EPERM):
        return "one that this user may not read"
    return getattr(error, "strerror", None) or str(error)


@dataclass
class _Walk:
    """A walk through a folder: what belongs to the data, and what is wrong with anything in it."""

    found: list[tuple[str, Path]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    folders: list[tuple[Path, str, tuple[Inode, ...], bool]] = field(default_factory=list)
    """still to be looked into: path, name, the folders that lead there, whether what is inside belongs to the data"""
    ways: Counter[Inode] = field(default_factory=Counter)
    """how often each folder was looked into"""
    systems: Mapping[int, str] = field(default_factory=lambda: _systems())

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
            status = folder.stat()
            self._refuse_made_up(folder, status)
            entries = [*folder.iterdir()]
        except OSError as error:
            self._tell(folder, in_words(error))
            return
        inode = (status.st_dev, status.st_ino)
        self.ways[inode] += 1
        if inode in above:
            self._tell(folder, f"a link to `{printable(str(folder.resolve()))}`, which it lies in")
        elif self.ways[inode] == MOST_WAYS + 1:
            self._tell(folder, f"a folder to which links lead by more than {MOST_WAYS} ways")
        elif self.ways[inode] <= MOST_WAYS:
            for path in entries:
                inside = belongs and _belongs(path.name)
                self._take(path, f"{name}/{path.name}" if name else path.name, (*above, inode), inside)

    def _take(self, path: Path, name: str, above: tuple[Inode, ...], belongs: bool) -> None:
        try:
            status = path.stat()
        except OSError as error:
            self._tell(path, _of_link(path, error))
            return
        if belongs or not path.is_symlink():
            self._refuse_made_up(path, status)
        if problem := _problem(path, status.st_mode):
            self._tell(path, problem)
            return
        if belongs:
            self.found.append((name, path))
        # What is left out is looked at, but not behind its links: they may lead anywhere.
        if stat.S_ISDIR(status.st_mode) and (belongs or not path.is_symlink()):
            self.folders.append((path, name, above, belongs))

    def _refuse_made_up(self, path: Path, status: os.stat_result) -> None:
        """Ends the walk: nothing that lies beside it is worth a look."""
        if got := _made_up(self.systems, status):
            raise DataError(mismatch(printable(str(path)), "", READABLE, got, "name a folder that holds data alone"))

    def _tell(self, path: Path, got: str) -> None:
        self.problems.append(mismatch(printable(str(path)), "", READABLE, got, REPAIR))


def _problem(path: Path, mode: int) -> str:
    """Returns what is wrong with what a path leads to."""
    kind = KINDS.get(stat.S_IFMT(mode), "something else")
    if kind not in (FILE, FOLDER):
        return kind
    if not _may_read(path):
        return "one that this user may not read"
    try:
        path.name.encode()
    except UnicodeEncodeError:
        return "a name that is not UTF-8"
    return ""


def _systems() -> Mapping[int, str]:
    """Returns device -> type, of the file systems that are made up."""
    try:
        lines = [line.split() for line in MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines()]
    except OSError:
        return {}
    # 23 27 0:22 / /sys rw,relatime shared:7 - sysfs sysfs rw: the third is the device, the type is behind the dash.
    types = {line[2]: line[line.index("-") + 1] for line in lines}
    return {_device(number): kind for number, kind in types.items() if kind in MADE_UP}


def _device(number: str) -> int:
    major, _, minor = number.partition(":")
    return os.makedev(int(major), int(minor))


def _made_up(systems: Mapping[int, str], status: os.stat_result) -> str:
    kind = systems.get(status.st_dev)
    return f"a part of `{kind}`, which the system makes up while it is read" if kind else ""


def _may_read(path: Path) -> bool:
    return os.access(path, os.R_OK, effective_ids=os.access in os.supports_effective_ids)


def _of_link(path: Path, error: OSError) -> str:
    if isinstance(error, FileNotFoundError) and path.is_symlink():
        return f"a link that leads nowhere (to `{printable(str(path.readlink()))}`)"
    return in_words(error)


def _belongs(name: str) -> bool:
    return not name.startswith(".") and name not in LITTER
