"""Image files listed in a table: one row per image, with its path, its labels, and what else is known of it."""

import csv
import io
import posixpath
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from params.readers import LABEL, ImageTableReader
from tasks.core.errors import DataError, mismatch
from tasks.data.readers.picture import NO_PICTURE, format_of, is_picture, read_picture
from tasks.data.readers.raw import members, open_raw, packed_files
from tasks.data.readers.samples import Reading, Sample
from tasks.kinds.contract import Raw

SHOWN = 5
NO_ROW = "an image without a row in the table"
Line = tuple[int, list[str]]
"""number from 1, fields"""


@dataclass(frozen=True, slots=True)
class _Row:
    """What the table says about one image."""

    id: str
    target: Raw
    slices: tuple[str, ...]
    problem: str


def read(reader: ImageTableReader, raw: Path) -> Reading:
    """Opens a tar of images and reads their table.

    Raises:
        DataError: the source is not many files, the table is not among them, or lacks columns; all problems at once.
    """
    tar = packed_files(raw, reader.kind)
    slices = reader.columns_kept[len(reader.heads) :]
    header, lines = _table(reader, raw)
    rows = _rows(reader, slices, header, lines)
    astray = {number: len(fields) for number, fields in lines if len(fields) != len(header)}
    return Reading(
        "image",
        partial(_samples, reader, tar, rows, _bad_lines(reader, header, astray)),
        reader.declared,
        preprocessing=format_of(reader).facts(),
        slices=slices,
        dropped=_unlisted(reader, tar, rows),
        refusal=_refusal(reader, header, astray),
    )


def _samples(
    reader: ImageTableReader, tar: Path, rows: dict[str, _Row], bad_lines: tuple[Sample, ...]
) -> Iterator[Sample]:
    yield from bad_lines
    missing = set(rows)
    for member, stream in members(tar):
        row = rows.get(member.name)
        if row is None or stream is None:
            continue
        missing.discard(member.name)
        values, problem = read_picture(stream, reader)
        yield Sample(row.id, row.target, values, problem=row.problem or problem, slices=row.slices)
    for name in sorted(missing):
        yield Sample(rows[name].id, problem=f"expected an image at `{name}` in the source, got no such file")


def _unlisted(reader: ImageTableReader, tar: Path, rows: dict[str, _Row]) -> dict[str, int]:
    """Returns why files of the source are no samples -> how many."""
    files = (member.name for member, stream in members(tar) if stream)
    names = [name for name in files if name not in rows and name != reader.table]
    return dict(sorted(Counter(NO_ROW if is_picture(name) else NO_PICTURE for name in names).items()))


def _rows(reader: ImageTableReader, slices: tuple[str, ...], header: list[str], lines: list[Line]) -> dict[str, _Row]:
    """Returns image -> row, of lines as long as the header; an image is named as in the tar."""
    rows: dict[str, _Row] = {}
    for cells in (dict(zip(header, fields, strict=True)) for _, fields in lines if len(fields) == len(header)):
        image = cells[reader.image]
        path = image.replace("\\", "/")  # tables are often written on Windows
        name = posixpath.normpath(posixpath.join(posixpath.dirname(reader.table), path))
        target = {LABEL: cells[reader.label.column]} | {head.column: cells[head.column] for head in reader.heads}
        problem = f"expected one row in `{reader.table}`, got a second one" if name in rows else ""
        rows[name] = _Row(image, target, tuple(cells[column] for column in slices), problem)
    return rows


def _table(reader: ImageTableReader, raw: Path) -> tuple[list[str], list[Line]]:
    """Returns the names of the columns, and the lines of the table.

    Raises:
        DataError: a column is missing.
    """
    lines = _lines(reader, raw)
    header = list(reader.columns) or next(lines, (0, []))[1]
    _check_columns(reader, header)
    return header, [*lines]


def _bad_lines(reader: ImageTableReader, header: list[str], astray: dict[int, int]) -> tuple[Sample, ...]:
    return tuple(
        Sample(f"{reader.table}:{number:07d}", problem=f"expected {len(header)} columns, got {length}")
        for number, length in astray.items()
    )


def _refusal(reader: ImageTableReader, header: list[str], astray: dict[int, int]) -> str:
    """Returns what to tell of lines with another number of columns than the first."""
    if not astray:
        return ""
    told = [f"{length} in line {number}" for number, length in astray.items()]
    got = ", ".join(told[:SHOWN]) + (f" and {len(told) - SHOWN} more lines" if len(told) > SHOWN else "")
    do = "correct the lines, or `data.reader.separator` and `columns`"
    return mismatch(reader.table, "", f"{len(header)} columns in every line", got, do)


def _lines(reader: ImageTableReader, raw: Path) -> Iterator[Line]:
    """Yields (number from 1, fields) of the lines that are not empty."""
    with open_raw(raw, reader.table, "table") as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
        try:
            if reader.separator == "whitespace":
                rows: Iterator[list[str]] = (line.split() for line in text)
            else:
                rows = ([cell.strip() for cell in row] for row in csv.reader(text, delimiter=reader.separator))
            yield from ((number, fields) for number, fields in enumerate(rows, start=1) if fields)
        except (UnicodeDecodeError, csv.Error) as error:
            raise DataError(mismatch(reader.table, "", "a text table", str(error), "is it the right file?")) from None


def _check_columns(reader: ImageTableReader, header: list[str]) -> None:
    named = {
        "image": [reader.image],
        "label": [reader.label.column],
        "heads": [head.column for head in reader.heads],
        "slices": reader.slices,
    }
    expected = f"one of the columns {', '.join(header) or 'none'}"
    problems = [
        mismatch("data.reader", field, expected, f"`{name}`", "correct the name, or `separator` and `columns`")
        for field, names in named.items()
        for name in names
        if name not in header
    ]
    problems += [
        mismatch(reader.table, "", "columns of different names", f"`{name}` twice", "rename one")
        for name in sorted({name for name in header if header.count(name) > 1})
    ]
    if problems:
        raise DataError("\n".join(problems))
