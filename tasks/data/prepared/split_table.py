"""The table of a split: a row per sample, with its name, and what its results can be looked at by."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.contracts.records import UNLABELLED, DataFile
from tasks.data.prepared.shards import file_record
from tasks.data.prepared.split import Splits
from tasks.data.prepared.survey import Objects, Survey
from tasks.data.readers.samples import Reading

ROWS_AT_A_TIME = 10_000
"""in a row group, which is in memory as a whole until it is written"""


def write_tables(
    reading: Reading, found: Survey, splits: Splits, more: Mapping[str, Sequence[str]], folder: Path
) -> dict[str, DataFile]:
    """Writes a Parquet file per split; uncompressed, so that the bytes do not depend on a compressor's version.

    That of samples without targets has their ids alone; `more` are ids behind those of the survey.
    """
    numeric = {
        name for name in reading.slices if all(_are_numbers(found.columns[name][rows]) for rows in splits.values())
    }
    shown = {name: {} if name == UNLABELLED else found.columns for name in splits}
    return {
        name: _write(
            folder / f"{name}.parquet",
            pa.concat_arrays([found.ids.take(pa.array(rows)), pa.array(more.get(name, ()), pa.string())]),
            {column: values[rows] for column, values in shown[name].items()},
            numeric,
        )
        for name, rows in splits.items()
    }


def _write(path: Path, ids: pa.Array, shown: Mapping[str, Objects], numeric: set[str]) -> DataFile:
    columns: dict[str, Any] = {"id": ids, **shown}
    columns |= {name: [float(text) for text in columns[name]] for name in numeric & shown.keys()}
    pq.write_table(pa.table(columns), path, ROWS_AT_A_TIME, compression="none")
    return file_record(path)


def _are_numbers(texts: Objects) -> bool:
    return all(_is_number(text) for text in texts)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
