"""Whose work something is, and whether that process is still alive: a lock in the state folder that dies with it.

A number of a process is given again, and says nothing in another container; a lock is freed by the system however the
process ends. Where the state folder has no lock of an owner, it works on another machine: nothing is known of it.
"""

import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from filelock import FileLock, Timeout

from tasks.core.workspace import state_dir


def owner() -> str:
    """Returns the name of this process on what it begins; it holds the lock of that name until it ends."""
    return _owner_in(_folder())


def gone() -> Iterator[str]:
    """Yields each owner of this state folder that has ended, and forgets it when it is asked for the next one."""
    for path in sorted(_folder().glob("*.lock")):
        with _taken(path) as taken:
            if taken:
                yield path.stem
                path.unlink(missing_ok=True)


def ended() -> tuple[str, ...]:
    """Returns the owners of this state folder that have ended, without forgetting them."""
    found = []
    for path in sorted(_folder().glob("*.lock")):
        with _taken(path) as taken:
            found += [path.stem] if taken else []
    return tuple(found)


@cache
def _owner_in(folder: Path) -> str:
    name = f"{socket.gethostname()}-{secrets.token_hex(8)}"
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f"{name}.lock")
    lock.acquire()
    _held.append(lock)
    return name


_held: list[FileLock] = []
"""until the process ends: a lock that nobody refers to is released"""


@contextmanager
def _taken(path: Path) -> Iterator[bool]:
    """Holds the lock of an owner that has ended during the block; yields False where it is alive."""
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def _folder() -> Path:
    return state_dir() / "owners"
