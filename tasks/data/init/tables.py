"""A first recipe for a table: what its reader needs is looked up in the columns."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tasks.core.errors import DataError, mismatch
from tasks.data.init.table_columns import ColumnGuess, look_at
from tasks.data.init.table_form import TableForm, read_recognised
from tasks.data.init.table_labels import are_measurements, check_label, label_column, label_notes
from tasks.data.init.templates import HEAD, SPLIT, TAIL, quoted
from tasks.data.init.understanding import Understanding
from tasks.data.readers.columns import TEXT, row_name
from tasks.data.readers.rows import RawTable, too_long
from tasks.data.sources.own import require_given
from tasks.data.sources.walk import FILE
from tasks.runtime.preprocess.cells import CATEGORY, NUMBER, TableColumn

HEADINGS = ("column", "type", "gaps", "examples", "becomes")
COSTLY = 0.05
"""part of the rows; where gaps cost more, they are filled"""
SHOWN = 5
_TABLE = """\
  reader:
    kind: table
    label: {label}
    categorical: {categorical}   # one column per value
    ignore: {ignore}
    missing: {missing}            # rows with a gap: refuse, drop, or impute (median or commonest value, and a mark)
"""
_MEASURED = """\
  task: regression             # a number for each row
  regression: {bins: 32}       # `low` and `high`, where numbers beyond them are mistakes
"""
_INTERVALS = """
evaluate:
  operate: {in_interval: 0.9}  # nine of ten numbers inside the interval told with the answer, on validation data
"""
_TABLE_MODELS = """
teacher:
  architecture: {kind: mlp, hidden: [256, 256]}
  training: {epochs: 60, batch_size: 64, learning_rate: 0.001}

student:
  architecture: {kind: mlp, hidden: [16]}
  training: {epochs: 100, batch_size: 64, learning_rate: 0.01}
