"""Who works in the state folder: any number of runs at once, or one clean-up alone."""

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import ReadWriteLock, Timeout

from tasks.core.errors import BusyError, mismatch
from tasks.core.workspace import state_dir


@contextmanager
def at_work() -> Iterator[None]:
    """Keeps a clean-up away while the block runs; waits for one that has begun. The system frees it after a kill."""
    lock = _lock()
    with lock.read_lock():
        yield


@contextmanager
def alone() -> Iterator[None]:
    """Keeps everybody else away while the block runs.

    Raises:
        BusyError: somebody is at work.
    """
    lock = _lock()
    try:
        lock.acquire_write(blocking=False)
    except Timeout:
        do = "wait until it is done, then try again"
        got = "a run, a promotion or an approval that goes on"
        raise BusyError(mismatch(str(state_dir()), "", "nobody at work", got, do)) from None
    try:
        yield
    finally:
        lock.release()


def _lock() -> ReadWriteLock:
    state_dir().mkdir(parents=True, exist_ok=True)
    return ReadWriteLock(state_dir() / "work.lock")
