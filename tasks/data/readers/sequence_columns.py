"""What the readers of sequences in tables share: which columns there are, and the label and the split of a sequence."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from params.readers import LABEL, LongTableReader, WideTableReader
from params.section import Part
from tasks.core.errors import DataError, mismatch
from tasks.data.readers.columns import type_of
from tasks.data.readers.raw import raw_names
from tasks.data.readers.rows import SUFFIXES, RawTable, read_rows
from tasks.data.readers.samples import Sample
from tasks.runtime.preprocess.cells import NumberFormat
from tasks.runtime.preprocess.sequences import FoundSequence

PARTS: Mapping[str, Part] = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "test": "test",
    "testing": "test",
}
"""what people write into a column with the split, in small letters"""
SequenceReader = LongTableReader | WideTableReader


def written(reader: SequenceReader) -> NumberFormat:
    """Returns how the recipe says that numbers are written."""
    return NumberFormat(reader.decimal, reader.thousands)


def open_table(reader: SequenceReader, raw: Path) -> RawTable:
    """Returns the one table of a source.

    Raises:
        DataError: there is none or more than one, it cannot be read, or lacks columns that the recipe names.
    """
    names = [name for name in raw_names(raw) if name.lower().endswith(SUFFIXES)]
    if len(names) != 1:
        expected = f"one file that ends in {', '.join(SUFFIXES)}"
        raise DataError(mismatch("data.source", "path", expected, raw_names(raw), "give `kind: file` and its path"))
    table = read_rows(raw / names[0], reader.separator, reader.encoding, written(reader))
    if problems := [*_unknown(reader, table), *_twice(reader)]:
        raise DataError("\n".join(problems))
    return table


def columns_of_values(reader: SequenceReader, table: RawTable) -> dict[str, str]:
    """Returns column -> type of its values, of those that the recipe does not name.

    Raises:
        DataError: there is none.
    """
    columns = [name for name in table.columns if name not in (*reader.named.values(), *reader.ignore)]
    if not columns:
        raise DataError(mismatch("data.reader", "ignore", "columns left to learn from", "none", "ignore fewer"))
    return {name: table.unfit(name) or type_of(_values(table, name), written(reader)) for name in columns}


@dataclass(frozen=True)
class Marks:
    """The texts of the columns with the label and the split, of all rows."""

    columns: Mapping[str, str]
    """`label` and `split` -> column"""
    cells: Mapping[str, Sequence[str]] = field(repr=False)

    @classmethod
    def of(cls, reader: SequenceReader, table: RawTable) -> "Marks":
        """Reads the columns."""
        columns = {name: reader.named[name] for name in (LABEL, "split") if name in reader.named}
        return cls(columns, {name: table.cells(column) for name, column in columns.items()})

    def sample(self, found: FoundSequence, name: str, where: str = "") -> Sample:
        """Returns a sequence as a sample; its rows must agree about its label and its split.

        Args:
            found: the sequence.
            name: its id.
            where: what else to say of a problem, such as its row.
        """
        target = {LABEL: self.cells[LABEL][found.rows.start]}
        part, unknown = self._part(found.rows.start)
        problem = found.problem or next(self._changes(found.rows), "") or unknown
        if problem:
            return Sample(name, target, part=part, problem=f"{where}{problem}")
        return Sample(name, target, found.frames, part)

    def _changes(self, rows: range) -> Iterator[str]:
        for name, column in self.columns.items():
            different = dict.fromkeys(self.cells[name][rows.start : rows.stop])
            if len(different) > 1:
                got = " and ".join(f"`{text}`" for text in [*different][:3])
                yield f"expected one text in column `{column}` for the whole sequence, got {got}"

    def _part(self, row: int) -> tuple[Part | None, str]:
        if "split" not in self.cells:
            return None, ""
        text = self.cells["split"][row]
        part = PARTS.get(text.strip().lower())
        expected = f"expected `train`, `validation` or `test` in column `{self.columns['split']}`"
        return part, "" if part else f"{expected}, got `{text}`"


def _values(table: RawTable, column: str) -> list[str]:
    return [cell for cell in table.cells(column) if cell.strip()]


def _unknown(reader: SequenceReader, table: RawTable) -> Iterator[str]:
    named = [*reader.named.items(), *(("ignore", name) for name in reader.ignore)]
    for name, column in named:
        if column not in table.columns:
            expected = f"one of the columns {', '.join(table.columns)}"
            yield mismatch("data.reader", name, expected, f"`{column}`", "correct the name")


def _twice(reader: SequenceReader) -> Iterator[str]:
    counts = Counter([*reader.named.values(), *reader.ignore])
    for column in (column for column, count in counts.items() if count > 1):
        fields = [name for name, one in reader.named.items() if one == column]
        fields += ["ignore"] * reader.ignore.count(column)
        got = f"`{column}` in {' and '.join(f'`{name}`' for name in fields)}"
        yield mismatch("data.reader", fields[-1], "each column named once", got, "remove one")
