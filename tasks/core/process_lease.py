"""The lease of a process on what it begins: a lock in the state folder that tells whether the process is alive.

The system frees the lock however the process ends. A process id would not do: it is used again, and is unknown in
another container. An owner without a lock in this state folder is on another machine, and may be alive.
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
    """Returns the name of this process, and holds the lock of that name until the process ends."""
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
"""until the process ends: a lock without a reference is released"""


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
