"""Which form sequences have in a table, a row per frame or a row per sequence, and which column is what."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from tasks.core.errors import DataError, mismatch
from tasks.data.init.table_columns import INDEX, look_at
from tasks.data.init.table_form import TableForm, read_recognised
from tasks.data.init.table_labels import label_column
from tasks.data.readers.columns import LISTS, TEXT, type_of
from tasks.data.readers.rows import RawTable, too_long
from tasks.data.readers.sequence_columns import PARTS
from tasks.runtime.preprocess.cells import NUMBER, NumberFormat

_NAMED = "id|uuid|seq|sequence|series|sample|trial|track|record|recording|session|walk|subject|gesture|run|file"
NAMES = re.compile(rf"(.*[^a-z])?({_NAMED})([^a-z0-9]*(id|nr|no|name|number))?", re.IGNORECASE)
"""what columns with the name of a sequence are called; `width` and `sample_0` are not"""
TIMES = re.compile(r"(t|time.*|timestamp.*|date.*|frame.*|step.*|tick.*|order|index|idx|ms|sec.*)", re.IGNORECASE)
SPLITS = re.compile(r"(split|part|partition|set|subset|fold|usage)", re.IGNORECASE)
NUMBERED = re.compile(r"\d+")
FEW_FRAMES = 2
"""rows per name, at least, of a column that is not called like one of names"""


@dataclass(frozen=True)
class SequenceForm:
    """The section of the recipe that reads the file, and in sentences what was left out."""

    reader: dict[str, Any]
    left_out: tuple[str, ...] = ()


def recognised_table(path: Path, label: str | None) -> SequenceForm:
    """Returns how to read a CSV or Parquet file.

    Raises:
        DataError: it is no table, has no column for the label, or neither form fits.
    """
    table, form = read_recognised(path)
    if table.broken:
        raise DataError(f"`{path}`: {too_long(table.broken)}")
    if not table.rows:
        raise DataError(mismatch(str(path), "", "rows below the header", "none", "is it the right file?"))
    label = label_column(path, list(table.columns), label)
    columns = _Columns(path, table, form, label)
    return columns.long() or columns.wide()


class _Columns:
    """The columns of a table, while it is decided what each of them is."""

    def __init__(self, path: Path, table: RawTable, form: TableForm, label: str) -> None:
        self.path, self.table, self.form, self.label = path, table, form, label
        self.split = next((name for name in table.columns if name != label and self._is_split(name)), None)
        self.named = {"label": label, **({"split": self.split} if self.split else {})}

    def long(self) -> SequenceForm | None:
        """Returns the form with a row per frame; None where no column has the name of a sequence in several rows."""
        sequence = self._sequence()
        if sequence is None:
            return None
        named = {"sequence": sequence, **self.named}
        if order := self._order(sequence, [*named.values()]):
            named["order"] = order
        left_out = dict(self._no_features([name for name in self.table.columns if name not in named.values()]))
        if len(named) + len(left_out) == len(self.table.columns):
            got = "; ".join(f"`{name}`: {why}" for name, why in left_out.items()) or "none"
            raise DataError(mismatch(str(self.path), "", "columns to learn from", got, "is it the right file?"))
        return self._form("long_table", named, left_out)

    def wide(self) -> SequenceForm:
        """Returns the form with a row per sequence."""
        others = [name for name in self.table.columns if name not in self.named.values()]
        kinds = {name: self.table.unfit(name) or self._type(name) for name in others}
        if lists := next((name for name, kind in kinds.items() if kind.startswith(LISTS)), None):
            do = "write a row per frame, with the name of its sequence, or a column per frame"
            got = f"lists ({kinds[lists]})"
            raise DataError(mismatch(str(self.path), lists, "one number per cell", got, do))
        ids = [name for name in others if self._is_id(name, kinds[name])]
        named = {**({"id": ids[0]} if ids else {}), **self.named}
        left_out = {name: f"{kind}, no numbers" for name, kind in kinds.items() if kind == TEXT and name not in ids[:1]}
        frames = [name for name in others if name not in (*ids[:1], *left_out)]
        if len(frames) < FEW_FRAMES:
            expected = "a column that names the sequence of each row, or a column per frame"
            got = f"the columns {', '.join(f'`{name}`' for name in self.table.columns)}"
            raise DataError(mismatch(str(self.path), "", expected, got, "write the recipe by hand"))
        form = self._form("wide_table", named, left_out)
        return SequenceForm(form.reader | _shape(self.path, frames), form.left_out)

    def _form(self, kind: str, named: dict[str, str], left_out: dict[str, str]) -> SequenceForm:
        ignore = {"ignore": [*left_out]} if left_out else {}
        told = tuple(f"`{name}` is left out: {why}" for name, why in left_out.items())
        return SequenceForm({"kind": kind, **named, **ignore, **self.form.fields()}, told)

    def _sequence(self) -> str | None:
        """Returns the column whose texts come again from row to row, with one label each; the finest of several."""
        found = []
        for name in self.table.columns:
            if name in self.named.values() or self.table.unfit(name):
                continue
            cells, labels = self.table.cells(name), self.table.cells(self.label)
            different, runs = len({*cells}), 1 + sum(a != b for a, b in pairwise(cells))
            called = NAMES.fullmatch(name) is not None
            several = 1 < different < len(cells) if called else 1 < different * FEW_FRAMES <= len(cells)
            if several and (called or runs == different) and _agree(cells, labels):
                found.append((runs == different, called, different, name))
        return max(found)[-1] if found else None

    def _order(self, sequence: str, named: Sequence[str]) -> str | None:
        """Returns the column that rises within sequences: called like a time, or one of whole numbers."""
        names = self.table.cells(sequence)
        for column in self.table.columns:
            if column in named:
                continue
            moments = [_moment(cell, self.form.written) for cell in self.table.cells(column)]
            rises = [
                before is not None and after is not None and before < after
                for (one, before), (other, after) in pairwise(zip(names, moments, strict=True))
                if one == other
            ]
            whole = all(moment is not None and moment.is_integer() for moment in moments)
            if (rises and all(rises) and whole) or (TIMES.fullmatch(column) and 2 * sum(rises) > len(rises)):
                return column
        return None

    def _no_features(self, columns: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Yields the columns that hold nothing to learn from, and why."""
        for name in columns:
            guess = look_at(self.table, name, self.form)
            if guess.left_out:
                yield name, guess.left_out
            elif guess.type == TEXT:
                yield name, "texts: sequences are of numbers"

    def _is_split(self, name: str) -> bool:
        if self.table.unfit(name):
            return False
        parts = {PARTS.get(cell.strip().lower()) for cell in {*self.table.cells(name)}}
        return {"train", "test"} <= parts and (None not in parts or SPLITS.fullmatch(name) is not None)

    def _is_id(self, name: str, kind: str) -> bool:
        cells = self.table.cells(name)
        return len({*cells}) == len(cells) and (kind == TEXT or INDEX.fullmatch(name) is not None)

    def _type(self, name: str) -> str:
        kind = type_of([cell for cell in self.table.cells(name) if cell.strip()], self.form.written)
        return kind if kind in (NUMBER, TEXT) else TEXT if kind else NUMBER


