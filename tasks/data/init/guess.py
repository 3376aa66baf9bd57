"""What a first recipe says about data without one: looked up in the data, to be corrected in the recipe."""

import difflib
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from PIL import Image, UnidentifiedImageError

from tasks.core.errors import DataError, mismatch
from tasks.data.readers.picture import SUFFIXES
from tasks.data.readers.rows import load_table
from tasks.data.sources.own import own_files

if TYPE_CHECKING:
    import pandas as pd

SIDES = (8, 16, 32, 64)
"""pixels; more is slow to train on a laptop"""
LOOKED_AT = 100
"""images per class"""
LABELS = ("label", "target", "class", "y")
GREY = ("1", "L", "LA", "I;16")


@dataclass(frozen=True)
class ImageGuess:
    """Side of the square that images are resized to in pixels, and 1 channel where all of them are grey, else 3."""

    side: int
    channels: int


@dataclass(frozen=True)
class TableGuess:
    """The column with the class, the columns to make one-hot, those that say nothing, and the rows with gaps."""

    label: str
    categorical: tuple[str, ...]
    ignore: tuple[str, ...]
    missing: bool


def guess_images(folder: Path) -> ImageGuess:
    """Looks at the headers of the first images of each class.

    Raises:
        DataError: no such folder, no class folders, a class without images, fewer than two, or a file that is no image.
    """
    if not folder.is_dir():
        got = "a file" if folder.is_file() else "nothing there"
        raise DataError(mismatch(str(folder), "", "a folder with one folder per class", got, "mend `--images`"))
    by_class = _images_by_class(folder)
    empty = [name for name, images in by_class.items() if not images]
    if len(by_class) < 2 or empty:
        got = f"no image in {', '.join(f'`{name}`' for name in empty)}" if empty else f"{len(by_class)} class folders"
        do = "put each class's images into a folder of its own"
        raise DataError(mismatch(str(folder), "", "at least two class folders, each with images", got, do))
    looks = [_look(path) for images in by_class.values() for path in images[:LOOKED_AT]]
    side = median(side for side, _ in looks)
    fitting = [candidate for candidate in SIDES if candidate <= side]
    channels = 1 if all(mode in GREY for _, mode in looks) else 3
    return ImageGuess(fitting[-1] if fitting else SIDES[0], channels)


def guess_table(path: Path, label: str | None) -> TableGuess:
    """Looks at all columns.

    Raises:
        DataError: no such file, not a table, no column for the label, fewer than two classes, nothing to learn from.
    """
    if not path.is_file():
        got = "a folder" if path.is_dir() else "nothing there"
        raise DataError(mismatch(str(path), "", "a CSV or Parquet file", got, "mend `--table`"))
    table = load_table(path)
    label = _label_column(path, [str(column) for column in table.columns], label)
    if table[label].nunique() < 2:
        got = f"{table[label].nunique()}"
        raise DataError(mismatch(str(path), label, "at least two classes", got, "choose another `--label`"))
    texts = [column for column in _text_columns(table) if column != label]
    ignore = tuple(column for column in texts if table[column].nunique() == len(table))
    if len(table.columns) == 1 + len(ignore):
        do = "is it the right file?"
        raise DataError(mismatch(str(path), "", "columns to learn from", "none that differ from row to row", do))
    categorical = tuple(column for column in texts if column not in ignore)
    kept = table.drop(columns=list(ignore))
    return TableGuess(label, categorical, ignore, bool(kept.isna().to_numpy().any()))


def _images_by_class(folder: Path) -> dict[str, list[Path]]:
    by_class: dict[str, list[Path]] = {}
    for name, path in own_files(folder):
        images = by_class.setdefault(name.split("/")[0], []) if "/" in name or path.is_dir() else []
        if path.is_file() and path.suffix.lower() in SUFFIXES:
            images.append(path)
    return by_class


def _look(path: Path) -> tuple[int, str]:
    """Returns (shorter side, mode) of an image; its pixels are not decoded."""
    try:
        with Image.open(path) as image:
            return min(image.size), image.mode
    except (UnidentifiedImageError, OSError, ValueError) as error:
        raise DataError(mismatch(str(path), "", "an image", str(error), "mend or remove it")) from None


def _text_columns(table: "pd.DataFrame") -> list[str]:
    import pandas as pd

    return [str(column) for column in table.columns if not pd.api.types.is_numeric_dtype(table[column])]


def _label_column(path: Path, columns: list[str], label: str | None) -> str:
    shown = ", ".join(f"`{column}`" for column in columns)
    if label is None:
        found = [column for column in columns if column.lower() in LABELS]
        if len(found) == 1:
            return found[0]
        got = "none of those names" if not found else " and ".join(found)
        do = "name the column with the class: `--label COLUMN`"
        raise DataError(mismatch(str(path), "", f"a column {', '.join(LABELS)} among {shown}", got, do))
    if label in columns:
        return label
    close = difflib.get_close_matches(label, columns, n=1)
    do = f"did you mean `{close[0]}`?" if close else "choose one of them"
    raise DataError(mismatch(str(path), "--label", f"one of the columns {shown}", f"`{label}`", do))
