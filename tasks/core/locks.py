"""A lock of the state folder: shared by any number of runs, exclusive for a clean-up."""

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import ReadWriteLock, Timeout

from tasks.core.errors import BusyError, mismatch
from tasks.core.workspace import state_dir, state_made


@contextmanager
def shared() -> Iterator[None]:
    """Prevents a clean-up while the block runs; waits for one that has begun. The system frees it after a kill."""
    lock = _lock()
    with lock.read_lock():
        yield


@contextmanager
def exclusive() -> Iterator[None]:
    """Prevents all other use of the state folder while the block runs.

    Raises:
        BusyError: a run, a promotion or an approval is under way.
    """
    lock = _lock()
    try:
        lock.acquire_write(blocking=False)
    except Timeout:
        do = "wait until it is done, then try again"
        got = "a run, a promotion or an approval"
        raise BusyError(mismatch(str(state_dir()), "", "no other use of the state folder", got, do)) from None
    try:
        yield
    finally:
        lock.release()


def _lock() -> ReadWriteLock:
    return ReadWriteLock(state_made() / "work.lock")
