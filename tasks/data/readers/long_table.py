"""Sequences in a table with one row per frame."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from params.readers import LABEL, LongTableReader
from tasks.core.errors import DataError, mismatch
from tasks.data.readers.columns import DATED, EMPTY, row_name
from tasks.data.readers.rows import RawTable, too_long
from tasks.data.readers.samples import Reading, Sample
from tasks.data.readers.sequence_columns import Marks, columns_of_values, open_table, written
from tasks.runtime.preprocess.cells import TableColumn
from tasks.runtime.preprocess.long_table import TYPES, LongTablePreprocessor
from tasks.runtime.preprocess.sequences import FoundSequence

GOT = {EMPTY: "no value in any row", DATED: "dates or times"}


def read(reader: LongTableReader, raw: Path) -> Reading:
    """Reads a table whole: rows with one name, which are below each other, are a sample.

    Raises:
        DataError: not one table, columns that are missing or hold no numbers, or lines that are too long: what they
            would have been, a sequence lacks.
    """
    table = open_table(reader, raw)
    if table.broken:
        raise DataError(f"`{table.file}`: {too_long(table.broken)}")
    preprocessor = LongTablePreprocessor(
        sequence=reader.sequence,
        order=reader.order or "",
        columns=_columns(reader, table),
        separator=reader.separator,
        encoding=reader.encoding,
        written=written(reader),
    )
    found = [*preprocessor.sequences(table.cells, row_name)]
    return Reading(
        "sequence",
        partial(_samples, found, Marks.of(reader, table)),
        {LABEL: {"column": reader.label}},
        preprocessing=preprocessor.facts(),
        feature_names=preprocessor.feature_names,
    )


def _samples(found: Sequence[FoundSequence], marks: Marks) -> Iterator[Sample]:
    for sequence in found:
        yield marks.sample(sequence, sequence.name)


def _columns(reader: LongTableReader, table: RawTable) -> tuple[TableColumn, ...]:
    kinds, do = columns_of_values(reader, table), "list it in `data.reader.ignore`, or make numbers of it"
    others = {name: GOT.get(kind, kind) for name, kind in kinds.items() if kind not in TYPES}
    if others:
        raise DataError("\n".join(mismatch(table.file, name, "numbers", got, do) for name, got in others.items()))
    return tuple(TableColumn(name, kind) for name, kind in kinds.items())
