"""How far a run is: a line per stage, and a bar for whatever takes longer than two seconds."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from cli.output.console import Part, console, say
from tasks.core.errors import printable
from tasks.core.progress import Event, Listener, StageAdvanced, StageEnded, StageFailed, StageStarted, listen

PATIENCE_SECONDS = 2.0


@contextmanager
def shown(*listeners: Listener) -> Iterator[None]:
    """Shows the events of stages on the terminal while the block runs; further listeners print events of their own."""
    display = _StageDisplay()
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
    listen(_StageDisplay().on_event)


class _StageDisplay:
    """The bar of the stage that is running, shown once it has taken longer than two seconds."""

    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._timer: threading.Timer | None = None

    def on_event(self, event: Event) -> None:
        match event:
            case StageStarted(stage):
                self._begin(stage)
            case StageAdvanced(_, done, total, note) if self._progress:
                task = self._progress.task_ids[0]
                self._progress.update(task, completed=done, total=total, note=printable(note))
            case StageEnded():
                self.clear()
                say(*_ended(event))
            case StageFailed(stage, reason):
                self.clear()
                say("  ", ("failed", "red"), f"  {stage:<14} {reason}".rstrip())

    def clear(self) -> None:
        if self._timer:
            self._timer.cancel()
        # A bar that was never shown must not be ended either: that prints an empty line.
        if self._progress and self._progress.live.is_started:
            self._progress.stop()
        self._progress = self._timer = None

    def _begin(self, stage: str) -> None:
        self.clear()
        if not console.is_terminal:
            return
        title, note = (TextColumn(field, markup=False) for field in ("{task.description}", "{task.fields[note]}"))
        columns = (SpinnerColumn(), title, BarColumn(), note, TimeElapsedColumn())
        self._progress = Progress(*columns, console=console, transient=True)
        self._progress.add_task(f"{stage:<14}", total=None, note="")
        self._timer = threading.Timer(PATIENCE_SECONDS, self._progress.start)
        self._timer.daemon = True
        self._timer.start()


def _ended(event: StageEnded) -> tuple[Part, ...]:
    words = f"{event.stage:<14} {event.summary}"
    if not event.reused:
        return "  ", ("done", "green"), f"    {words}", (f" ({event.seconds:.1f} s)", "dim")
    since = f" from {event.reused_from.astimezone():%Y-%m-%d %H:%M}" if event.reused_from else ""
    return "  ", ("reused", "cyan"), f"  {words}", (since, "dim")
