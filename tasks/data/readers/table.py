"""Rows of a CSV or Parquet file: numeric columns as they are, categorical ones as one column per value.

Cells are texts until the type of a column is known. What becomes of them then, a device computes by the same code.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from params.readers import LABEL, TableReader
from tasks.core.errors import DataError, mismatch
from tasks.data.readers.columns import MOST_CATEGORIES, categories_of, check_columns, number_format, row_name
from tasks.data.readers.raw import raw_names
from tasks.data.readers.row_fates import RowFates
from tasks.data.readers.rows import SUFFIXES, RawTable, read_rows
from tasks.data.readers.samples import Reading, Sample
from tasks.runtime.preprocess.cells import CATEGORY, Numbers, TableColumn
from tasks.runtime.preprocess.table import TablePreprocessor

AT_A_TIME = 1_000
"""rows whose features are in memory"""


def read(reader: TableReader, raw: Path) -> Reading:
    """Reads a table whole: its rows are the samples, all columns but the label and `ignore` the features.

    Raises:
        DataError: not one table, columns that are missing or cannot be learned from, or no row that can be used; all
            problems of the columns at once.
    """
    names = [name for name in raw_names(raw) if name.lower().endswith(SUFFIXES)]
    if len(names) != 1:
        expected = f"one file that ends in {', '.join(SUFFIXES)}"
        do = "give `kind: file` and its path; of a workbook, save the sheet as CSV"
        raise DataError(mismatch("data.source", "path", expected, raw_names(raw), do))
    written = number_format(reader)
    table = read_rows(raw / names[0], reader.separator, reader.encoding, written)
    if not table.rows:
        got = f"{len(table.broken)} that are too long" if table.broken else "none"
        raise DataError(mismatch(table.file, "", "rows below the header", got, "is it the right file?"))
    types = check_columns(reader, table)
    columns = [TableColumn(name, kind, missing_values=reader.gaps_of(name)) for name, kind in types.items()]
    labels, fates = _labels(reader, table), RowFates(reader, table)
    numbers = {}
    for column in columns:
        parsed = column.parsed(table.cells(column.name), written)
        numbers[column.name] = parsed.numbers
        fates.look(column.name, parsed.gaps, parsed.problems)
    fates.look_at_labels(labels)
    rows = fates.rows()
    columns = [_finished(reader, table, column, numbers[column.name], rows) for column in columns]
    numbers |= {c.name: c.parsed(table.cells(c.name), written).numbers for c in columns if c.type == CATEGORY}
    return _Rows(
        TablePreprocessor(tuple(columns), reader.separator, reader.encoding, written),
        {name: some[rows] for name, some in numbers.items()},
        [row_name(row) for row in rows],
        [labels[row] for row in rows],
        fates,
    ).reading()


@dataclass(frozen=True)
class _Rows:
    """The rows that can be used."""

    preprocessor: TablePreprocessor
    numbers: Mapping[str, Numbers]
    ids: list[str]
    labels: list[str]
    fates: RowFates

    def reading(self) -> Reading:
        """Returns the samples; their gaps are filled from training samples, where the recipe wants that."""
        return Reading(
            "vector",
            partial(self._samples, self.fates.bad()),
            preprocessing=self.preprocessor.facts(),
            fit=self._fitted if self.fates.imputes else None,
            feature_names=self.preprocessor.feature_names,
            dropped=self.fates.dropped(),
            refusal=self.fates.refusal(self.labels),
        )

    def _samples(self, bad: Mapping[str, str]) -> Iterator[Sample]:
        for start in range(0, len(self.ids), AT_A_TIME):
            some = slice(start, start + AT_A_TIME)
            features = [column.features(self.numbers[column.name][some]) for column in self.preprocessor.columns]
            values = np.concatenate(features, axis=1)
            for name, label, row in zip(self.ids[some], self.labels[some], values, strict=True):
                yield Sample(name, {LABEL: label}, row)
        for name, problem in bad.items():
            yield Sample(name, problem=problem)

    def _fitted(self, trained: NDArray[np.bool_]) -> Reading:
        """Returns the same samples without gaps."""
        trained = trained[: len(self.ids)]
        columns = tuple(
            replace(column, fill=column.filled_from(self.numbers[column.name][trained]))
            for column in self.preprocessor.columns
        )
        if empty := [f"`{column.name}`" for column in columns if column.fill is None]:
            got, do = f"gaps alone in {', '.join(empty)}", "list it in `data.reader.ignore`"
            raise DataError(mismatch("data.reader", "missing", "values in the training samples", got, do))
        complete = replace(self, preprocessor=replace(self.preprocessor, columns=columns)).reading()
        return replace(complete, fit=None)


def _labels(reader: TableReader, table: RawTable) -> list[str]:
    """Returns the label of each row, empty where there is none."""
    facts = TableColumn(reader.label, CATEGORY, missing_values=reader.gaps_of(reader.label))
    meant = {text: label for label, texts in reader.merge.items() for text in texts}
    return [meant.get(cell, cell) if not facts.is_gap(cell) else "" for cell in table.cells(reader.label)]


def _finished(
    reader: TableReader, table: RawTable, column: TableColumn, numbers: Numbers, rows: NDArray[np.int64]
) -> TableColumn:
    """Returns a column with its categories, and with an indicator where gaps are to be filled."""
    marked = bool(np.isnan(numbers[rows]).any()) if reader.indicators is None else column.name in reader.indicators
    column = replace(column, indicator=marked and reader.missing == "impute")
    if column.type != CATEGORY:
        return column
    cells = table.cells(column.name)
    categories = categories_of(cells[row] for row in rows if not column.is_gap(cells[row]))
    if len(categories) > MOST_CATEGORIES:
        expected, got = f"at most {MOST_CATEGORIES:,} different values", f"{len(categories):,} in {len(rows):,} rows"
        raise DataError(mismatch(table.file, column.name, expected, got, "list it in `data.reader.ignore`"))
    return replace(column, categories=categories)
