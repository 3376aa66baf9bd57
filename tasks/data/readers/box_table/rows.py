"""Pictures with a table of boxes: one row per box, and one without a box for a picture that has none."""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from params.pictures.boxes import BoxTableReader
from params.section import Part
from tasks.core.errors import DataError, mismatch
from tasks.data.readers.boxes.annotations import (
    AnnotatedPicture,
    Annotations,
    BadAnnotationError,
    Corners,
    DrawnBox,
    corners_of,
    identity,
    numbers,
)
from tasks.data.readers.boxes.pictures import MISSING, opened
from tasks.data.readers.boxes.places import PicturePlaces, count_other_files, leave_out_others, text_of
from tasks.data.readers.image_masks.packed import NamedFiles
from tasks.data.readers.samples import Reading

PARTS: dict[str, Part] = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "val": "validation",
    "valid": "validation",
    "test": "test",
    "testing": "test",
}
YES, NO = ("1", "1.0", "true", "yes"), ("", "0", "0.0", "false", "no")
Cells = dict[str, str]


def read(reader: BoxTableReader, raw: Path) -> Reading:
    """Opens a tar of pictures and a table.

    Raises:
        DataError: the table is missing, is none, or lacks columns; all of these at once.
    """
    return opened(reader, raw, annotations)


def annotations(reader: BoxTableReader, files: NamedFiles) -> Annotations:
    """Returns what the table tells; raises as `read`."""
    text = text_of(files, reader.table, "table")
    folder = str(PurePosixPath(reader.table).parent) if reader.images is None else reader.images
    places = PicturePlaces.below("" if folder == "." else folder, files.places)
    found, pictures = Annotations(), dict[str, AnnotatedPicture]()
    for line, cells in _rows(reader, text):
        one = _picture(reader, places, cells) if isinstance(cells, dict) else _bad_line(reader, line, cells)
        one = pictures.setdefault(one.id, one)
        if isinstance(cells, dict):
            _add(reader, one, line, cells)
    found.pictures = list(pictures.values())
    leave_out_others(found, files.places)
    count_other_files(found, files.places, [reader.table])
    return found


def _rows(reader: BoxTableReader, text: str) -> Iterator[tuple[int, Cells | str]]:
    """Yields the number from 1 of each line, and its cells by column, or what is wrong with it."""
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=reader.separator)
    try:
        header = list(reader.columns) or [cell.strip() for cell in next(lines, [])]
        _check(reader, header)
        for number, fields in enumerate(lines, start=1 if reader.columns else 2):
            if not any(fields):
                continue
            if len(fields) != len(header):
                yield number, f"expected {len(header)} columns, got {len(fields)}"
                continue
            yield number, dict(zip(header, (field.strip() for field in fields), strict=True))
    except csv.Error as error:
        raise DataError(mismatch(reader.table, "", "a text table", str(error), "is it the right file?")) from None


def _check(reader: BoxTableReader, header: Sequence[str]) -> None:
    named = {"path": reader.path, "label": reader.label, "ignored": reader.ignored, "split": reader.split}
    named |= {f"box.{place}": column for place, column in enumerate(reader.box)}
    expected = f"one of the columns {', '.join(header) or 'none'}"
    problems = [
        mismatch("data.reader", field, expected, f"`{column}`", "correct the name, or `separator` and `columns`")
        for field, column in named.items()
        if column and column not in header
    ]
    problems += [
        mismatch(reader.table, "", "columns of different names", f"`{name}` twice", "rename one")
        for name in sorted({name for name in header if header.count(name) > 1})
    ]
    if problems:
        raise DataError("\n".join(problems))


def _bad_line(reader: BoxTableReader, line: int, problem: str) -> AnnotatedPicture:
    return AnnotatedPicture(f"{reader.table}:{line:07d}", "", problem=problem)


def _picture(reader: BoxTableReader, places: PicturePlaces, cells: Cells) -> AnnotatedPicture:
    said = cells[reader.path]
    name = places.find(said)
    part = PARTS.get(cells[reader.split].casefold()) if reader.split else None
    one = AnnotatedPicture(identity(part, places.path(name or said)), name or said, part)
    one.relative = reader.unit == "parts"
    if name is None:
        one.problem = MISSING
    elif reader.split and part is None:
        one.problem = (
            f"expected `train`, `validation` or `test` in column `{reader.split}`, got `{cells[reader.split]}`"
        )
    return one


def _add(reader: BoxTableReader, one: AnnotatedPicture, line: int, cells: Cells) -> None:
    """Takes in the box of a row; nothing where it has none."""
    values = [cells[column] for column in reader.box]
    if one.problem or not any((*values, cells[reader.label])):
        return
    try:
        one.boxes.append(_box(reader, cells, values))
    except BadAnnotationError as error:
        one.problem = f"line {line}: {error}"


def _box(reader: BoxTableReader, cells: Cells, values: Sequence[str]) -> DrawnBox:
    found = numbers(values, f"numbers in {', '.join(reader.box)}")
    if not cells[reader.label]:
        raise BadAnnotationError(f"expected a class in column `{reader.label}`, got none")
    said = cells[reader.ignored].casefold() if reader.ignored else ""
    if said not in (*YES, *NO):
        raise BadAnnotationError(f"expected 1 or 0 in column `{reader.ignored}`, got `{said}`")
    return DrawnBox(cells[reader.label], _corners(reader, found), said in YES)


def _corners(reader: BoxTableReader, found: Sequence[float]) -> Corners:
    first, second, third, fourth = found
    if reader.form == "corners":
        return first, second, third, fourth
    if reader.form == "corner_size":
        return corners_of(first, second, third, fourth)
    return corners_of(first - third / 2, second - fourth / 2, third, fourth)
