"""What is to be predicted, of many samples: named columns of arrays, whatever the kind of task.

A fixed column holds one array of equal shape per sample: (n, *shape). A ragged one holds any number of rows per sample
(boxes, tokens), one behind the other: (total, *shape), with offsets (n + 1,) that say where each sample begins.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, JsonValue

from tasks.core.record import Record

Rows = NDArray[np.int64]


class Column(Record):
    """One column as shards store it: type of its numbers, shape of one value, and whether it is ragged."""

    name: str
    dtype: str
    shape: tuple[int, ...] = ()
    ragged: bool = False


class TargetCard(Record):
    """The kind's part of `dataset.json`.

    `names` label the groups of its metrics (classes, say). `facts` are the kind's own: no other code looks inside.
    """

    names: tuple[str, ...] = ()
    facts: dict[str, JsonValue] = Field(default_factory=dict)


class BadTargetError(ValueError):
    """The target of one sample cannot be used; the message says what was expected and got.

    `reason` is the word under which the quarantine counts it.
    """

    def __init__(self, message: str, reason: str = "corrupt") -> None:
        super().__init__(message)
        self.reason = reason


def number_of(name: str) -> int:
    """Returns what stands for a name in a column, so that no list of names ships: 63 bits of its SHA-256."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 1


@dataclass(frozen=True)
class Strata:
    """Groups that each split holds equal parts of: their names, and which of them each of n samples belongs to.

    A group without a sample is named, too, where each split must have it.
    """

    names: tuple[str, ...]
    of: Rows


@dataclass(frozen=True)
class Targets:
    """Columns of n samples; none at all where the samples have no targets."""

    columns: Mapping[str, NDArray[Any]]
    ends: Mapping[str, Rows] = field(default_factory=dict)
    """offsets (n + 1,) of each ragged column"""

    @classmethod
    def mapped(cls, columns: Mapping[str, Path], offsets: Mapping[str, Path]) -> "Targets":
        """Opens the `.npy` files of a shard; they are mapped, not read."""
        values = {name: np.load(path, mmap_mode="r", allow_pickle=False) for name, path in columns.items()}
        return cls(values, {name: np.load(path, allow_pickle=False) for name, path in offsets.items()})

    def __len__(self) -> int:
        for offsets in self.ends.values():
            return len(offsets) - 1
        return len(next(iter(self.columns.values()), ()))

    def __getitem__(self, column: str) -> NDArray[Any]:
        """Returns the values of a column, (n, *shape), or (total, *shape) where it is ragged."""
        return self.columns[column]

    def offsets(self, column: str) -> Rows:
        """Returns where each sample's rows of a ragged column begin, and where the last one's end: (n + 1,)."""
        return self.ends[column]

    def take(self, rows: Rows) -> "Targets":
        """Returns the samples at `rows`, in that order; a row may come twice."""
        ragged = {name: _taken(self.columns[name], offsets, rows) for name, offsets in self.ends.items()}
        fixed = {name: values[rows] for name, values in self.columns.items() if name not in ragged}
        values = fixed | {name: found for name, (found, _) in ragged.items()}
        return Targets(
            {name: values[name] for name in self.columns}, {name: ends for name, (_, ends) in ragged.items()}
        )


def joined(parts: Sequence[Targets]) -> Targets:
    """Returns the samples of all parts, in their order."""
    if not parts:
        return Targets({})
    first = parts[0]
    columns = {name: np.concatenate([part.columns[name] for part in parts]) for name in first.columns}
    return Targets(columns, {name: _joined_ends([part.ends[name] for part in parts]) for name in first.ends})


def _taken(values: NDArray[Any], offsets: Rows, rows: Rows) -> tuple[NDArray[Any], Rows]:
    lengths = np.diff(offsets)[rows]
    ends = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    # For each row of the result: its place within its sample, behind where that sample begins in the source.
    places = np.arange(ends[-1]) - np.repeat(ends[:-1], lengths) + np.repeat(offsets[rows], lengths)
    return values[places], ends


def _joined_ends(parts: Sequence[Rows]) -> Rows:
    starts = np.cumsum([0, *(part[-1] for part in parts)])
    moved = [part[1:] + start for part, start in zip(parts, starts[:-1], strict=True)]
    return np.concatenate([[0], *moved]).astype(np.int64)
