"""The table of a split: a row per sample, with its name, its labels, and what its results can be looked at by."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.data.samples import Reading
from tasks.data.shards import file_record
from tasks.data.split import Splits
from tasks.data.survey import Entry
from tasks.records import DataFile


def write_tables(reading: Reading, splits: Splits, folder: Path) -> dict[str, DataFile]:
    """Writes a Parquet file per split; uncompressed, so that the bytes do not depend on a compressor's version."""
    numeric = _numeric(reading, [entry for entries in splits.values() for entry in entries])
    return {name: _write(folder / f"{name}.parquet", reading, entries, numeric) for name, entries in splits.items()}


def _write(path: Path, reading: Reading, entries: Sequence[Entry], numeric: set[str]) -> DataFile:
    columns: dict[str, list[str] | list[float]] = {
        "id": [entry.id for entry in entries],
        "label": [entry.label for entry in entries],
    }
    for place, head in enumerate(reading.heads):
        columns[head] = [entry.heads[place] for entry in entries]
    for place, name in enumerate(reading.slices):
        texts = [entry.slices[place] for entry in entries]
        columns[name] = [float(text) for text in texts] if name in numeric else texts
    pq.write_table(pa.table(columns), path, compression="none")
    return file_record(path)


def _numeric(reading: Reading, entries: Sequence[Entry]) -> set[str]:
    """Returns the slices that hold nothing but numbers, in all splits."""
    return {
        name for place, name in enumerate(reading.slices) if all(_are_numbers(entry.slices[place] for entry in entries))
    }


def _are_numbers(texts: Iterator[str]) -> Iterator[bool]:
    for text in texts:
        try:
            float(text)
        except ValueError:
            yield False
        else:
            yield True
