"""Rows of a CSV or Parquet file: numeric columns as they are, categorical ones as one column per value."""

import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from params.readers import TableReader
from tasks.data.classes import in_order
from tasks.data.raw import raw_names
from tasks.data.samples import Reading, Sample
from tasks.errors import DataError, mismatch

if TYPE_CHECKING:  # pandas takes half a second to import: only where a table is read
    import pandas as pd

SUFFIXES = (".csv", ".csv.gz", ".parquet")


def read_table(reader: TableReader, raw: Path) -> Reading:
    """Reads a table whole: its rows are the samples, all columns but the label and `ignore` the features.

    Raises:
        DataError: not one table, columns that are missing or not numeric, missing values; all problems at once.
    """
    names = [name for name in raw_names(raw) if name.lower().endswith(SUFFIXES)]
    if len(names) != 1:
        expected = f"one file that ends in {', '.join(SUFFIXES)}"
        raise DataError(mismatch("data.source", "path", expected, raw_names(raw), "give `kind: file` and its path"))
    table = load_table(raw / names[0])
    _check_columns(reader, table)
    table = table.drop(columns=list(reader.ignore))
    whole = _without_missing(reader, table)
    labels = [label_text(value) for value in whole[reader.label]]
    features = _features(reader, whole)
    values = np.column_stack([column for _, column in features])
    ids = [f"row {row + 1:08d}" for row in whole.index]
    dropped = {"missing value": len(table) - len(whole)} if len(whole) < len(table) else {}
    names_ = tuple(name for name, _ in features)
    return Reading("vector", partial(_samples, ids, labels, values), feature_names=names_, dropped=dropped)


def load_table(path: Path) -> "pd.DataFrame":
    """Returns a CSV or Parquet file with rows numbered from 0.

    Raises:
        DataError: it is not such a file.
    """
    import pandas as pd

    try:
        if path.name.lower().endswith(".parquet"):
            table = pd.read_parquet(path).reset_index(drop=True)
        else:
            # The default parser rounds the last digit in ways that depend on the machine's long double.
            table = pd.read_csv(path, float_precision="round_trip", low_memory=False)
        return table.rename(columns=str)
    except (ValueError, OSError, EOFError, zlib.error) as error:
        first = next(iter(str(error).splitlines()), "nothing")
        raise DataError(mismatch(str(path), "", "a CSV or Parquet table", first, "is the file whole?")) from None


def label_text(value: Any) -> str:
    """Returns a label as text; whole numbers without the `.0` that a float column gives them."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _samples(ids: list[str], labels: list[str], values: NDArray[np.float32]) -> Iterator[Sample]:
    return (Sample(name, label, row) for name, label, row in zip(ids, labels, values, strict=True))


def _features(reader: TableReader, table: "pd.DataFrame") -> list[tuple[str, NDArray[np.float32]]]:
    """Returns (name, values) per feature; a categorical column becomes `column=value` per value, in order."""
    features: list[tuple[str, NDArray[np.float32]]] = []
    for column in table.columns.drop(reader.label):
        if column in reader.categorical:
            texts = [label_text(value) for value in table[column]]
            for value in in_order(set(texts)):
                features.append((f"{column}={value}", np.array([text == value for text in texts], dtype=np.float32)))
        else:
            features.append((str(column), table[column].to_numpy(dtype=np.float32)))
    return features


def _check_columns(reader: TableReader, table: "pd.DataFrame") -> None:
    import pandas as pd

    columns = [str(column) for column in table.columns]
    named = {"label": (reader.label,), "categorical": reader.categorical, "ignore": reader.ignore}
    problems = [
        mismatch("data.reader", field, f"one of the columns {', '.join(columns)}", f"`{name}`", "mend the name")
        for field, names in named.items()
        for name in names
        if name not in columns
    ]
    numeric = [c for c in table.columns if pd.api.types.is_numeric_dtype(table[c])]
    known = {reader.label, *reader.categorical, *reader.ignore, *numeric}
    texts = [f"`{column}`" for column in columns if column not in known]
    if texts:
        do = "add them to `data.reader.categorical` or to `data.reader.ignore`"
        problems.append(
            mismatch("data.reader", "categorical", "every column that is not numeric", ", ".join(texts), do)
        )
    if reader.label in reader.ignore:
        problems.append(
            mismatch("data.reader", "ignore", "columns other than the label", f"`{reader.label}`", "remove it")
        )
    if len({reader.label, *reader.ignore}) == len(columns):
        problems.append(mismatch("data.reader", "ignore", "columns left to learn from", "none", "ignore fewer"))
    if problems:
        raise DataError("\n".join(problems))


def _without_missing(reader: TableReader, table: "pd.DataFrame") -> "pd.DataFrame":
    counts = table.isna().sum()
    if not counts.any() or reader.missing == "drop":
        return table.dropna()
    got = ", ".join(f"`{column}` {count}" for column, count in counts.items() if count)
    do = "fill them in, or say `missing: drop` to leave out these rows"
    raise DataError(mismatch("data.reader", "missing", "no missing values", f"{got} of {len(table)} rows", do))
