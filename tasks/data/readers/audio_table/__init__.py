"""Sound in a CSV file with one row per clip."""

import csv
import io
from collections.abc import Iterator, Mapping
from math import isfinite
from pathlib import Path

from params.audio.readers import AudioTableReader
from tasks.core.errors import DataError, mismatch
from tasks.data.readers.audio.listed import ListedClip, path_beside, reading_of
from tasks.data.readers.raw import open_raw
from tasks.data.readers.samples import Reading
from tasks.data.readers.sequence_columns import PARTS

FIELDS = ("path", "label", "start", "end", "speaker", "split")


def read(reader: AudioTableReader, raw: Path) -> Reading:
    """Opens a table of clips.

    Raises:
        DataError: it cannot be read, or lacks a column that the recipe names.
    """
    columns = {field: column for field in FIELDS if (column := getattr(reader, field)) is not None}
    clips = [_clip(reader, columns, number, row) for number, row in _rows(reader, raw, columns)]
    return reading_of(reader, raw, clips, (reader.table,))


def _rows(reader: AudioTableReader, raw: Path, columns: Mapping[str, str]) -> Iterator[tuple[int, dict[str, str]]]:
    with open_raw(raw, reader.table, "table") as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
        try:
            table = csv.DictReader(text, delimiter=reader.separator, restval="")
            header = [*(table.fieldnames or ())]
            _require(header, columns)
            yield from enumerate(table, start=1)
        except (UnicodeDecodeError, csv.Error) as error:
            raise DataError(mismatch(reader.table, "", "a text table", error, "is it the right file?")) from None


def _require(header: list[str], columns: Mapping[str, str]) -> None:
    expected = f"one of the columns {', '.join(header) or 'none'}"
    problems = [
        mismatch("data.reader", field, expected, f"`{column}`", "correct the name, or `separator`")
        for field, column in columns.items()
        if column not in header
    ]
    if problems:
        raise DataError("\n".join(problems))


def _clip(reader: AudioTableReader, columns: Mapping[str, str], number: int, row: Mapping[str, str]) -> ListedClip:
    told = {field: (row[column] or "").strip() for field, column in columns.items()}
    path, problem = path_beside(reader.table, told["path"])
    name = f"{reader.table}:{number:07d}"
    try:
        start, end = (_seconds(told.get(field, "")) for field in ("start", "end"))
    except ValueError as error:
        return ListedClip(name, path, told["label"], problem=f"expected seconds, got `{error}`")
    part = PARTS.get(told.get("split", "").lower())
    if reader.split and part is None:
        problem = f"expected `train`, `validation` or `test` in column `{reader.split}`, got `{told['split']}`"
    return ListedClip(name, path, told["label"], start, end, told.get("speaker", ""), part, problem)


def _seconds(text: str) -> float | None:
    """Returns a number of seconds; None for nothing."""
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        raise ValueError(text) from None
    if not isfinite(seconds):
        raise ValueError(text)
    return seconds
