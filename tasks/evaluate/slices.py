"""Slices of the test split: samples with one value in a column of its table, to see for whom a model works."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tasks.contracts.records import DatasetCard

ID, LABEL = "id", "label"
"""columns that every table has; what else there is was kept by the reader of the recipe to look at results by"""
MOST = 12
"""values of a column that are looked at one by one"""
QUARTERS = (0.25, 0.5, 0.75)


@dataclass(frozen=True)
class Slice:
    """Which samples of the split (n,) have the value."""

    column: str
    value: str
    rows: NDArray[np.bool_]


def slices_of(directory: Path, card: DatasetCard, split: str, labels: bool = False) -> tuple[Slice, ...]:
    """Returns the slices of a split by every column that its table has beside id and, unless asked for, label.

    A number that takes more than `MOST` values is cut at its quartiles; of so many names, all but the most frequent
    are `other`.
    """
    table = pq.read_table(directory / card.splits[split].table.name)
    names = [name for name in table.column_names if name != ID and (labels or name != LABEL)]
    return tuple(piece for name in names for piece in _cut(name, table.column(name).combine_chunks()))


def sample_ids(directory: Path, card: DatasetCard, split: str, rows: NDArray[np.int64]) -> list[str]:
    """Returns what the samples at `rows` of a split are called."""
    column = pq.read_table(directory / card.splits[split].table.name, columns=[ID]).column(ID)
    return [str(name) for name in column.take(pa.array(rows)).to_pylist()]


def labels_of(directory: Path, card: DatasetCard, split: str) -> list[str]:
    """Returns the label of every sample of a split."""
    return [str(label) for label in pq.read_table(directory / card.splits[split].table.name)[LABEL].to_pylist()]


def _cut(column: str, values: pa.Array) -> Iterator[Slice]:
    counts = sorted(pc.value_counts(values).to_pylist(), key=lambda found: -found["counts"])
    few = [found["values"] for found in counts[:MOST]]
    if len(counts) <= MOST:
        yield from (Slice(column, _named(value), _equal(values, value)) for value in sorted(few))
    elif pa.types.is_floating(values.type):
        yield from _quarters(column, values.to_numpy(zero_copy_only=False))
    else:
        pieces = [Slice(column, str(value), _equal(values, value)) for value in few[: MOST - 1]]
        yield from pieces
        yield Slice(column, "other", ~np.any([piece.rows for piece in pieces], axis=0))


def _quarters(column: str, values: NDArray[np.float64]) -> Iterator[Slice]:
    edges = np.unique([values.min(), *np.quantile(values, QUARTERS), values.max()])
    for low, high in pairwise(edges):
        above = values >= low if low == edges[0] else values > low
        yield Slice(column, f"{low:.4g} to {high:.4g}", above & (values <= high))


def _equal(values: pa.Array, value: object) -> NDArray[np.bool_]:
    same: NDArray[np.bool_] = pc.equal(values, value).to_numpy(zero_copy_only=False)
    return same


def _named(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
