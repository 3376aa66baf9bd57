"""Sequences in a table with one row per frame: the rows of a sequence are below each other, in the order of time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.fields import Fields, Json
from .cells import BOOLEAN, NUMBER, PERCENT, PLAIN, NumberFormat, TableColumn
from .csv_columns import read_columns
from .preprocessor import FoundSample, ModelInputs
from .sequences import FoundSequence, each_of, of_records, schema_of, whole

KIND = "long_table"
TYPES = (NUMBER, PERCENT, BOOLEAN)
Cells = Callable[[str], Sequence[str]]
RowName = Callable[[int], str]


@dataclass(frozen=True)
class LongTablePreprocessor:
    """Makes sequences of the columns that a model knows; others are passed over."""

    sequence: str
    """the column that says which sequence a row is of"""
    order: str
    """the column that must rise within a sequence; empty where there is none"""
    columns: tuple[TableColumn, ...]
    separator: str = ","
    encoding: str = "utf-8"
    written: NumberFormat = PLAIN
    media_types: tuple[str, ...] = ("text/csv",)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """In the order of the features."""
        return tuple(column.name for column in self.columns)

    def facts(self) -> dict[str, Any]:
        """Returns what `load` makes this of, as `preprocessing` of a manifest."""
        return {
            "kind": KIND,
            "separator": self.separator,
            "encoding": self.encoding,
            **asdict(self.written),
            "sequence": self.sequence,
            "order": self.order,
            "columns": [{"name": column.name, "type": column.type} for column in self.columns],
        }

    def sequences(self, cells: Cells, row_name: RowName) -> Iterator[FoundSequence]:
        """Yields the sequences of a table, each where it begins.

        Args:
            cells: column -> its texts.
            row_name: what to call a row in a message.
        """
        values, wrong = self._values(cells)
        order = cells(self.order) if self.order else ()
        names = cells(self.sequence)
        for name, parts in _runs(names).items():
            if not name.strip():
                yield from self._nameless(parts, row_name)
                continue
            rows = parts[0]
            problem = _scattered(parts, row_name) or _beside(names, rows, row_name) or _first(wrong, rows, row_name)
            problem = problem or (self._disorder(order, rows, row_name) if self.order else "")
            yield FoundSequence(name, rows, values[rows.start : rows.stop], problem)

    def from_file(self, content: bytes) -> ModelInputs:
        """Returns the sequences of a CSV file with a header, in the order in which they begin.

        Raises:
            WrongInputError: it is empty or no such file, a column is missing, or a row is wrong.
        """
        return whole(self._found(content))

    def each(self, content: bytes) -> Iterator[FoundSample]:
        """Yields them one by one, those that are wrong among them; raises as `from_file` where none can be read."""
        return each_of(self._found(content))

    def _found(self, content: bytes) -> Iterator[FoundSequence]:
        wanted = [self.sequence, *([self.order] if self.order else []), *self.feature_names]
        table = read_columns(content, self.separator, self.encoding, wanted, short=True)
        return self.sequences(table.cells.__getitem__, table.row_name)

    def from_records(self, records: Sequence[Mapping[str, Json]]) -> ModelInputs:
        """Returns sequences given as objects: a list of numbers for each column, or `inputs` frame by frame.

        Raises:
            WrongInputError: there are none, or a field is missing or wrong.
        """
        return of_records(records, len(self.columns), self.feature_names)

    def schema(self) -> dict[str, Any]:
        """Returns the JSON schema of a record."""
        return schema_of(len(self.columns), self.feature_names)

    def _nameless(self, parts: Sequence[range], row_name: RowName) -> Iterator[FoundSequence]:
        problem = f"expected the name of a sequence in column `{self.sequence}`, got none"
        for row in (row for rows in parts for row in rows):
            yield FoundSequence(row_name(row), range(row, row + 1), problem=problem)

    def _values(self, cells: Cells) -> tuple[NDArray[np.float32], dict[int, str]]:
        """Returns (rows, features), and row -> what is wrong with the first wrong cell in it."""
        parsed = [column.parsed(cells(column.name), self.written) for column in self.columns]
        wrong: dict[int, str] = {}
        for column, found in zip(self.columns, parsed, strict=True):
            gaps = dict.fromkeys(np.flatnonzero(found.gaps).tolist(), _gap(column.name))
            wrong = gaps | dict(found.problems) | wrong
        return np.column_stack([found.numbers for found in parsed]).astype(np.float32), wrong

    def _disorder(self, order: Sequence[str], rows: range, row_name: RowName) -> str:
        """Returns where the column of the order does not rise; empty where it does."""
        before: float | None = None
        for row in rows:
            now = _moment(order[row], self.written)
            if now is None:
                return f"{row_name(row)}: expected a number or a time in column `{self.order}`, got `{order[row]}`"
            if before is not None and now <= before:
                got = f"`{order[row]}` after `{order[row - 1]}`"
                return f"{row_name(row)}: expected `{self.order}` to rise within a sequence, got {got}"
            before = now
        return ""


def load(fields: Fields) -> LongTablePreprocessor:
    """Returns the preprocessor that a manifest describes.

    Raises:
        ManifestError: a field is missing, unknown or wrong.
    """
    columns = tuple(_column(some) for some in fields.objects("columns"))
    if not columns:
        raise fields.wrong("columns", "at least one", [])
    return LongTablePreprocessor(
        sequence=fields.text("sequence"),
        order=fields.text("order"),
        columns=columns,
        separator=fields.text("separator"),
        encoding=fields.text("encoding"),
        written=NumberFormat(fields.text("decimal"), fields.text("thousands")),
    )


def _column(fields: Fields) -> TableColumn:
    column = TableColumn(fields.text("name"), fields.text("type"))
    fields.finish()
    if column.type not in TYPES:
        raise fields.wrong("type", f"one of {', '.join(TYPES)}", column.type)
    return column


def _runs(names: Sequence[str]) -> dict[str, list[range]]:
    """Returns the name of each sequence -> its rows, in pieces where other rows are between them."""
    runs: dict[str, list[range]] = {}
    start = 0
    for row in range(1, len(names) + 1):
        if row == len(names) or names[row] != names[start]:
            runs.setdefault(names[start], []).append(range(start, row))
            start = row
    return runs


def _scattered(parts: Sequence[range], row_name: RowName) -> str:
    if len(parts) == 1:
        return ""
    got = f"them in {row_name(parts[0].start)} and again in {row_name(parts[1].start)}"
    return f"expected all rows of a sequence below each other, got {got}"


def _beside(names: Sequence[str], rows: range, row_name: RowName) -> str:
    """Returns which row above or below has no name, and may be one of the sequence; empty where none is."""
    for row in (rows.start - 1, rows.stop):
        if 0 <= row < len(names) and not names[row].strip():
            return f"expected a name in the rows above and below it, got none in {row_name(row)}"
    return ""


def _first(wrong: Mapping[int, str], rows: range, row_name: RowName) -> str:
    return next((f"{row_name(row)}: {wrong[row]}" for row in rows if row in wrong), "")


def _gap(column: str) -> str:
    return f"expected a value in column `{column}`, got none"


def _moment(text: str, written: NumberFormat) -> float | None:
    """Returns a number, or a date and time as seconds; one without a zone is taken for UTC."""
    number = written.number(text)
    if number is not None:
        return number
    try:
        moment = datetime.fromisoformat(text.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
