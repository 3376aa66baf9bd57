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


def read_columns(content: bytes, separator: str, encoding: str, wanted: Sequence[str]) -> CsvColumns:
    """Returns columns of a CSV file with a header; byte order marks and another separator are recognised.

    Raises:
        WrongInputError: it is empty or no such file, or a column is missing.
    """
    if content.startswith(GZIP):
        raise WrongInputError("`inputs`: expected CSV, got a gzip file; unpack it first")
    try:
        return _columns(decoded(content, encoding), separator, wanted)
    except CsvTextError as error:
        raise WrongInputError(f"`{error.where or INPUTS}`: {error.told}") from None


def _columns(text: str, separator: str, wanted: Sequence[str]) -> CsvColumns:
    header, lines = _opened(text, separator)
    if not {*wanted} <= {*header}:
        header, lines = _opened(text, recognised_separator(text, wanted))
    _require(header, wanted)
    places = {name: header.index(name) for name in wanted}
    found = [(number, _row(number, line, len(header))) for number, line in lines]
    return CsvColumns(
        {name: [row[at] for _, row in found] for name, at in places.items()}, [number for number, _ in found]
    )


def _opened(text: str, separator: str) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """Returns the header, and what is below it."""
    lines = lines_of(io.StringIO(text, newline=""), separator)
    return header_of(next(lines, (0, []))[1]), lines


def _require(header: Sequence[str], wanted: Sequence[str]) -> None:
    missing = [name for name in wanted if name not in header]
    if missing:
        got = _shown(header) if header else "an empty file"
        raise CsvTextError("line 1", f"the columns {_shown(missing)} too", got, "add them")
    twice = [name for name in wanted if header.count(name) > 1]
    if twice:
        raise CsvTextError("line 1", f"{_shown(twice)} once", "it twice", "rename one")


def _row(number: int, line: list[str], columns: int) -> list[str]:
    row = fitted(line, columns)
    if row is None:
        do = "mend the line; is the separator right?"
        raise CsvTextError(f"line {number}", f"{columns} cells", f"{len(line)}", do)
    return row


def _shown(names: Sequence[str]) -> str:
    listed = ", ".join(f"`{name}`" for name in names[:SHOWN])
    return f"{listed} and {len(names) - SHOWN} more" if len(names) > SHOWN else listed