def _agree(names: Sequence[str], labels: Sequence[str]) -> bool:
    """Says whether nearly all names have one label each: a mistake is no other form."""
    of: dict[str, set[str]] = {}
    for name, label in zip(names, labels, strict=True):
        of.setdefault(name, set()).add(label)
    return sum(len(some) > 1 for some in of.values()) * 10 <= len(of)


def _shape(path: Path, frames: Sequence[str]) -> dict[str, Any]:
    """Returns the shape where the numbers in the names of columns say that a frame is several of them.

    Raises:
        DataError: the columns of a frame are not side by side.
    """
    numbers = [found[0] if (found := NUMBERED.search(name)) else "" for name in frames]
    different = [*dict.fromkeys(numbers)]
    features = len(frames) // len(different)
    if features < 2 or "" in different or any(numbers.count(one) != features for one in different):
        return {}
    if numbers != [one for one in different for _ in range(features)]:
        expected = f"the {features} columns of a frame side by side"
        got, do = f"`{frames[0]}`, `{frames[1]}`, ...", "put the columns in the order of the frames"
        raise DataError(mismatch(str(path), "", expected, got, do))
    return {"shape": [len(different), features]}


def _moment(text: str, written: NumberFormat) -> float | None:
    number = written.number(text)
    try:
        return datetime.fromisoformat(text.strip()).timestamp() if number is None else number
    except (ValueError, OverflowError):
        return None
