"""A CSV or Parquet file as columns of texts, and the lines of it that are none of its rows."""

import gzip
import io
import os
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO, cast

from tasks.core.errors import DataError, mismatch
from tasks.runtime.preprocess.cells import PLAIN, NumberFormat
from tasks.runtime.preprocess.csv_text import (
    CsvTextError,
    encoding_of,
    fitted,
    header_of,
    lines_of,
    recognised_separator,
)

if TYPE_CHECKING:  # takes long to import: only where a table is read
    import pyarrow as pa

SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".parquet")
WORKBOOKS = (".xlsx", ".xls", ".xlsm", ".ods")
AT_A_TIME = 10_000
"""rows that are texts of their own, before they are packed into one buffer per column"""
HEAD = 65_536
DATE = "a date or time"
NAME_COLUMNS = "write a line with the names of the columns above it, such as `x1,x2,label`"


@dataclass(frozen=True)
class RawTable:
    """Rows numbered from 0; a cell is a text, empty where there is none."""

    file: str
    columns: dict[str, "pa.ChunkedArray"]
    rows: int
    written: NumberFormat = PLAIN
    """of the texts that numbers of a Parquet file become"""
    broken: dict[str, str] = field(default_factory=dict)
    """name of each line that is too long -> what is wrong with it"""

    def cells(self, column: str) -> list[str]:
        """Returns the cells of a column as texts; numbers of a Parquet file as the recipe writes numbers.

        Raises:
            DataError: the column has no form of text.
        """
        import pyarrow as pa

        try:
            return _texts(self.columns[column], self.written)
        except (ValueError, OverflowError, pa.ArrowException) as error:
            got = next(iter(str(error).splitlines()), "nothing")
            raise DataError(mismatch(self.file, column, "cells that can be read", got, "list it in `ignore`")) from None

    @property
    def text_columns(self) -> list[str]:
        """The columns that are texts in the file, too."""
        import pyarrow as pa

        kinds = {name: column.type for name, column in self.columns.items()}
        plain = {name: kind.value_type if pa.types.is_dictionary(kind) else kind for name, kind in kinds.items()}
        return [name for name, kind in plain.items() if any(fits(kind) for fits in _texts_of(pa.types))]

    def unfit(self, column: str) -> str:
        """Returns what a column of a Parquet file is that is neither numbers nor texts; empty for others."""
        return _unfit(self.columns[column].type)


def read_rows(path: Path, separator: str = ",", encoding: str = "utf-8", written: NumberFormat = PLAIN) -> RawTable:
    """Returns a table.

    Raises:
        DataError: it is not such a file, or its separator or encoding is another one.
    """
    if path.name.lower().endswith(WORKBOOKS):
        do = "save the sheet as CSV (UTF-8) and give that"
        raise DataError(mismatch(str(path), "", "a CSV or Parquet table", "a workbook of a spreadsheet", do))
    require_memory(path)
    import pyarrow as pa

    try:
        if path.name.lower().endswith(".parquet"):
            return _parquet(path, written)
        with text_of_file(path, encoding) as stream:
            return _csv(path, stream, separator)
    except CsvTextError as error:
        raise DataError(f"`{path}`: {f'`{error.where}`: ' if error.where else ''}{error.told}") from None
    except (ValueError, OSError, EOFError, zlib.error, pa.ArrowException) as error:
        got = next(iter(str(error).splitlines()), "nothing")
        raise DataError(mismatch(str(path), "", "a CSV or Parquet table", got, "is the file whole?")) from None


def require_memory(path: Path) -> None:
    """Refuses a table that is larger than the memory of this machine, which its cells are to lie in.

    Raises:
        DataError: it is.
    """
    memory, size = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), path.stat().st_size
    if size > memory:
        do = "take fewer rows or columns, or a machine with more"
        expected = f"a table that fits into the memory of this machine, {memory:,} bytes"
        raise DataError(mismatch(str(path), "", expected, f"{size:,} bytes", do))


def too_long(broken: dict[str, str]) -> str:
    """Returns what to tell of lines that are too long."""
    where, first = next(iter(broken.items()))
    do = "correct the lines; is `data.reader.separator` the right one?"
    return mismatch(
        where, "", "as many fields in every line as in the header", f"{len(broken)} with more ({first})", do
    )


