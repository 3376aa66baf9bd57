"""Sequences: in tables, in arrays, and in the format of published time series."""

from typing import Any, Literal, Self

from pydantic import model_validator

from params.readers.tables import CsvReader
from params.section import LABEL, Names, PositiveInts, ReaderSection, Section


class TimeSeriesReader(ReaderSection):
    """Sequences of unequal length in the `.ts` text format, with the split their authors published."""

    layout = "sequence"
    kind: Literal["time_series"]
    train: str
    """the file of the training samples, by its name in the source"""
    test: str
    """the file of the test samples"""

    @property
    def published(self) -> bool:
        """Always."""
        return True

    @property
    def nominal_shape(self) -> tuple[int, ...]:
        """(frames, features)."""
        return (32, 16)


class SequenceTableReader(CsvReader):
    """Sequences in a table, with their labels and perhaps their split in columns."""

    layout = "sequence"
    label: str
    """the column of the label"""
    split: str | None = None
    """the column that says `train`, `validation` or `test`, where there is a split already"""
    ignore: Names = ()
    """columns that are left out"""

    @property
    def declared(self) -> dict[str, dict[str, Any]]:
        """The column of the label, and how its file writes numbers."""
        return {LABEL: {"column": self.label, "written": (self.decimal, self.thousands)}}

    @property
    def published(self) -> bool:
        """Says whether there is a column with the split."""
        return self.split is not None

    @property
    def nominal_shape(self) -> tuple[int, ...]:
        """(frames, features)."""
        return (32, 4)


class LongTableReader(SequenceTableReader):
    """One row per frame: all columns but those named here are its features."""

    kind: Literal["long_table"]
    sequence: str
    """the column that says which sequence a row is of"""
    order: str | None = None
    """the column with a number or a time that must rise within a sequence; it is no feature"""

    @property
    def named(self) -> dict[str, str]:
        """Field -> column, of the columns that are no features."""
        found = {"sequence": self.sequence, "order": self.order, "label": self.label, "split": self.split}
        return {field: column for field, column in found.items() if column is not None}


class WideTableReader(SequenceTableReader):
    """One row per sequence: all columns but those named here are its frames, in order."""

    kind: Literal["wide_table"]
    id: str | None = None
    """the column with the name of each sequence"""
    shape: PositiveInts | None = None
    """(frames, features) where a frame is several columns, one behind the other; else each column is a frame"""

    @model_validator(mode="after")
    def _shape_is_two_numbers(self) -> Self:
        if self.shape and len(self.shape) != 2:
            raise ValueError(f"`shape` needs two numbers, frames and features; got {len(self.shape)}")
        return self

    @property
    def nominal_shape(self) -> tuple[int, ...]:
        """(frames, features)."""
        return self.shape or (32, 1)

    @property
    def named(self) -> dict[str, str]:
        """Field -> column, of the columns that are no frames."""
        found = {"id": self.id, "label": self.label, "split": self.split}
        return {field: column for field, column in found.items() if column is not None}


class SequenceArrays(Section):
    """Names of arrays: in an `.npz`, `NAME`, or `FILE.npz:NAME` where there are several; of a file, `NAME.npy`."""

    inputs: str
    """(n, frames, features), or (n, frames) with one number per frame; or (frames of all, features), where the lengths
    say where the next sequence begins"""
    labels: str
    """(n,)"""
    lengths: str | None = None
    """(n,) frames that count; those behind them are padding, or the next sequence"""


class SequenceArraysReader(ReaderSection):
    """Sequences in numpy files: all together in `arrays`, or each part of a split in arrays of its own."""

    layout = "sequence"
    kind: Literal["sequence_arrays"]
    arrays: SequenceArrays | None = None
    train: SequenceArrays | None = None
    validation: SequenceArrays | None = None
    test: SequenceArrays | None = None

    @model_validator(mode="after")
    def _arrays_or_parts(self) -> Self:
        if (self.arrays is None) != bool(self.train and self.test) or (self.arrays and (self.train or self.test)):
            raise ValueError("give `arrays`, or `train` and `test` (and `validation`, if there is one)")
        if self.arrays and self.validation:
            raise ValueError("`validation` goes with `train` and `test`, not with `arrays`")
        return self

    @property
    def published(self) -> bool:
        """Says whether the parts of a split are there."""
        return self.arrays is None

    @property
    def nominal_shape(self) -> tuple[int, ...]:
        """(frames, features)."""
        return (32, 4)
