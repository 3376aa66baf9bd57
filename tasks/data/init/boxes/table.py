"""A table of boxes: which column is what, and whether its numbers are pixels or parts of the picture."""

import csv
import io
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from tasks.core.errors import DataError, mismatch
from tasks.data.init.boxes.parts import FolderFiles, FoundForm
from tasks.data.readers.box_table.rows import PARTS
from tasks.data.readers.boxes.places import PicturePlaces, text_of
from tasks.runtime.preprocess.csv_text import recognised_separator

PATHS = ("path", "file", "filename", "file_name", "image", "image_path", "image_name", "img", "picture", "imageid")
LABELS = ("label", "class", "class_name", "name", "category", "label_name", "labelname", "object", "species")
SPLITS = ("split", "set", "subset", "part", "fold")
IGNORED = ("ignored", "ignore", "difficult", "iscrowd", "isgroupof", "crowd")
CORNERS = (
    ("x0", "y0", "x1", "y1"),
    ("xmin", "ymin", "xmax", "ymax"),
    ("x_min", "y_min", "x_max", "y_max"),
    ("x1", "y1", "x2", "y2"),
    ("left", "top", "right", "bottom"),
)
CORNER_SIZE = (
    ("x", "y", "width", "height"),
    ("x", "y", "w", "h"),
    ("left", "top", "width", "height"),
    ("xmin", "ymin", "width", "height"),
)
MIDDLE_SIZE = (
    ("x_center", "y_center", "width", "height"),
    ("xc", "yc", "w", "h"),
    ("cx", "cy", "w", "h"),
    ("cx", "cy", "width", "height"),
)
FORMS = {"corners": CORNERS, "corner_size": CORNER_SIZE, "middle_size": MIDDLE_SIZE}
BARE = ["path", "x0", "y0", "x1", "y1", "label"]
"""the columns of a table without a header, as RetinaNet's are"""
SOME = 1000


def table_form(files: FolderFiles, table: str, images: str) -> FoundForm:
    """Returns the reader of a table.

    Raises:
        DataError: it has no columns of paths, classes and boxes by any name that is known.
    """
    text = text_of(files, table, "table")
    separator = recognised_separator(text)
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if any(row)][: SOME + 1]
    header = [cell.strip() for cell in rows[0]] if rows else []
    form = FoundForm("a table of boxes", {"kind": "box_table", "table": table})
    if separator != ",":
        form.fields["separator"] = separator
    if _is_row(header):
        form.fields["columns"] = header = BARE
    else:
        rows = rows[1:]
    columns = _columns(table, header)
    form.fields |= columns
    numbers = [cell for row in rows for cell in _cells(header, row, columns["box"])]
    if numbers and max(numbers) <= 1.5:
        form.fields["unit"] = "parts"
        form.notes.append("The numbers of boxes are up to 1, so they are parts of the width and height of pictures.")
    whole = [dict(zip(header, row, strict=True)) for row in rows if len(row) == len(header)]
    base = _base(files, table, images, [row[columns["path"]] for row in whole])
    if base != _folder_of(table):
        form.fields["images"] = base
    if "split" in form.fields:
        known = {row[columns["split"]].casefold() for row in whole}
        if not {"train", "test"} <= {PARTS.get(one) for one in known} or not known <= PARTS.keys():
            del form.fields["split"]
    return form


def _folder_of(table: str) -> str:
    return str(PurePosixPath(table).parent).removeprefix(".")


def _base(files: FolderFiles, table: str, images: str, said: Sequence[str]) -> str:
    """Returns the folder that paths begin in.

    Raises:
        DataError: none of the pictures is in it.
    """
    found = {
        folder: sum(PicturePlaces.below(folder, files.places).find(one) is not None for one in said)
        for folder in (images, _folder_of(table))
    }
    best = max(found, key=lambda folder: found[folder])
    if not found[best]:
        got = ", ".join(f"`{one}`" for one in said[:3]) or "none"
        expected = f"paths of pictures in {f'`{images}`' if images else 'the source'}"
        raise DataError(mismatch(table, "", expected, got, "correct `--images`"))
    return best


def _is_row(header: Sequence[str]) -> bool:
    return len(header) == len(BARE) and all(_number(cell) is not None or not cell for cell in header[1:5])


def _columns(table: str, header: Sequence[str]) -> dict[str, Any]:
    by_name = {name.casefold(): name for name in header}
    found: dict[str, Any] = {}
    named: dict[str, tuple[str, ...]] = {"path": PATHS, "label": LABELS}
    for field, known in named.items():
        found[field] = next((by_name[name] for name in known if name in by_name), None)
    for form, sets in FORMS.items():
        if chosen := next((some for some in sets if all(name in by_name for name in some)), None):
            found |= {"box": [by_name[name] for name in chosen], **({"form": form} if form != "corners" else {})}
            break
    named = {"split": SPLITS, "ignored": IGNORED}
    for field, known in named.items():
        if name := next((by_name[one] for one in known if one in by_name), None):
            found[field] = name
    if lacking := [field for field in ("path", "label", "box") if not found.get(field)]:
        expected = "columns such as `path`, `label`, `x0`, `y0`, `x1` and `y1`"
        got = f"{', '.join(f'`{name}`' for name in header) or 'none'}, of which none is {' and '.join(lacking)}"
        raise DataError(mismatch(table, "line 1", expected, got, "rename them, or write `data.reader` by hand"))
    return found


def _cells(header: Sequence[str], row: Sequence[str], names: Sequence[str]) -> list[float]:
    if len(row) != len(header):
        return []
    found = (_number(row[[*header].index(name)]) for name in names)
    return [value for value in found if value is not None]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
