"""What came into a table that a release does not know: categories, and the rows that have them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from tasks.contracts.raw_columns import new_categories, place_of
from tasks.contracts.records import DataRecord, SplitCard
from tasks.data.versions.versions_store import Locate, card_of
from tasks.layouts import INPUTS

SHOWN, ROWS_SHOWN = 5, 3


def news_of(released: DataRecord, now: DataRecord) -> tuple[str, ...]:
    """Returns in words each category of now that the data of a release has not: its column, how many rows, and which.

    A device that has that release answers such a row as one of an unknown category, and says so.
    """
    found = new_categories(released.preprocessing, now.preprocessing)
    told = [_told(now, column, one) for column, some in found.items() for one in some[:SHOWN]]
    more = sum(max(0, len(some) - SHOWN) for some in found.values())
    return (*told, *([f"and {more} more"] if more else []))


def _told(data: DataRecord, column: str, category: str) -> str:
    place = place_of(data.preprocessing, column, category)
    ids = sorted(_rows_with(lambda name: Path(data.directory, name), place))
    noun, more = "row" if len(ids) == 1 else "rows", ", ..." if len(ids) > ROWS_SHOWN else ""
    return f"`{column}` `{category}` in {len(ids):,} {noun} ({', '.join(ids[:ROWS_SHOWN])}{more})"


def _rows_with(locate: Locate, place: int) -> Iterator[str]:
    """Yields the names of the samples that have a feature."""
    for split in card_of(locate).splits.values():
        names = pq.read_table(locate(split.table.name), columns=["id"])["id"]
        yield from (names[int(row)].as_py() for row in np.flatnonzero(_feature(locate, split, place)))


def _feature(locate: Locate, split: SplitCard, place: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    arrays = [np.load(locate(shard.inputs[INPUTS].name), mmap_mode="r")[:, place] for shard in split.shards]
    return np.concatenate(arrays)
