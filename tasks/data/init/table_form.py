"""How a table is written: its separator, its encoding, and how its numbers look; recognised from the file itself."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from params.readers import TableReader
from tasks.core.errors import DataError, mismatch
from tasks.data.readers.columns import MOSTLY
from tasks.data.readers.rows import NAME_COLUMNS, RawTable, binary_of_file, read_rows, require_memory
from tasks.runtime.preprocess.cells import PLAIN, NumberFormat
from tasks.runtime.preprocess.csv_text import SAMPLE, recognised_encoding, recognised_separator

LOOKED_AT = 1_000
"""rows in which the format of numbers is looked for"""
FEW_NAMES = 5
"""numbers, which may rise or fall by accident"""
GAP_MARKS = {"", "na", "n/a", "#n/a", "nan", "null", "none", "nil", "?", "-", "--", ".", "missing", "unknown"}
"""in small letters: between numbers, they mean a gap"""


@dataclass(frozen=True)
class TableForm:
    """What the recipe must say of a file so that it can be read."""

    separator: str = ","
    encoding: str = "utf-8"
    written: NumberFormat = PLAIN

    def fields(self) -> dict[str, str]:
        """Returns the fields of the recipe that differ from what they are when nothing is said."""
        found = {
            "separator": self.separator,
            "encoding": self.encoding,
            "decimal": self.written.decimal,
            "thousands": self.written.thousands,
        }
        plain = {name: TableReader.model_fields[name].default for name in found}
        return {name: value for name, value in found.items() if value != plain[name]}


def read_recognised(path: Path) -> tuple[RawTable, TableForm]:
    """Returns a table whose form is not known, and its form.

    Raises:
        DataError: it is no table.
    """
    if path.name.lower().endswith(".parquet"):
        table = read_rows(path)
        written = _number_format({name: _sample(table, name) for name in table.text_columns}, "")
        return read_rows(path, written=written), TableForm(written=written)
    require_memory(path)
    try:
        with binary_of_file(path) as stream:
            content = stream.read()
    except (OSError, EOFError, ValueError) as error:
        got = getattr(error, "strerror", None) or str(error)
        raise DataError(mismatch(str(path), "", "a CSV or Parquet table", got, "is the file whole?")) from None
    encoding = {"utf-8-sig": "utf-8"}.get(found := recognised_encoding(content), found)
    separator = recognised_separator(content[:SAMPLE].decode(encoding, errors="ignore").removeprefix("\ufeff"))
    table = read_rows(path, separator, encoding)
    _require_names(path, table)
    written = _number_format({name: _sample(table, name) for name in table.columns}, separator)
    return table, TableForm(separator, encoding, written)


def gap_marks(cells: Sequence[str], written: NumberFormat) -> tuple[str, ...]:
    """Returns the texts that seem to mean a gap, in a column that is otherwise of numbers."""
    marks = {cell for cell in cells if cell.strip().lower() in GAP_MARKS and cell.strip()}
    others = [cell for cell in cells if cell.strip().lower() not in GAP_MARKS]
    numbers = sum(written.number(cell) is not None for cell in others)
    return tuple(sorted(marks)) if numbers > MOSTLY * len(others) else ()


def _require_names(path: Path, table: RawTable) -> None:
    """Refuses a table whose first line is a row like all others.

    Names may be numbers, too: counted ones, or rising ones such as wavelengths.

    Raises:
        DataError: most names are numbers in no order, which might as well be in the rows below.
    """
    numbers = {name: number for name in table.columns if (number := PLAIN.number(name)) is not None}
    if 2 * len(numbers) < len(table.columns) or len(numbers) < 2 or _are_names([*numbers.values()]):
        return
    if 2 * sum(_lies_among(number, table.cells(name)) for name, number in numbers.items()) > len(numbers):
        got = ", ".join(f"`{name}`" for name in [*numbers][:3])
        raise DataError(mismatch(str(path), "line 1", "names of columns", f"numbers ({got}, ...)", NAME_COLUMNS))


def _are_names(numbers: Sequence[float]) -> bool:
    """Says whether numbers are counted, or so many that it is no accident that they rise or fall."""
    rising = sorted(numbers)
    if rising == [rising[0] + place for place in range(len(rising))]:
        return True
    return len(rising) > FEW_NAMES and [*numbers] in (rising, rising[::-1])


def _lies_among(number: float, cells: Sequence[str]) -> bool:
    values = [value for cell in cells[:LOOKED_AT] if (value := PLAIN.number(cell)) is not None]
    return bool(values) and min(values) <= number <= max(values)


def _sample(table: RawTable, name: str) -> list[str]:
    return [cell for cell in table.cells(name)[:LOOKED_AT] if cell.strip()]


def _number_format(samples: Mapping[str, Sequence[str]], separator: str) -> NumberFormat:
    """Returns the format in which most cells are numbers, the plainest first."""
    formats = [*_formats(separator)]
    counts = [
        sum(written.number(cell.strip().removesuffix("%")) is not None for cells in samples.values() for cell in cells)
        for written in formats
    ]
    return formats[counts.index(max(counts))]


def _formats(separator: str) -> Iterator[NumberFormat]:
    yield PLAIN
    # `1,234` alone may be either; where columns are separated by commas, decimals have a point.
    comma = [NumberFormat(","), NumberFormat(".", ",")]
    yield from reversed(comma) if separator == "," else comma
    yield from (NumberFormat(",", "."), NumberFormat(".", " "), NumberFormat(",", " "))
    yield from (NumberFormat(".", "'"), NumberFormat(",", "'"))
