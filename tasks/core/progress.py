"""What is going on, as events for every listener: the terminal, a test, or none.

A stage tells how far it is through the callable that its `task.py` gives it. Who listens is decided where the process
starts (`cli`), so that no other package knows about terminals.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


class Event:
    """Something that listeners are told of."""


@dataclass(frozen=True)
class Notice(Event):
    """Something was put right in passing; `word` says in one word what was done: closed, finished."""

    word: str
    text: str


@dataclass(frozen=True)
class Warned(Event):
    """Something is unwise or did not work, and the run goes on."""

    text: str


@dataclass(frozen=True)
class StageStarted(Event):
    """A stage begins to work."""

    stage: str


@dataclass(frozen=True)
class StageAdvanced(Event):
    """A stage has done `done` of `total` steps; `note` says what the last one showed."""

    stage: str
    done: int
    total: int
    note: str = ""


@dataclass(frozen=True)
class StageEnded(Event):
    """A stage is done after `seconds`; where an earlier result was taken, `reused`, and from when if that is known.

    The first line of `summary` is what everybody wants to know; the others are details.
    """

    stage: str
    summary: str
    seconds: float
    reused: bool = False
    reused_from: datetime | None = None


@dataclass(frozen=True)
class StageFailed(Event):
    """A stage ended without a result; `reason` is empty where an error tells why."""

    stage: str
    reason: str = ""


Listener = Callable[[Event], None]
Advance = Callable[[int, int, str], None]
"""(done, total, note): what a stage is given to say how far it is"""

_listeners: list[Listener] = []


def listen(listener: Listener) -> Callable[[], None]:
    """Adds a listener and returns the function that removes it again."""
    _listeners.append(listener)
    return lambda: _listeners.remove(listener)


def say(event: Event) -> None:
    """Tells every listener."""
    for listener in tuple(_listeners):
        listener(event)


def silent(_done: int, _total: int, _note: str) -> None:
    """An `Advance` for callers that do not listen."""
