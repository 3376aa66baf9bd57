"""Sequences in a table with one row each: the columns are the frames, one behind the other."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.fields import Fields, Json
from .cells import NUMBER, PLAIN, NumberFormat, TableColumn
from .csv_columns import read_columns
from .preprocessor import FoundSample, ModelInputs
from .sequences import FoundSequence, each_of, of_records, schema_of, whole

KIND = "wide_table"


@dataclass(frozen=True)
class WideTablePreprocessor:
    """Makes a sequence of each row; empty cells at its end are no frames."""

    columns: tuple[str, ...]
    """all numbers of the first frame, then those of the second, and so on"""
    features: int
    """numbers per frame"""
    separator: str = ","
    encoding: str = "utf-8"
    written: NumberFormat = PLAIN
    media_types: tuple[str, ...] = ("text/csv",)

    def facts(self) -> dict[str, Any]:
        """Returns what `load` makes this of, as `preprocessing` of a manifest."""
        return {
            "kind": KIND,
            "separator": self.separator,
            "encoding": self.encoding,
            **asdict(self.written),
            "columns": [*self.columns],
            "features": self.features,
        }

    def sequences(
        self, cells: Callable[[str], Sequence[str]], row_name: Callable[[int], str]
    ) -> Iterator[FoundSequence]:
        """Yields the sequence of each row.

        Args:
            cells: column -> its texts.
            row_name: what to call a row in a message.
        """
        parsed = [TableColumn(name, NUMBER).parsed(cells(name), self.written) for name in self.columns]
        numbers = np.column_stack([found.numbers for found in parsed]).astype(np.float32)
        gaps = np.column_stack([found.gaps for found in parsed])
        wrong: dict[int, str] = {}
        for found in reversed(parsed):
            wrong |= found.problems
        for row in range(len(numbers)):
            problem = wrong.get(row) or self._gap(gaps[row])
            count = _filled(gaps[row]) // self.features
            frames = numbers[row, : count * self.features].reshape(count, self.features)
            yield FoundSequence(row_name(row), range(row, row + 1), frames, problem)

    def from_file(self, content: bytes) -> ModelInputs:
        """Returns the sequences of a CSV file with a header.

        Raises:
            WrongInputError: it is empty or no such file, a column is missing, or a row is wrong.
        """
        return whole(self._found(content))

    def each(self, content: bytes) -> Iterator[FoundSample]:
        """Yields them one by one, those that are wrong among them; raises as `from_file` where none can be read."""
        return each_of(self._found(content))

    def _found(self, content: bytes) -> Iterator[FoundSequence]:
        table = read_columns(content, self.separator, self.encoding, self.columns, short=True)
        return self.sequences(table.cells.__getitem__, table.row_name)

    def from_records(self, records: Sequence[Mapping[str, Json]]) -> ModelInputs:
        """Returns sequences given as objects with `inputs`, frame by frame.

        Raises:
            WrongInputError: there are none, or a field is missing or wrong.
        """
        return of_records(records, self.features)

    def schema(self) -> dict[str, Any]:
        """Returns the JSON schema of a record."""
        return schema_of(self.features)

    def _gap(self, gaps: NDArray[np.bool_]) -> str:
        """Returns where a value is missing before the end of a sequence; empty where none is."""
        filled = _filled(gaps)
        if not filled:
            return "expected at least one frame, got empty cells alone"
        # The last frame is whole: a cell that is missing in it is a gap, too.
        end = -(-filled // self.features) * self.features
        missing = np.flatnonzero(gaps[:end])
        return f"expected a value in column `{self.columns[missing[0]]}`, got none" if len(missing) else ""


def load(fields: Fields) -> WideTablePreprocessor:
    """Returns the preprocessor that a manifest describes.

    Raises:
        ManifestError: a field is missing, unknown or wrong.
    """
    columns, features = fields.texts("columns"), fields.integer("features")
    if not columns or features < 1 or len(columns) % features:
        raise fields.wrong("features", f"a part of the {len(columns)} columns", features)
    return WideTablePreprocessor(
        columns=columns,
        features=features,
        separator=fields.text("separator"),
        encoding=fields.text("encoding"),
        written=NumberFormat(fields.text("decimal"), fields.text("thousands")),
    )


def _filled(gaps: NDArray[np.bool_]) -> int:
    """Returns the number of cells up to the last one with a value."""
    values = np.flatnonzero(~gaps)
    return int(values[-1]) + 1 if len(values) else 0
