"""The one place that prints: a line, a list, a table, JSON.

What a person wrote (a reason, a name, a label, a path) is printed as it is: nothing is read as markup, and what would
break the line or steer the terminal is written out. A line is never cut and never folded, whatever the width: the
terminal wraps it, and a pipe gets one row per line.
"""

import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tasks.core.errors import printable
from tasks.core.progress import Event, Notice, Warned

WIDE = 100_000
"""columns: no table is wider"""
Part = str | tuple[str, str]
"""a text, or a text and its style, such as `("refused", "red")`"""
console = Console(highlight=False, markup=False, emoji=False)


def say(*parts: Part) -> None:
    """Prints one line."""
    _print(_text(parts))


def say_list(title: Part, items: Sequence[str]) -> None:
    """Prints a title and an indented line per item."""
    say(title)
    for item in items:
        say(f"  - {item}")


def say_table(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    title: str = "",
    *,
    numbers: bool = False,
    strong: int | None = None,
) -> None:
    """Prints a table, a line per row.

    Args:
        headings: of the columns.
        rows: a text per column.
        title: a line above it.
        numbers: all columns but the first are numbers, and end below each other.
        strong: the row that matters most.
    """
    table = Table(box=SIMPLE_HEAD)
    for place, heading in enumerate(headings):
        table.add_column(_text([heading]), justify="right" if numbers and place else "left", no_wrap=True)
    for place, row in enumerate(rows):
        table.add_row(*(_text([cell]) for cell in row), style="bold" if place == strong else "")
    if title:
        say((title, "bold"))
    _print_rows(table)


def say_json(value: Any) -> None:
    """Prints a value for machines, and nothing else: see `to_stderr`."""
    sys.stdout.write(f"{json.dumps(value, indent=2)}\n")


def to_log(line: str) -> None:
    """Prints a line for machines on standard error."""
    sys.stderr.write(f"{line}\n")


def to_stderr(wanted: bool) -> bool:
    """Sends all lines but JSON to the other stream where JSON is `wanted`, which is returned."""
    console.stderr = wanted
    return wanted


def warn(text: str) -> None:
    """Prints a warning."""
    say(("warning", "yellow"), f" {text}")


def say_notice(event: Event) -> None:
    """Prints what was put right in passing, and what is unwise or did not work."""
    match event:
        case Notice(word, text):
            say((word, "yellow"), f"{' ' * max(1, 9 - len(word))}{text}")
        case Warned(text):
            warn(text)


def command() -> str:
    """Returns how this command is typed here: by its name where that is on the path."""
    here = Path(sys.executable).with_name("stillhouse")
    return "stillhouse" if shutil.which("stillhouse") or not here.is_file() else os.path.relpath(here)


def _print(line: Text) -> None:
    """Prints a line; where this process has a flow, Prefect's page of it gets the line, too."""
    console.print(line, soft_wrap=True)
    if "flows.logs" in sys.modules:
        from flows.logs import log_line

        log_line(line.plain)


def _text(parts: Sequence[Part]) -> Text:
    return Text.assemble(*(printable(p) if isinstance(p, str) else (printable(p[0]), p[1]) for p in parts))


def _print_rows(table: Table) -> None:
    """Prints a table as wide as its contents: rich would fit it to the terminal by cutting cells."""
    for row in console.render_lines(table, console.options.update(width=WIDE), pad=False):
        line = Text.assemble(*((part.text, part.style or "") for part in row))
        line.rstrip()
        _print(line)
