"""A CSV or Parquet file as a table, and the lines of it that are none of its rows."""

import re
import warnings
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.core.errors import DataError, mismatch

if TYPE_CHECKING:  # pandas takes half a second to import: only where a table is read
    import pandas as pd

SUFFIXES = (".csv", ".csv.gz", ".parquet")
SKIPPED = re.compile(r"Skipping line (\d+): expected (\d+) fields, saw (\d+)")
"""how pandas tells of a line that is too long; what is missing in a short one it fills with gaps"""


def load_table(path: Path) -> "pd.DataFrame":
    """Returns a table with rows numbered from 0.

    Raises:
        DataError: it is not such a file, or has lines that are too long.
    """
    table, broken = read_rows(path)
    if broken:
        raise DataError(too_long(broken))
    return table


def read_rows(path: Path) -> tuple["pd.DataFrame", dict[str, str]]:
    """Returns a table with rows numbered from 0, and the name of each line that is too long -> what is wrong with it.

    Raises:
        DataError: it is not such a file.
    """
    import pandas as pd

    try:
        if path.name.lower().endswith(".parquet"):
            return pd.read_parquet(path).reset_index(drop=True).rename(columns=str), {}
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always", pd.errors.ParserWarning)
            # The default parser rounds the last digit in ways that depend on the machine's long double. Without
            # `index_col` it takes the first column for names where every line is longer than the header.
            table = pd.read_csv(
                path, float_precision="round_trip", low_memory=False, on_bad_lines="warn", index_col=False
            )
    except (ValueError, OSError, EOFError, zlib.error) as error:
        raise _none(path, next(iter(str(error).splitlines()), "nothing")) from None
    return table.rename(columns=str), _skipped(path, [str(warning.message) for warning in told])


def too_long(broken: dict[str, str]) -> str:
    """Returns what to tell of lines that are too long."""
    where, first = next(iter(broken.items()))
    do = "mend the lines; is the separator a comma?"
    return mismatch(
        where, "", "as many fields in every line as in the header", f"{len(broken)} with more ({first})", do
    )


def _skipped(path: Path, told: list[str]) -> dict[str, str]:
    found = [SKIPPED.search(line) for text in told for line in text.splitlines() if line.strip()]
    if not all(found):
        raise _none(path, "lines with more fields than the header")
    return {
        f"line {int(number):08d}": f"expected {fields} fields, got {got}"
        for match in found
        if match
        for number, fields, got in [match.groups()]
    }


def _none(path: Path, got: str) -> DataError:
    return DataError(mismatch(str(path), "", "a CSV or Parquet table", got, "is the file whole?"))
