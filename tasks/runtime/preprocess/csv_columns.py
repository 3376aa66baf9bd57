"""The columns of a CSV file that a model needs, by name; others are passed over."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..bundle.session import INPUTS
from ..errors import WrongInputError
from .csv_text import CsvTextError, decoded, fitted, header_of, lines_of, recognised_separator

GZIP = b"\x1f\x8b"
SHOWN = 20


@dataclass(frozen=True)
class CsvColumns:
    """Cells by column, and the number of the line of each row."""

    cells: dict[str, list[str]]
    lines: list[int]

    def row_name(self, row: int) -> str:
        """Returns where a row is in the file."""
        return f"line {self.lines[row]}"


def read_columns(
    content: bytes, separator: str, encoding: str, wanted: Sequence[str], short: bool = False
) -> CsvColumns:
    """Returns columns of a CSV file with a header; byte order marks and another separator are recognised.

    Args:
        content: the whole file.
        separator: tried first.
        encoding: of the file, where it has no byte order mark.
        wanted: names of columns.
        short: a line may end before the last of them; the cells that it lacks are empty.

    Raises:
        WrongInputError: it is empty or no such file, a column is missing, or a line is too long or too short.
    """
    if content.startswith(GZIP):
        raise WrongInputError("`inputs`: expected CSV, got a gzip file; unpack it first")
    try:
        return _columns(decoded(content, encoding), separator, wanted, short)
    except CsvTextError as error:
        raise WrongInputError(f"`{error.where or INPUTS}`: {error.told}") from None


def _columns(text: str, separator: str, wanted: Sequence[str], short: bool) -> CsvColumns:
    header, lines = _opened(text, separator)
    if not {*wanted} <= {*header}:
        header, lines = _opened(text, recognised_separator(text, wanted))
    _require(header, wanted)
    places = {name: header.index(name) for name in wanted}
    least = 0 if short else max(places.values()) + 1
    found = [(number, _row(number, line, len(header), least)) for number, line in lines]
    if not found:
        raise CsvTextError("", "rows below the header", "none", "give at least one")
    return CsvColumns(
        {name: [row[at] for _, row in found] for name, at in places.items()}, [number for number, _ in found]
    )


def _opened(text: str, separator: str) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """Returns the header, and what is below it."""
    lines = lines_of(io.StringIO(text, newline=""), separator)
    return header_of(next(lines, (0, []))[1]), lines


def _require(header: Sequence[str], wanted: Sequence[str]) -> None:
    if not header:
        raise CsvTextError("", "CSV with a header and rows", "an empty file", f"give {_shown(wanted)}")
    missing = [name for name in wanted if name not in header]
    if missing:
        raise CsvTextError("line 1", f"the columns {_shown(missing)} too", _shown(header), "add them")
    twice = [name for name in wanted if header.count(name) > 1]
    if twice:
        raise CsvTextError("line 1", f"{_shown(twice)} once", "it twice", "rename one")


def _row(number: int, line: list[str], columns: int, least: int) -> list[str]:
    """Returns the cells of a line, which must have `least` of them."""
    row = fitted(line, columns)
    if row is None or len(line) < least:
        do = "correct the line; is the separator right?"
        raise CsvTextError(f"line {number}", f"{columns} cells", f"{len(line)}", do)
    return row


def _shown(names: Sequence[str]) -> str:
    listed = ", ".join(f"`{name}`" for name in names[:SHOWN])
    return f"{listed} and {len(names) - SHOWN} more" if len(names) > SHOWN else listed
