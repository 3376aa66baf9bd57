"""Where the trainings of a stage write their checkpoints, so that the next start resumes where this one was killed.

A stage may train several times, one after the other; the next start runs them in the same order. The folder is removed
when the stage is done, so what is in it belongs to a stage that is at work, or was killed.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

SHORTEST_SECONDS, LONGEST_SECONDS = 10.0, 25.0
"""of work between two checkpoints; the longest leaves time for a step and for the write itself to be within 30 s"""

COST = 50
"""times as long as a write took, the next one waits: 2 % of the work, up to the longest wait"""


@dataclass
class Checkpoints:
    """The checkpoints of one stage.

    Attributes:
        folder: where they are.
        every: seconds of work between two; None for as many as the cost of a write asks for.
        trainings: that have begun.
    """

    folder: Path
    every: float | None = None
    trainings: int = 0

    def wait(self, cost: float) -> float:
        """Returns the seconds of work after which the next one is due, if the last one took `cost` seconds."""
        return max(SHORTEST_SECONDS, min(LONGEST_SECONDS, COST * cost)) if self.every is None else self.every

    def next(self) -> Path:
        """Returns the file of the training that begins now."""
        self.trainings += 1
        return self.folder / f"{self.trainings}.safetensors"


_current: ContextVar[Checkpoints | None] = ContextVar("checkpoints", default=None)


@contextmanager
def resumable(folder: Path, every: float | None = None) -> Iterator[None]:
    """Lets the trainings in the block go on from the checkpoints in `folder`, which goes when the block ends well.

    Args:
        folder: named after all that the stage depends on.
        every: seconds of work between two checkpoints; None for as many as the cost of a write asks for.
    """
    token = _current.set(Checkpoints(folder, every))
    try:
        yield
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        _current.reset(token)


@contextmanager
def going_on(folder: Path | None, every: float | None = None) -> Iterator[None]:
    """Lets the trainings in the block use the checkpoints of a stage of another process, which removes them itself."""
    token = _current.set(Checkpoints(folder, every) if folder else None)
    try:
        yield
    finally:
        _current.reset(token)


def current() -> Checkpoints | None:
    """Returns the checkpoints of the stage that is at work; None outside of one."""
    return _current.get()
