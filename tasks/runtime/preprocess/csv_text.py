"""A CSV file as texts: its encoding, its separator, its header and its lines. Training and device read it alike."""

import codecs
import csv
import io
import re
from collections.abc import Collection, Iterator, Sequence
from itertools import chain, islice
from typing import TextIO

SEPARATORS = (";", "\t", "|", ",")
"""in doubt the first: a comma may be that of a number"""
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""what a file may begin with -> its encoding"""
GUESS = "windows-1252"
"""of a text that is not UTF-8 and says nothing: the one that spreadsheets write in western Europe and America"""
SAMPLE = 65_536
"""bytes that are looked at to recognise a separator"""
LINES = 100
_TOLD = re.compile(r'"?sep=([^"\r\n])"?\s*', re.IGNORECASE)


class CsvTextError(ValueError):
    """A text that is no CSV; `where` is a line, or empty for the whole."""

    def __init__(self, where: str, expected: str, got: str, do: str) -> None:
        self.where, self.told = where, f"expected {expected}, got {got}; {do}"
        super().__init__(f"{where}: {self.told}" if where else self.told)


def encoding_of(head: bytes, otherwise: str) -> str:
    """Returns the encoding that the first bytes of a file name by a byte order mark or by zeros, else the other one."""
    for mark, encoding in MARKS:
        if head.startswith(mark):
            return encoding
    if head[:1] and head[1:64:2] == bytes(len(head[1:64:2])) and len(head) > 3:
        return "utf-16-le"
    return "utf-16-be" if len(head) > 3 and head[:64:2] == bytes(len(head[:64:2])) else otherwise


def recognised_encoding(content: bytes) -> str:
    """Returns the encoding of a text: one that it names, else UTF-8 where it is that, else `GUESS`."""
    named = encoding_of(content, "")
    if named:
        return named
    try:
        content.decode()
    except UnicodeDecodeError:
        return GUESS
    return "utf-8"


def recognised_separator(text: str, wanted: Collection[str] = ()) -> str:
    """Returns what stands between the columns of a text, judged by its first lines.

    Args:
        text: or its beginning.
        wanted: names of columns; a separator with which more of them are in the header goes first.
    """
    if told := told_separator(text.partition("\n")[0]):
        return told
    fitness = {separator: _fitness(text[:SAMPLE], separator, wanted) for separator in SEPARATORS}
    return max(SEPARATORS, key=fitness.__getitem__) if any(map(any, fitness.values())) else ","


def told_separator(line: str) -> str:
    """Returns the separator that the first line of a file tells a spreadsheet, such as `sep=;`; empty for any other."""
    found = _TOLD.fullmatch(line)
    return found[1] if found else ""


def _fitness(text: str, separator: str, wanted: Collection[str]) -> tuple[float, ...]:
    """Returns how many wanted names the header has, and how many cells lie in lines that are as long as it is."""
    try:
        lines = [*islice(csv.reader(io.StringIO(text, newline=""), delimiter=separator), LINES)]
    except csv.Error:
        return (0, 0)
    lines = [line for line in lines[:-1] if line] or lines
    header = header_of(lines[0]) if lines else []
    like = sum(len(line) >= len(header) and fitted(line, len(header)) is not None for line in lines)
    return (float(len({*wanted} & {*header})), like * (len(header) - 1) / max(1, len(lines)))


def lines_of(stream: TextIO, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yields lines with their number, counted from 1, as texts; empty ones are none.

    A first line `sep=;` is none either, and has the last word on the separator.

    Raises:
        CsvTextError: a quote is not closed, or the bytes are not of the stream's encoding.
    """
    number = 0
    try:
        told = told_separator(first := stream.readline())
        reader = csv.reader(chain(["\n" if told else first], stream), delimiter=told or separator, strict=True)
        for line in reader:
            number = reader.line_num
            if len(line) > 1 or (line and line[0].strip()):
                yield number, line
    except csv.Error as error:
        do = "is a quote missing, or one too many?"
        raise CsvTextError(f"line {number + 1}", "cells in whole quotes", str(error), do) from None
    except UnicodeError as error:
        raise _undecoded(error, stream.encoding or "unicode") from None


def header_of(line: Sequence[str]) -> list[str]:
    """Returns the names of columns: without spaces around them; one without a name is called `Unnamed: 0` or so."""
    return [name.strip() or f"Unnamed: {place}" for place, name in enumerate(line)]


def fitted(line: list[str], columns: int) -> list[str] | None:
    """Returns a line with as many cells as there are columns, or None where it has more.

    Empty cells at the end may be left out or come in excess: spreadsheets write either.
    """
    if len(line) > columns and any(cell.strip() for cell in line[columns:]):
        return None
    return (line + [""] * (columns - len(line)))[:columns]


def decoded(content: bytes, encoding: str) -> str:
    """Returns the text of a file; a byte order mark has the last word on its encoding.

    Raises:
        CsvTextError: it is of another encoding.
    """
    found = encoding_of(content, encoding)
    try:
        return content.decode(found).removeprefix("\ufeff")
    except (UnicodeError, LookupError) as error:
        raise _undecoded(error, found) from None


def _undecoded(error: Exception, encoding: str) -> CsvTextError:
    got = f"the byte 0x{error.object[error.start]:02x}" if isinstance(error, UnicodeDecodeError) else str(error)
    return CsvTextError("", f"text in {encoding}", got, f"name its encoding, such as {GUESS} or utf-16")
