"""Rows of a table as features: from a CSV file like the one that the model was trained on, or from JSON records."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.fields import Fields, Json
from ..bundle.session import INPUTS
from ..errors import WrongInputError
from .cells import BOOLEAN, CATEGORY, PERCENT, PLAIN, TYPES, UNSEEN, NumberFormat, ParsedCells, TableColumn
from .csv_columns import CsvColumns, read_columns
from .preprocessor import FoundSample, ModelInputs

KIND = "table"
Cells = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class TablePreprocessor:
    """Makes features of the columns that a model knows; others are passed over."""

    columns: tuple[TableColumn, ...]
    separator: str = ","
    encoding: str = "utf-8"
    written: NumberFormat = PLAIN
    media_types: tuple[str, ...] = ("text/csv",)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """In the order of the features."""
        return tuple(name for column in self.columns for name in column.feature_names)

    def facts(self) -> dict[str, Any]:
        """Returns what `load` makes this of, as `preprocessing` of a manifest."""
        columns = [asdict(column) for column in self.columns]
        return {
            "kind": KIND,
            "separator": self.separator,
            "encoding": self.encoding,
            **asdict(self.written),
            "columns": [{name: _listed(value) for name, value in column.items()} for column in columns],
        }

    def from_file(self, content: bytes) -> ModelInputs:
        """Returns the rows of a CSV file with a header.

        Byte order marks, UTF-16 and another separator are recognised.

        Raises:
            WrongInputError: it is empty or no such file, a column is missing, or a cell is wrong.
        """
        table = self._table(content)
        return self._inputs([f"line {number}" for number in table.lines], table.cells)

    def each(self, content: bytes) -> Iterator[FoundSample]:
        """Yields the rows of a CSV file, those with a wrong cell among them.

        Raises:
            WrongInputError: it is empty or no such file, a column is missing, or its lines have unequally many cells.
        """
        table = self._table(content)
        parsed = self._parsed(table.cells)
        problems = dict(sorted(self._problems(parsed), reverse=True))  # of several, the first
        values, notes = self._features(parsed), self._notes(table.cells, parsed)
        for row, features in enumerate(values):
            yield FoundSample(table.row_name(row), features, problems.get(row, ""), notes[row] if notes else ())

    def _table(self, content: bytes) -> CsvColumns:
        return read_columns(content, self.separator, self.encoding, [column.name for column in self.columns])

    def from_records(self, records: Sequence[Mapping[str, Json]]) -> ModelInputs:
        """Returns samples given as objects: numbers, texts, or null for a gap, by the names of columns.

        Raises:
            WrongInputError: there are none, or a field is missing or wrong.
        """
        if not records:
            raise WrongInputError("`inputs`: expected records, got none; give at least one")
        for place, record in enumerate(records, start=1):
            self._require(f"record {place}", [*record])
        cells = {
            column.name: [self._text(column, place, record[column.name]) for place, record in enumerate(records, 1)]
            for column in self.columns
        }
        return self._inputs([f"record {place}" for place in range(1, len(records) + 1)], cells)

    def schema(self) -> dict[str, Any]:
        """Returns the JSON schema of a record; columns that are not named may come along."""
        properties = {column.name: _property(column) for column in self.columns}
        return {"type": "object", "properties": properties, "required": [*properties]}

    def _require(self, where: str, names: Sequence[str]) -> None:
        missing = [column.name for column in self.columns if column.name not in names]
        if missing:
            got = _shown(names) if names else "none"
            raise WrongInputError(f"`{where}`: expected the columns {_shown(missing)} too, got {got}; add them")
        twice = [column.name for column in self.columns if list(names).count(column.name) > 1]
        if twice:
            raise WrongInputError(f"`{where}`: expected {_shown(twice)} once, got it twice; rename one")

    def _text(self, column: TableColumn, place: int, value: Json) -> str:
        """Returns a value of a record as a cell of a file has it."""
        text = self._written(column, value)
        if text is None:
            expected = "a text" if column.type == CATEGORY else f"a {column.type}"
            got = repr(value)[:80]
            raise WrongInputError(
                f"`record {place}`: `{column.name}`: expected {expected} or null, got {got}; correct it"
            )
        return text

    def _written(self, column: TableColumn, value: Json) -> str | None:
        if value is None or isinstance(value, str):
            return value or ""
        if isinstance(value, bool):
            return str(value) if column.type in (BOOLEAN, CATEGORY) else None
        if isinstance(value, int | float) and column.type != BOOLEAN:
            return self.written.text(value) + ("%" if column.type == PERCENT else "")
        return None

    def _inputs(self, places: Sequence[str], cells: Cells) -> ModelInputs:
        parsed = self._parsed(cells)
        if problems := sorted(self._problems(parsed)):
            row, told = problems[0]
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            raise WrongInputError(f"`{places[row]}`: {told}{more}; correct it")
        return ModelInputs({INPUTS: self._features(parsed)}, self._notes(cells, parsed))

    def _parsed(self, cells: Cells) -> dict[str, ParsedCells]:
        return {column.name: column.parsed(cells[column.name], self.written) for column in self.columns}

    def _features(self, parsed: Mapping[str, ParsedCells]) -> NDArray[np.float32]:
        return np.concatenate([column.features(parsed[column.name].numbers) for column in self.columns], axis=1)

    def _problems(self, parsed: Mapping[str, ParsedCells]) -> Iterator[tuple[int, str]]:
        for column in self.columns:
            yield from parsed[column.name].problems.items()
            if column.fill is None:
                gaps = np.flatnonzero(parsed[column.name].gaps).tolist()
                yield from ((row, f"expected a value in column `{column.name}`, got none") for row in gaps)

    def _notes(self, cells: Cells, parsed: Mapping[str, ParsedCells]) -> list[list[str]]:
        """Returns what is unknown in each row; nothing at all where all is known."""
        notes: dict[int, list[str]] = {}
        for column in self.columns:
            for row in np.flatnonzero(parsed[column.name].numbers == UNSEEN).tolist() if column.categories else ():
                told = f"`{column.name}`: `{cells[column.name][row]}` is in no sample that the model was trained with"
                notes.setdefault(row, []).append(told)
        return [notes.get(row, []) for row in range(len(cells[self.columns[0].name]))] if notes else []


def load(fields: Fields) -> TablePreprocessor:
    """Returns the preprocessor that a manifest describes.

    Raises:
        ManifestError: a field is missing, unknown or wrong.
    """
    columns = tuple(_column(some) for some in fields.objects("columns"))
    if not columns:
        raise fields.wrong("columns", "at least one", [])
    return TablePreprocessor(
        columns=columns,
        separator=fields.text("separator"),
        encoding=fields.text("encoding"),
        written=NumberFormat(fields.text("decimal"), fields.text("thousands")),
    )


def _column(fields: Fields) -> TableColumn:
    column = TableColumn(
        name=fields.text("name"),
        type=fields.text("type"),
        categories=fields.texts("categories"),
        missing_values=fields.texts("missing_values"),
        fill=fields.optional("fill"),
        indicator=fields.boolean("indicator"),
    )
    fields.finish()
    if column.type not in TYPES:
        raise fields.wrong("type", f"one of {', '.join(TYPES)}", column.type)
    try:
        column.features(np.array([np.nan]))
    except (ValueError, KeyError):
        raise fields.wrong("fill", "a value of the column", column.fill) from None
    return column


def _property(column: TableColumn) -> dict[str, Any]:
    types = {CATEGORY: ["string", "number", "boolean"], BOOLEAN: ["boolean", "string"]}
    some = {"type": [*types.get(column.type, ["number", "string"]), *(["null"] if column.fill is not None else [])]}
    return some | ({"examples": [*column.categories[:100]]} if column.categories else {})


def _listed(value: Any) -> Any:
    return [*value] if isinstance(value, tuple) else value


def _shown(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
