"""What is killed, when and how; and which processes of a killed command are still there."""

import os
import random
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.soak.world import MARK, World

TERM_PART = 0.2
"""of the kills are SIGTERM, which a process may still answer"""
MOST_KILLS = 5
"""of one release"""
PATIENCE_SECONDS = 60.0
"""that a command may take to end after SIGTERM"""
LONGEST_SECONDS = 900.0
"""that a command may take that nobody kills"""
STAGES = ("data", "teacher", "student alone", "student", "compress", "evaluate", "register")
"""as they end; before the first there is `start`, behind the last `promote` (with the report) and `end`; to wait for
Prefect, and to close what the last kill left open, counts as `data`
"""
_ENDED = re.compile(r"^  (?:done|reused) +(student alone|\w+)", re.MULTILINE)


@dataclass(frozen=True)
class Kill:
    """One kill that is meant: seconds after the start, with which signal, the command alone or all its processes."""

    after: float
    signal: signal.Signals
    tree: bool

    def __str__(self) -> str:
        return f"{self.signal.name} to {'the tree' if self.tree else 'the command'} after {self.after:.1f} s"


@dataclass(frozen=True)
class Start:
    """One start of the command: its mark, how it ended, what it said, and the stage in which it was killed, if any."""

    mark: str
    code: int
    said: str
    stage: str | None
    outlasted: float | None = None
    """seconds after which it was put to an end because it did not come to one"""

    @property
    def ended(self) -> str:
        """How, in words."""
        if self.outlasted is None:
            return f"exit code {self.code}"
        return f"still there after {self.outlasted:.0f} s"


def planned(draw: random.Random, number: int, left: int, seconds: float) -> list[Kill]:
    """Returns the kills of a release, uniform over `seconds`; `number` that came before decides whose turn it is."""
    return [
        Kill(
            draw.uniform(0, seconds),
            signal.SIGTERM if draw.random() < TERM_PART else signal.SIGKILL,
            tree=bool((number + place) % 2),
        )
        for place in range(min(left, draw.randint(1, MOST_KILLS)))
    ]


def start(world: World, mark: str, kill: Kill | None) -> Start:
    """Starts the command, kills it if it is still there by then, and waits for its end."""
    log = world.root.parent / f"{mark}.log"
    with log.open("wb") as out:
        command = world.start(out, mark)
    killed = kill is not None and _killed(command, mark, kill)
    patience, outlasted = PATIENCE_SECONDS if killed else LONGEST_SECONDS, None
    try:
        code = command.wait(patience)
    except subprocess.TimeoutExpired:
        command.kill()
        code, outlasted = command.wait(), patience
    said = log.read_text(errors="replace")
    return Start(mark, code, said, stage_of(said) if killed and outlasted is None else None, outlasted)


def stage_of(said: str) -> str:
    """Returns which stage a command was in, by what it had said."""
    if "running because" not in said:
        return "start"
    if "promoted to" in said:
        return "end"
    ended = _ENDED.findall(said)
    behind = STAGES.index(ended[-1]) + 1 if ended else 0
    return STAGES[behind] if behind < len(STAGES) else "promote"


def alive(mark: str) -> Iterator[tuple[int, str]]:
    """Yields number and command line of every process that carries a mark."""
    wanted = f"{MARK}={mark}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                yield int(folder.name), (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()


def _killed(command: "subprocess.Popen[bytes]", mark: str, kill: Kill) -> bool:
    """Kills the command when its time has come; returns whether it was still there."""
    with suppress(subprocess.TimeoutExpired):
        command.wait(kill.after)
        return False
    others = [number for number, _ in alive(mark) if number != command.pid] if kill.tree else []
    for number in (command.pid, *others):
        with suppress(ProcessLookupError):
            os.kill(number, kill.signal)
    return True


def orphans(marks: list[str], grace: float) -> list[str]:
    """Ends processes that outlive their killed command by more than `grace` seconds; returns their command lines."""
    deadline = time.monotonic() + grace
    while (left := [one for mark in marks for one in alive(mark)]) and time.monotonic() < deadline:
        time.sleep(0.2)
    for number, _ in left:
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
    return [command for _, command in left]