@contextmanager
def binary_of_file(path: Path) -> Iterator[BinaryIO]:
    """Opens a file, unpacked if its name ends in `.gz`."""
    with path.open("rb") as packed:
        yield cast(BinaryIO, gzip.GzipFile(fileobj=packed)) if path.name.lower().endswith(".gz") else packed


@contextmanager
def text_of_file(path: Path, encoding: str) -> Iterator[TextIO]:
    """Opens a file as text; a byte order mark at its beginning has the last word on the encoding."""
    with binary_of_file(path) as stream:
        found = encoding_of(stream.read(HEAD), encoding)
        stream.seek(0)
        yield io.TextIOWrapper(stream, encoding=found, newline="")


def _csv(path: Path, stream: TextIO, separator: str) -> RawTable:
    lines = lines_of(stream, separator)
    header = header_of(next(lines, (0, []))[1])
    _check_header(path, header, separator)
    packed: list[list[pa.Array]] = [[] for _ in header]
    rows: list[list[str]] = []
    count, broken = 0, {}
    for number, line in lines:
        row = fitted(line, len(header))
        if row is None:
            broken[f"line {number:08d}"] = f"expected {len(header)} fields, got {len(line)}"
            continue
        rows.append(row)
        count += 1
        if len(rows) == AT_A_TIME:
            _pack(rows, packed)
    _pack(rows, packed)
    return RawTable(str(path), dict(zip(header, map(_chunked, packed), strict=True)), count, broken=broken)


def _check_header(path: Path, header: Sequence[str], separator: str) -> None:
    if not header:
        raise DataError(mismatch(str(path), "", "a CSV table with a header", "an empty file", "is it the right file?"))
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        got, do = ", ".join(f"`{name}` twice" for name in twice), "rename one of them"
        if all(PLAIN.number(name) is not None for name in twice):
            do = f"is it a row already? {NAME_COLUMNS}"
        raise DataError(mismatch(str(path), "line 1", "columns of different names", got, do))
    better = recognised_separator(header[0]) if len(header) == 1 else separator
    if better != separator and better in header[0]:
        do = f"say `separator: {_quoted(better)}` in `data.reader`"
        expected = f"columns with {_quoted(separator)} between them"
        raise DataError(mismatch(str(path), "line 1", expected, f"one column `{header[0]}`", do))


def _quoted(separator: str) -> str:
    return {"\t": '"\\t"'}.get(separator, f'"{separator}"')


def _pack(rows: list[list[str]], packed: "list[list[pa.Array]]") -> None:
    import pyarrow as pa

    for arrays, cells in zip(packed, zip(*rows, strict=True), strict=False):
        arrays.append(pa.array(cells, pa.large_string()))
    rows.clear()


def _chunked(arrays: "list[pa.Array]") -> "pa.ChunkedArray":
    import pyarrow as pa

    return pa.chunked_array(arrays, pa.large_string())


def _parquet(path: Path, written: NumberFormat) -> RawTable:
    import pyarrow.parquet as pq

    # Not `read_table`: that takes `a=1` in the name of a folder for a column.
    table = pq.ParquetFile(path).read()
    table.validate(full=True)
    index = (table.schema.pandas_metadata or {}).get("index_columns", [])
    names = [name for name in table.column_names if name not in index]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        got = ", ".join(f"`{name}` twice" for name in twice)
        raise DataError(mismatch(str(path), "", "columns of different names", got, "rename one of them"))
    return RawTable(str(path), {name: table.column(name) for name in names}, table.num_rows, written)


def _unfit(kind: "pa.DataType") -> str:
    import pyarrow as pa

    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    types = pa.types
    if types.is_temporal(kind):
        return DATE
    plain = (types.is_integer, types.is_floating, types.is_decimal, types.is_boolean, types.is_null, *_texts_of(types))
    return "" if any(fits(kind) for fits in plain) else str(kind)


def _texts_of(types: Any) -> tuple[Any, ...]:
    return (types.is_string, types.is_large_string, types.is_string_view)


def _texts(column: "pa.ChunkedArray", written: NumberFormat) -> list[str]:
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_temporal(column.type):
        column = column.cast(pa.string())
    cells = column.to_pylist()
    if pa.types.is_floating(column.type):
        return ["" if cell is None or cell != cell else written.text(float(cell)) for cell in cells]
    if pa.types.is_decimal(column.type):
        return ["" if cell is None else str(cell).replace(".", written.decimal) for cell in cells]
    return ["" if cell is None else str(cell) for cell in cells]