"""


@dataclass(frozen=True)
class TableGuess:
    """How a table is written, its columns, and the values of its label."""

    form: TableForm
    label: str
    columns: tuple[ColumnGuess, ...]
    values: Counter[str]
    rows: int
    unlabelled: int
    incomplete: int
    """rows with a gap in a column that is learned from"""
    marks_elsewhere: bool
    """a text that means a gap in one column is a value of another"""
    measured: bool
    """the label is a measurement, and not one of a few classes"""

    @property
    def learned(self) -> tuple[ColumnGuess, ...]:
        """The columns that become features."""
        return tuple(column for column in self.columns if column.name != self.label and not column.left_out)

    @property
    def missing(self) -> str:
        """What the recipe does with gaps."""
        if self.incomplete > COSTLY * self.rows:
            return "impute"
        return "drop" if self.incomplete or self.unlabelled else "refuse"

    def fields(self) -> dict[str, Any]:
        """Returns what the recipe says beside the usual fields."""
        marks = {column.name: list(column.marks) for column in self.columns if column.marks}
        listed = sorted({mark for some in marks.values() for mark in some})
        gaps = {"missing_values": marks if self.marks_elsewhere else listed} if marks else {}
        marked = {"indicators": [column.name for column in self.learned if column.gaps]}
        return self.form.fields() | gaps | (marked if self.missing == "impute" else {})


def understand(name: str, source: str, path: Path, label: str | None) -> Understanding:
    """Returns a recipe for a table; `source` is how the recipe names its file.

    Raises:
        DataError: no such file, not a table, no column of classes, nothing to learn from.
    """
    guess = guess_table(path, label)
    shown = {guess.label: NUMBER} if guess.measured else {}
    rows = tuple(replace(column, type=shown.get(column.name, column.type)).row for column in guess.columns)
    return Understanding(_recipe(name, source, guess), HEADINGS, rows, tuple(_notes(path, guess)))


def guess_table(path: Path, label: str | None) -> TableGuess:
    """Looks at all columns.

    Raises:
        DataError: no such file, not a table, no column of classes, nothing to learn from.
    """
    require_given(path, "--table", "a CSV or Parquet file", FILE)
    table, form = read_recognised(path)
    if table.broken:
        raise DataError(f"`{path}`: {too_long(table.broken)}")
    label = label_column(path, list(table.columns), label)
    if kind := table.unfit(label):
        raise DataError(mismatch(str(path), label, "labels", kind, "choose another `--label`"))
    values = [cell for cell in table.cells(label) if cell.strip()]
    if not are_measurements(values, form.written):
        check_label(path, label, values, form.written)
    columns = tuple(look_at(table, name, form, name == label) for name in table.columns)
    guess = _guess(table, form, label, columns, values)
    if not guess.learned:
        got = "; ".join(f"`{column.name}`: {column.left_out}" for column in columns if column.left_out)
        raise DataError(
            mismatch(
                str(path), "", "columns to learn from", f"none: {got or 'the label alone'}", "is it the right file?"
            )
        )
    return guess


def _guess(
    table: RawTable, form: TableForm, label: str, columns: tuple[ColumnGuess, ...], values: list[str]
) -> TableGuess:
    gaps, others = np.zeros(table.rows, np.bool_), set(values)
    marks = {mark for column in columns for mark in column.marks}
    for column in columns:
        if column.name == label or column.left_out:
            continue
        cells, facts = table.cells(column.name), TableColumn(column.name, CATEGORY, missing_values=column.marks)
        gaps |= np.fromiter((facts.is_gap(cell) for cell in cells), np.bool_, len(cells))
        others |= set(cells) - set(column.marks)
    return TableGuess(
        form,
        label,
        columns,
        Counter(values),
        table.rows,
        table.rows - len(values),
        int(gaps.sum()),
        bool(marks & others),
        are_measurements(values, form.written),
    )


def _recipe(name: str, source: str, guess: TableGuess) -> str:
    """Returns a recipe for a table."""
    reader = _TABLE.format(
        label=quoted(guess.label),
        categorical=quoted([column.name for column in guess.learned if column.type == TEXT]),
        ignore=quoted([column.name for column in guess.columns if column.left_out]),
        missing=guess.missing,
    )
    more = "".join(f"    {field}: {quoted(value)}\n" for field, value in guess.fields().items())
    head = HEAD.format(name=name, kind="file", path=json.dumps(source)) + (_MEASURED if guess.measured else "")
    tail = TAIL.format(candidates="[fp32, static_int8]")
    if guess.measured:
        tail = _INTERVALS + tail.replace("accuracy:", "r2:")
    return head + reader + more + SPLIT + _TABLE_MODELS + tail


def _notes(path: Path, guess: TableGuess) -> Iterator[str]:
    """Yields what was understood, what is left out, and what that costs."""
    yield f"{path}: {guess.rows:,} rows, {_measured(guess) if guess.measured else _classes(guess)}"
    if form := guess.fields():
        yield "written into the recipe: " + ", ".join(f"{field} {quoted(value)}" for field, value in form.items())
    for column in guess.columns:
        if column.left_out:
            yield f"`{path.name}`: `{column.name}` is left out: {column.left_out}"
    yield from _gaps(guess)
    for column in guess.columns:
        if column.mistakes:
            listed = ", ".join(f"{row_name(row)} `{cell}`" for row, cell in column.mistakes[:SHOWN])
            more = f" and {len(column.mistakes) - SHOWN:,} more" if len(column.mistakes) > SHOWN else ""
            do = "the run stops: correct them, or say `arrivals: {bad: quarantine}`"
            yield f"`{column.name}`: expected a {column.type} in every cell, got {listed}{more}; {do}"
    if not guess.measured:
        yield from label_notes(guess.values)


def _gaps(guess: TableGuess) -> Iterator[str]:
    gaps = ", ".join(f"`{column.name}` {column.gaps:,}" for column in guess.learned if column.gaps)
    cost = f"{guess.incomplete:,} of {guess.rows:,} rows have a gap ({gaps})"
    if guess.missing == "impute":
        yield f"{cost}: `missing: impute` fills them; `drop` would leave those rows out"
    elif guess.incomplete:
        yield f"{cost}: `missing: drop` leaves those rows out; `impute` would fill them"
    if guess.unlabelled:
        yield f"{guess.unlabelled:,} of {guess.rows:,} rows have no label in `{guess.label}` and are left out"


def _classes(guess: TableGuess) -> str:
    return f"{len(guess.values):,} classes: {_counted(guess.values)}"


def _measured(guess: TableGuess) -> str:
    """Returns the range of the numbers, and which cells are none."""
    written = guess.form.written
    found = {value: written.number(value) for value in guess.values}
    numbers = [number for number in found.values() if number is not None]
    told = f"`{guess.label}` is a number from {min(numbers):.6g} to {max(numbers):.6g}: a regression"
    others = ", ".join(f"`{value}`" for value in [value for value, number in found.items() if number is None][:SHOWN])
    do = "the run stops: correct them, or say `arrivals: {bad: quarantine}`"
    return f"{told}; no numbers are {others}; {do}" if others else told


def _counted(values: Counter[str]) -> str:
    shown = ", ".join(f"`{name}` {count:,}" for name, count in values.most_common(SHOWN))
    return shown + (f" and {len(values) - SHOWN} more" if len(values) > SHOWN else "")
