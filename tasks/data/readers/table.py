"""Rows of a CSV or Parquet file: numeric columns as they are, categorical ones as one column per value."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from params.readers import LABEL, TableReader
from tasks.core.errors import DataError, mismatch
from tasks.data.readers.columns import check_columns, refusal, row_name, set_bad_apart
from tasks.data.readers.raw import raw_names
from tasks.data.readers.rows import SUFFIXES, read_rows
from tasks.data.readers.samples import Reading, Sample

if TYPE_CHECKING:  # pandas takes half a second to import: only where a table is read
    import pandas as pd


def read(reader: TableReader, raw: Path) -> Reading:
    """Reads a table whole: its rows are the samples, all columns but the label and `ignore` the features.

    Raises:
        DataError: not one table, or columns that are missing or not numeric; all problems at once.
    """
    names = [name for name in raw_names(raw) if name.lower().endswith(SUFFIXES)]
    if len(names) != 1:
        expected = f"one file that ends in {', '.join(SUFFIXES)}"
        raise DataError(mismatch("data.source", "path", expected, raw_names(raw), "give `kind: file` and its path"))
    table, broken = read_rows(raw / names[0])
    texts = check_columns(reader, table)
    read = table.drop(columns=list(reader.ignore))
    kept = read.dropna() if reader.missing == "drop" else read
    whole, bad = set_bad_apart(kept, texts)
    features = _features(reader, whole)
    values = np.column_stack([column for _, column in features])
    return Reading(
        "vector",
        partial(_samples, [row_name(row) for row in whole.index], whole[reader.label].tolist(), values, broken | bad),
        feature_names=tuple(name for name, _ in features),
        dropped={"missing value": len(read) - len(kept)} if len(kept) < len(read) else {},
        refusal=refusal(broken, texts, kept),
    )


def _samples(
    ids: list[str], labels: list[Any], values: NDArray[np.float32], bad: Mapping[str, str]
) -> Iterator[Sample]:
    for name, label, row in zip(ids, labels, values, strict=True):
        yield Sample(name, {LABEL: label}, row)
    for name, problem in bad.items():
        yield Sample(name, problem=problem)


def _features(reader: TableReader, table: "pd.DataFrame") -> list[tuple[str, NDArray[np.float32]]]:
    """Returns (name, values) per feature; a categorical column becomes `column=value` per value, in order."""
    features: list[tuple[str, NDArray[np.float32]]] = []
    for column in table.columns.drop(reader.label):
        if column in reader.categorical:
            for value in sorted(table[column].unique(), key=lambda value: (isinstance(value, str), value)):
                features.append((f"{column}={_name(value)}", (table[column] == value).to_numpy(dtype=np.float32)))
        else:
            features.append((str(column), table[column].to_numpy(dtype=np.float32)))
    return features


def _name(value: Any) -> str:
    """Returns a value as text; whole numbers without the `.0` that a column with gaps gives them."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
