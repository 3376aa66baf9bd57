"""Kills an update at every change that it makes to the disk, one after the other, and looks what is left each time.

    python -m tests.runtime.kill_everywhere HOME CHANNEL WORK

HOME is a device's, CHANNEL the files of a channel in which another release leads. Prints one line per kill: what the
update was about to do, what the device answered afterwards, what it answered after one more update, and what was left.
"""

import os
import shutil
import signal
import sys
from itertools import count
from pathlib import Path
from typing import Any

from tasks.runtime.device import Device
from tests.runtime.devices import answer
from tests.runtime.tuf_world import MemoryFetcher

CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.symlink", "os.truncate")


def main(home: Path, channel: Path, work: Path) -> None:
    """Goes on until an update ends before it is killed."""
    files = {str(path.relative_to(channel)): path.read_bytes() for path in channel.rglob("*") if path.is_file()}
    for place in count(1):
        copy = work / str(place)
        shutil.copytree(home, copy, symlinks=True)
        killed = in_a_fork(lambda copy=copy, place=place: killed_at(place, copy, files))
        in_a_fork(lambda copy=copy: report(copy, files))
        if not killed:
            break


def killed_at(place: int, home: Path, files: dict[str, bytes]) -> None:
    """Updates, and kills this process just before its n-th change to the home."""
    seen = count(1)

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if (writes or event in CHANGES) and str(home) in str(arguments[:2]) and next(seen) == place:
            name = Path(str(arguments[1 if event in ("os.rename", "os.symlink") else 0])).name
            sys.stdout.write(f"{event}:{'tmp' if name.startswith('tmp') else name} ")
            sys.stdout.flush()
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    Device(home, MemoryFetcher(files)).update()


def report(home: Path, files: dict[str, bytes]) -> None:
    """Says what the device answers now, and after an update that nobody kills."""
    before = answer(Device(home))
    Device(home, MemoryFetcher(files)).update()
    left = ",".join(sorted(path.name for path in (home / "slots").iterdir()))
    sys.stdout.write(f"{before} {answer(Device(home))} {left}\n")
    sys.stdout.flush()


def in_a_fork(work: Any) -> bool:
    """Does something in a child process, and says whether that was killed."""
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if not os.WIFSIGNALED(status) and os.waitstatus_to_exitcode(status):
        sys.exit(1)
    return os.WIFSIGNALED(status)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
