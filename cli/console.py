"""What a person sees: a line per stage, a bar for whatever takes longer than two seconds, the table at the end."""

import os
import shutil
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from tasks.contracts.metrics import Metric
from tasks.contracts.records import DataRecord
from tasks.contracts.scores import BASELINE, STUDENT, TEACHER, Challenge, EvaluationRecord, Score
from tasks.contracts.words import gain_in_digits, title_of
from tasks.core.progress import (
    Event,
    Listener,
    Notice,
    StageAdvanced,
    StageEnded,
    StageFailed,
    StageStarted,
    Warned,
    listen,
)
from tasks.data.versions.versions_store import quarantine_file
from tasks.kinds.limits import deciding

PATIENCE_SECONDS = 2.0
console = Console(highlight=False)


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


def say_notice(event: Event) -> None:
    """Prints what was put right in passing, and what is unwise or did not work."""
    match event:
        case Notice(word, text):
            console.print(f"[yellow]{word}[/]{' ' * max(1, 9 - len(word))}{escape(text)}", soft_wrap=True)
        case Warned(text):
            warn(text)


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
                self._progress.update(self._progress.task_ids[0], completed=done, total=total, note=note)
            case StageEnded():
                self.clear()
                console.print(_line(event), soft_wrap=True)
            case StageFailed(stage, reason):
                self.clear()
                console.print(f"  [red]failed[/]  {escape(f'{stage:<14} {reason}'.rstrip())}", soft_wrap=True)

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
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[note]}"))
        self._progress = Progress(*columns, TimeElapsedColumn(), console=console, transient=True)
        self._progress.add_task(f"{stage:<14}", total=None, note="")
        self._timer = threading.Timer(PATIENCE_SECONDS, self._progress.start)
        self._timer.daemon = True
        self._timer.start()


def _line(event: StageEnded) -> str:
    summary = escape(event.summary)
    if not event.reused:
        return f"  [green]done[/]    {event.stage:<14} {summary} [dim]({event.seconds:.1f} s)[/]"
    since = f" [dim]from {event.reused_from.astimezone():%Y-%m-%d %H:%M}[/]" if event.reused_from else ""
    return f"  [cyan]reused[/]  {event.stage:<14} {summary}{since}"


def evaluation_table(evaluation: EvaluationRecord) -> Table:
    """Returns teacher, student alone, student distilled and the shipped file, side by side."""
    test = evaluation.data.samples["test"]
    title = f"{evaluation.name} on {test:,} test samples"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, title_style="bold")
    table.add_column("")
    metric = deciding(evaluation.data.task)
    for heading in (f"{metric.title} (interval)", "parameters", "bytes", "p50 ms"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name in (TEACHER, BASELINE, STUDENT):
        label = evaluation.teacher.role if name == TEACHER else title_of(name)
        table.add_row(*_cells(metric, label, evaluation.score(name)))
    table.add_section()
    table.add_row(*_cells(metric, f"shipped: {evaluation.chosen}", evaluation.shipped), style="bold")
    return table


def table_of(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Returns a table of texts, printed as they are."""
    table = Table(*map(escape, headings), box=SIMPLE_HEAD)
    for row in rows:
        table.add_row(*map(escape, row))
    return table


def gain_line(evaluation: EvaluationRecord) -> str:
    """Says what the teacher was worth to the student, and whether the test set is large enough to tell."""
    metric = deciding(evaluation.data.task)
    gain = evaluation.gains[metric.name]
    told = "" if gain.low > 0 or gain.high < 0 else ": the test set cannot tell it from zero"
    ends = f"({gain.low:+.4f} to {gain.high:+.4f})"
    return f"The teacher is worth {gain.value:+.4f} {metric.title} to the student {ends}{told}."


def challenge_line(challenge: Challenge) -> str:
    """Says how a release did against the champion, on the samples of its own test data."""
    name, gain = next(iter(challenge.gains.items()))
    line = f"against version {challenge.version}: {name} {gain_in_digits(gain)}"
    if not (found := challenge.discordant):
        return line
    only = f"{found.only_challenger} against {found.only_champion}"
    return f"{line}; samples that only one has right: {only}, McNemar p {found.p_value:.3g}"


def say_quarantine(data: DataRecord) -> None:
    """Prints how many bad samples were left out of prepared data, why, and where each is named; nothing if none."""
    if data.in_quarantine:
        where = os.path.relpath(quarantine_file(data))
        words = f"{data.in_quarantine} of the source are left out: {where}"
        console.print(f"[yellow]quarantine[/] {words}", soft_wrap=True)


def warn(text: str) -> None:
    """Prints a warning."""
    console.print(f"[yellow]warning[/] {escape(text)}", soft_wrap=True)


def command() -> str:
    """Returns how this command is typed here: by its name where that is on the path."""
    here = Path(sys.executable).with_name("stillhouse")
    return "stillhouse" if shutil.which("stillhouse") or not here.is_file() else os.path.relpath(here)


def bullet_list(title: str, items: Sequence[str]) -> str:
    """Returns a title and an indented line per item."""
    return "\n".join([title, *(f"  - {item}" for item in items)])


def interval_cell(metric: Metric, score: Score) -> str:
    """Returns a value of a model and the ends of its interval, for a table."""
    interval = score.metrics[metric.name]
    return f"{interval.value:.4f} ({interval.low:.3f}-{interval.high:.3f})"


def _cells(metric: Metric, label: str, score: Score) -> list[str]:
    return [
        label,
        interval_cell(metric, score),
        f"{score.parameters:,}",
        f"{score.size:,}",
        f"{score.p50_ms:.3f}",
    ]
