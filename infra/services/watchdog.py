"""Ends the servers of a command where the command is killed, within a second: it could not do so itself.

A process beside the command holds the other end of a pipe, which the system closes however the command ends. What is
watched is a process group, since MLflow and Prefect start further processes. The signal that Linux can send to the
child of a process that dies reaches neither those nor a child whose thread has ended before.
"""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from functools import cache
from typing import IO


def watch(group: int) -> None:
    """Has a process group killed when this process ends."""
    _tell(f"+{group}")


def forget(group: int) -> None:
    """Has a process group that has ended not killed: its number may be another's by then."""
    _tell(f"-{group}")


@cache
def _watchdog() -> IO[bytes]:
    """Returns where the watchdog of this process listens, started when it is first needed."""
    process = subprocess.Popen(
        [sys.executable, "-I", __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C and SIGTERM for a whole group do not reach it
    )
    assert process.stdin is not None
    return process.stdin


def _tell(line: str) -> None:
    told = _watchdog()
    with suppress(BrokenPipeError):
        told.write(f"{line}\n".encode())
        told.flush()


def _guard(lines: IO[str]) -> None:
    """Collects groups until the other end of the pipe is closed, then kills those that are left."""
    groups: set[int] = set()
    for line in lines:
        (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
    for group in groups:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    _guard(sys.stdin)
