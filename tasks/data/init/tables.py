"""A first recipe for a table: what its reader needs is looked up in the columns."""

import difflib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.core.errors import DataError, mismatch
from tasks.data.init.templates import HEAD, SPLIT, TAIL, quoted
from tasks.data.init.understanding import Understanding
from tasks.data.readers.rows import load_table

if TYPE_CHECKING:
    import pandas as pd

LABELS = ("label", "target", "class", "y")
_TABLE = """\
  reader:
    kind: table
    label: {label}
    categorical: {categorical}   # one column per value
    ignore: {ignore}
    missing: {missing}            # rows with a gap; refuse or drop
"""
_TABLE_MODELS = """
teacher:
  architecture: {kind: mlp, hidden: [256, 256]}
  training: {epochs: 60, batch_size: 64, learning_rate: 0.001}

student:
  architecture: {kind: mlp, hidden: [16]}
  training: {epochs: 100, batch_size: 64, learning_rate: 0.01}
"""


@dataclass(frozen=True)
class TableGuess:
    """The column with the class, the columns to make one-hot, those that say nothing, and the rows with gaps."""

    label: str
    categorical: tuple[str, ...]
    ignore: tuple[str, ...]
    missing: bool


def understand(name: str, source: str, path: Path, label: str | None) -> Understanding:
    """Returns a recipe for a table; `source` is how the recipe names its file.

    Raises:
        DataError: no such file, not a table, no column for the label, fewer than two classes, nothing to learn from.
    """
    return Understanding(_recipe(name, source, guess_table(path, label)))


def _recipe(name: str, source: str, guess: TableGuess) -> str:
    """Returns a recipe for a table."""
    reader = _TABLE.format(
        label=quoted(guess.label),
        categorical=quoted(guess.categorical),
        ignore=quoted(guess.ignore),
        missing="drop" if guess.missing else "refuse",
    )
    head = HEAD.format(name=name, kind="file", path=json.dumps(source))
    return head + reader + SPLIT + _TABLE_MODELS + TAIL.format(candidates="[fp32, static_int8]")


def guess_table(path: Path, label: str | None) -> TableGuess:
    """Looks at all columns.

    Raises:
        DataError: no such file, not a table, no column for the label, fewer than two classes, nothing to learn from.
    """
    if not path.is_file():
        got = "a folder" if path.is_dir() else "nothing there"
        raise DataError(mismatch(str(path), "", "a CSV or Parquet file", got, "mend `--table`"))
    table = load_table(path)
    label = _label_column(path, [str(column) for column in table.columns], label)
    if table[label].nunique() < 2:
        got = f"{table[label].nunique()}"
        raise DataError(mismatch(str(path), label, "at least two classes", got, "choose another `--label`"))
    texts = [column for column in _text_columns(table) if column != label]
    ignore = tuple(column for column in texts if table[column].nunique() == len(table))
    if len(table.columns) == 1 + len(ignore):
        do = "is it the right file?"
        raise DataError(mismatch(str(path), "", "columns to learn from", "none that differ from row to row", do))
    categorical = tuple(column for column in texts if column not in ignore)
    kept = table.drop(columns=list(ignore))
    return TableGuess(label, categorical, ignore, bool(kept.isna().to_numpy().any()))


def _text_columns(table: "pd.DataFrame") -> list[str]:
    import pandas as pd

    return [str(column) for column in table.columns if not pd.api.types.is_numeric_dtype(table[column])]


def _label_column(path: Path, columns: list[str], label: str | None) -> str:
    shown = ", ".join(f"`{column}`" for column in columns)
    if label is None:
        found = [column for column in columns if column.lower() in LABELS]
        if len(found) == 1:
            return found[0]
        got = "none of those names" if not found else " and ".join(found)
        do = "name the column with the class: `--label COLUMN`"
        raise DataError(mismatch(str(path), "", f"a column {', '.join(LABELS)} among {shown}", got, do))
    if label in columns:
        return label
    close = difflib.get_close_matches(label, columns, n=1)
    do = f"did you mean `{close[0]}`?" if close else "choose one of them"
    raise DataError(mismatch(str(path), "--label", f"one of the columns {shown}", f"`{label}`", do))
