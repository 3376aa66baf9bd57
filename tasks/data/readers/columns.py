"""Whether the columns of a table are those that the recipe names, and which of its rows do not keep to them."""

from typing import TYPE_CHECKING, Any

from params.readers import TableReader
from tasks.core.errors import DataError, mismatch
from tasks.data.readers.rows import too_long

if TYPE_CHECKING:
    import pandas as pd

MOSTLY = 0.5
"""a column of which a larger part is numbers is one of numbers, and its texts are mistakes"""


def row_name(row: Any) -> str:
    """Returns what a row is called, counted from 1 as people do."""
    return f"row {row + 1:08d}"


def check_columns(reader: TableReader, table: "pd.DataFrame") -> list[str]:
    """Returns the columns of numbers with texts among them.

    Raises:
        DataError: columns are missing, or neither numeric nor named; all problems at once.
    """
    texts = _texts(reader, table)
    unknown, contradictions = _unknown(reader, table), _contradictions(reader, table)
    if unknown or contradictions or any(_numbers(table[column]).notna().mean() <= MOSTLY for column in texts):
        raise DataError("\n".join([*unknown, *_told(texts), *contradictions]))
    return texts


def set_bad_apart(table: "pd.DataFrame", texts: list[str]) -> tuple["pd.DataFrame", dict[str, str]]:
    """Returns the rows that can be used, all numbers as numbers, and the name of each other row -> what is wrong."""
    numbers = table.assign(**{column: _numbers(table[column]) for column in texts}) if texts else table
    gaps = numbers.isna()
    bad = {row_name(row): _gap(table.loc[row], gaps.loc[row]) for row in table.index[gaps.any(axis=1)]}
    return numbers[~gaps.any(axis=1)], bad


def refusal(broken: dict[str, str], texts: list[str], table: "pd.DataFrame") -> str:
    """Returns what to tell of the rows that cannot be used where none may be left out; empty where all can."""
    counts = {column: count for column, count in table.isna().sum().items() if count}
    if broken:
        return too_long(broken)
    if texts:
        return "\n".join(_told(texts))
    if not counts:
        return ""
    got = ", ".join(f"`{column}` {count}" for column, count in counts.items())
    do = "fill them in, or say `missing: drop` to leave out these rows"
    return mismatch("data.reader", "missing", "no missing values", f"{got} of {len(table)} rows", do)


def _unknown(reader: TableReader, table: "pd.DataFrame") -> list[str]:
    columns = [str(column) for column in table.columns]
    named = {"label": (reader.label,), "categorical": reader.categorical, "ignore": reader.ignore}
    return [
        mismatch("data.reader", field, f"one of the columns {', '.join(columns)}", f"`{name}`", "mend the name")
        for field, names in named.items()
        for name in names
        if name not in columns
    ]


def _contradictions(reader: TableReader, table: "pd.DataFrame") -> list[str]:
    found = []
    if reader.label in reader.ignore:
        found.append(
            mismatch("data.reader", "ignore", "columns other than the label", f"`{reader.label}`", "remove it")
        )
    if len({reader.label, *reader.ignore}) == len(table.columns):
        found.append(mismatch("data.reader", "ignore", "columns left to learn from", "none", "ignore fewer"))
    return found


def _texts(reader: TableReader, table: "pd.DataFrame") -> list[str]:
    import pandas as pd

    numeric = [column for column in table.columns if pd.api.types.is_numeric_dtype(table[column])]
    known = {reader.label, *reader.categorical, *reader.ignore, *numeric}
    return [str(column) for column in table.columns if column not in known]


def _told(texts: list[str]) -> list[str]:
    if not texts:
        return []
    do = "add them to `data.reader.categorical` or to `data.reader.ignore`"
    got = ", ".join(f"`{column}`" for column in texts)
    return [mismatch("data.reader", "categorical", "every column that is not numeric", got, do)]


def _numbers(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Returns a column as numbers, with gaps where it holds something else."""
    return column.map(_number).astype("float64")


def _number(value: Any) -> float | None:
    """Reads a cell as the parser of CSV files does: to the last digit."""
    try:
        return None if "_" in str(value) else float(value)
    except (TypeError, ValueError):
        return None


def _gap(row: "pd.Series[Any]", gaps: "pd.Series[bool]") -> str:
    column = next(str(name) for name in row.index if gaps[name])
    value = row[column]
    if isinstance(value, str):
        return f"expected a number in column `{column}`, got `{value}`"
    return f"expected a value in column `{column}`, got none"
