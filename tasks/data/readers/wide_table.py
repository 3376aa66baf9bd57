"""Sequences in a table with one row each."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from params.readers import LABEL, WideTableReader
from tasks.core.errors import DataError, mismatch
from tasks.data.readers.columns import EMPTY, row_name
from tasks.data.readers.rows import RawTable, too_long
from tasks.data.readers.samples import Reading, Sample
from tasks.data.readers.sequence_columns import Marks, columns_of_values, open_table, written
from tasks.runtime.preprocess.cells import NUMBER
from tasks.runtime.preprocess.sequences import FoundSequence
from tasks.runtime.preprocess.wide_table import WideTablePreprocessor

SHOWN = 5


def read(reader: WideTableReader, raw: Path) -> Reading:
    """Reads a table whole: each row is a sample, which ends with its last cell that has a value.

    Raises:
        DataError: not one table, columns that are missing or hold no numbers, or not as many as `shape` says.
    """
    table = open_table(reader, raw)
    preprocessor = WideTablePreprocessor(
        columns=_columns(reader, table),
        features=reader.shape[1] if reader.shape else 1,
        separator=reader.separator,
        encoding=reader.encoding,
        written=written(reader),
    )
    found = [*preprocessor.sequences(table.cells, row_name)]
    names = table.cells(reader.id) if reader.id else [sequence.name for sequence in found]
    return Reading(
        "sequence",
        partial(_samples, found, names, Marks.of(reader, table), table.broken),
        {LABEL: {"column": reader.label}},
        preprocessing=preprocessor.facts(),
        refusal=f"`{table.file}`: {too_long(table.broken)}" if table.broken else "",
    )


def _samples(
    found: Sequence[FoundSequence], names: Sequence[str], marks: Marks, broken: Mapping[str, str]
) -> Iterator[Sample]:
    seen: dict[str, str] = {}
    for name, sequence in zip(names, found, strict=True):
        if name in seen or not name.strip():
            got = f"`{name}`, that of {seen[name]}" if name in seen else "none"
            yield Sample(sequence.name, problem=f"expected a name that no other sequence has, got {got}")
            continue
        seen[name] = sequence.name
        yield marks.sample(sequence, name, "" if name == sequence.name else f"{sequence.name}: ")
    for line, problem in broken.items():
        yield Sample(line, problem=problem)


def _columns(reader: WideTableReader, table: RawTable) -> tuple[str, ...]:
    kinds = columns_of_values(reader, table)
    if reader.shape and len(kinds) != reader.shape[0] * reader.shape[1]:
        frames, features = reader.shape
        expected, got = f"{frames} x {features} columns", f"{len(kinds)}: {_shown([*kinds])}"
        raise DataError(mismatch("data.reader", "shape", expected, got, "correct it, or list columns in `ignore`"))
    others = [f"{kind} in `{name}`" for name, kind in kinds.items() if kind not in (NUMBER, EMPTY)]
    if others:
        do = "list them in `data.reader.ignore`; is one of them the `id` or the `split`?"
        raise DataError(mismatch(table.file, "", "numbers in the columns of frames", _shown(others), do))
    return tuple(kinds)


def _shown(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
