"""How far a run is: a line per stage, and a bar for whatever takes longer than two seconds.

Where there is no terminal, a line every half a minute stands for the bar.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from cli.output.console import Part, console, say
from tasks.core.errors import printable
from tasks.core.progress import Event, Listener, StageAdvanced, StageEnded, StageFailed, StageStarted, listen

PATIENCE_SECONDS = 2.0
LINE_SECONDS = 30.0
"""between two lines about one stage, in a log"""


@contextmanager
def shown(*listeners: Listener, verbose: bool = False) -> Iterator[None]:
    """Shows the events of stages while the block runs, with their details where `verbose`.

    Further listeners print events of their own.
    """
    display = StageDisplay(verbose)
    stops = [listen(listener) for listener in (display.on_event, *listeners)]
    display.on_event(StageStarted("starting"))
    try:
        yield
    finally:
        for stop in stops:
            stop()
        display.clear()


def listen_to_stages() -> None:
    """Shows the events of stages for as long as this process lives."""
    listen(StageDisplay(verbose=True).on_event)


class Pace:
    """How fast a stage counts. What was done before a resume, or counted in other steps, tells nothing."""

    def __init__(self) -> None:
        self._began = 0.0
        self._first: StageAdvanced | None = None
        self._done = 0

    def left(self, event: StageAdvanced) -> str:
        """Returns about how long the count will take, as words behind others; empty where no step was seen."""
        now = time.monotonic()
        if self._first is None or event.total != self._first.total or event.done < self._done:
            self._began, self._first = now, event
        self._done = event.done
        if event.done == self._first.done:
            return ""
        seconds = (now - self._began) / (event.done - self._first.done) * (event.total - event.done)
        return f", about {seconds / 60:.0f} min left" if seconds >= 90 else f", about {seconds:.0f} s left"


class StageDisplay:
    """The bar of the stage that is running, shown once it has taken longer than two seconds."""

    def __init__(self, verbose: bool) -> None:
        self._verbose = verbose
        self._progress: Progress | None = None
        self._timer: threading.Timer | None = None
        self._said = time.monotonic()
        self._pace = Pace()

    def on_event(self, event: Event) -> None:
        """Shows an event."""
        match event:
            case StageStarted(stage):
                self._begin(stage)
            case StageAdvanced(_, done, total, note) if self._progress:
                task = self._progress.task_ids[0]
                self._progress.update(task, completed=done, total=total, note=printable(note))
            case StageAdvanced() if not console.is_terminal:
                left = self._pace.left(event)
                if time.monotonic() - self._said > LINE_SECONDS:
                    self._said = time.monotonic()
                    say(f"  ...     {event.stage:<14} {event.note or f'{event.done} of {event.total}'}{left}")
            case StageEnded():
                self.clear()
                say(*_ended(event))
                for detail in event.summary.split("\n")[1:] if self._verbose else ():
                    say((f"{'':<25}{detail}", "dim"))
            case StageFailed(stage, reason):
                self.clear()
                say("  ", ("failed", "red"), f"  {stage:<14} {reason}".rstrip())

    def clear(self) -> None:
        """Takes the bar away."""
        if self._timer:
            self._timer.cancel()
        # A bar that was never shown must not be ended either: that prints an empty line.
        if self._progress and self._progress.live.is_started:
            self._progress.stop()
        self._progress = self._timer = None

    def _begin(self, stage: str) -> None:
        self.clear()
        self._said, self._pace = time.monotonic(), Pace()
        if not console.is_terminal:
            return
        title, note = (TextColumn(field, markup=False) for field in ("{task.description}", "{task.fields[note]}"))
        columns = (SpinnerColumn(), title, BarColumn(20), note, TimeElapsedColumn(), TimeRemainingColumn(compact=True))
        self._progress = Progress(*columns, console=console, transient=True)
        self._progress.add_task(f"{stage:<14}", total=None, note="")
        self._timer = threading.Timer(PATIENCE_SECONDS, self._progress.start)
        self._timer.daemon = True
        self._timer.start()


def _ended(event: StageEnded) -> tuple[Part, ...]:
    words = f"{event.stage:<14} {event.summary.partition(chr(10))[0]}"
    if not event.reused:
        return "  ", ("done", "green"), f"    {words}", (f" ({event.seconds:.1f} s)", "dim")
    since = f" from {event.reused_from.astimezone():%Y-%m-%d %H:%M}" if event.reused_from else ""
    return "  ", ("reused", "cyan"), f"  {words}", (since, "dim")
