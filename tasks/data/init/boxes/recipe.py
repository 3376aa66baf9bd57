"""A first recipe for pictures with boxes: the form of the annotations, a size, and tiles where things are small."""

import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from params.pictures.boxes import PICTURE, BoxReader
from params.readers import Reader
from tasks.core.errors import DataError, mismatch, printable
from tasks.data.init.boxes.coco import JSON, coco_form
from tasks.data.init.boxes.parts import FolderFiles, FoundForm
from tasks.data.init.boxes.table import table_form
from tasks.data.init.boxes.voc import voc_form
from tasks.data.init.boxes.yolo import yolo_form
from tasks.data.init.templates import ARRIVALS, HEAD, OFFICIAL, SPLIT, TAIL, quoted
from tasks.data.init.understanding import Understanding
from tasks.data.readers.boxes.pictures import SettledPictures, settled
from tasks.data.readers.boxes.places import LIST
from tasks.data.readers.picture import is_picture
from tasks.data.readers.yolo_boxes.class_names import OF_NAMES, YAML
from tasks.data.sources.own import require_given
from tasks.data.sources.walk import FILE, FOLDER

LONGEST, STEP = 320, 16
"""pixels of the longer side that a laptop trains on, and of which both sides are multiples"""
LOOKED_AT = 2_000
"""pictures whose headers are read"""
SMALL, SEEN = 12, 24
"""pixels of the prepared picture: things that are smaller are cut out larger, so that most are about so large"""
TABLES = (".csv", ".tsv")
HEADINGS = ("class", "boxes", "pictures", "median side")
GROUPED = f"""\
  split:
    kind: grouped              # tiles of one picture stay together
    by: {PICTURE}
    validation: 0.2            # chooses
    test: 0.2                  # judges, once
    seed: 0
{ARRIVALS}"""
_MODELS = """
teacher:
  architecture: {kind: resnet, widths: [32, 64, 128, 128], blocks: 1, stem_stride: 2}
  training:
    epochs: 60
    batch_size: 8
    learning_rate: 0.002
    augment: {steps: [{kind: flip}, {kind: crop, smallest: 0.6}]}

student:
  architecture: {kind: separable, widths: [16, 24, 48, 96], blocks: [1, 2, 4]}
  training:
    epochs: 120
    batch_size: 8
    learning_rate: 0.003
    augment: {views: 8, steps: [{kind: flip}, {kind: crop, smallest: 0.6}]}
"""


@dataclass(frozen=True)
class _Scale:
    """The size that pictures become, and the tiles that they are cut into, where they are."""

    size: list[int]
    tile: dict[str, Any] | None


def common_root(images: Path, boxes: Path) -> Path:
    """Returns the folder that has pictures and annotations in it, and lists of a split beside them."""
    folder = boxes if boxes.is_dir() else boxes.parent
    return Path(os.path.commonpath([path.expanduser().absolute() for path in (images, folder)]))


def understand(name: str, source: str, images: Path, boxes: Path, root: Path) -> Understanding:
    """Returns a recipe for pictures and boxes below one folder.

    Args:
        name: of the recipe.
        source: how the recipe names that folder.
        images: the folder of the pictures.
        boxes: the file or folder of the annotations.
        root: the folder that has both in it.

    Raises:
        DataError: no such folder, no annotations in a known form, or none of these pictures.
    """
    require_given(images, "--images", "a folder of pictures", FOLDER)
    require_given(boxes, "--boxes", "a file or folder of annotations", FILE, FOLDER)
    files = FolderFiles.below(root)
    form = _form(files, _below(images, root), _below(boxes, root), boxes.is_dir())
    reader = TypeAdapter[Any](Reader).validate_python({**form.fields, "size": [STEP, STEP]})
    found = _looked(reader, files)
    form.fields.setdefault("classes", [name for name, some in _sides(found).items() if some])
    scale = _scale(found)
    text = _recipe(name, source, form, scale)
    return Understanding(text, HEADINGS, tuple(_rows(found)), tuple(_notes(form, found, scale, reader)))


def _below(path: Path, root: Path) -> str:
    found = path.expanduser().absolute().relative_to(root.absolute()).as_posix()
    return "" if found == "." else found


def _form(files: FolderFiles, images: str, boxes: str, folder: bool) -> FoundForm:
    """Returns the form of the annotations, by what the files are called.

    Raises:
        DataError: they are of none that is known.
    """
    start = f"{boxes}/" if boxes else ""
    names = [name for name in files.places if name.startswith(start)] if folder else [boxes]
    by_suffix = {suffix: [name for name in names if name.lower().endswith(suffix)] for suffix in _SUFFIXES}
    if by_suffix[".xml"]:
        return voc_form(files, images, boxes)
    if by_suffix[JSON]:
        return coco_form(files, by_suffix[JSON], images)
    if yaml := [name for suffix in YAML for name in by_suffix[suffix]]:
        labels = boxes if folder else str(PurePosixPath(boxes).parent).removeprefix(".")
        return yolo_form(files, images, labels, yaml[0])
    texts = [name for name in by_suffix[LIST] if PurePosixPath(name).name not in OF_NAMES]
    if folder and texts:
        return yolo_form(files, images, boxes, None)
    if len(tables := [name for suffix in TABLES for name in by_suffix[suffix]] or texts) == 1:
        return table_form(files, tables[0], images)
    counts = Counter(PurePosixPath(name).suffix or "no suffix" for name in names)
    got = ", ".join(f"{count} `{suffix}`" for suffix, count in counts.most_common(5)) or "no files"
    expected = "annotations: COCO (.json), YOLO (.txt, data.yaml), Pascal VOC (.xml) or one table (.csv)"
    raise DataError(mismatch(printable(boxes or "--boxes"), "", expected, got, "give the file or folder that has them"))


_SUFFIXES = (".xml", JSON, LIST, *YAML, *TABLES)


def _looked(reader: BoxReader, files: FolderFiles) -> SettledPictures:
    """Returns what the reader of the recipe makes of the annotations.

    Raises:
        DataError: not one of the pictures can be used.
    """
    annotations = import_module(f"tasks.data.readers.{reader.kind}").annotations(reader, files)
    found = settled(reader, files, annotations, LOOKED_AT)
    if not any(one.boxes is not None for one in found.pictures):
        problem = next((one.problem for one in found.pictures), "no picture has annotations")
        many = sum(map(is_picture, files.places))
        expected = "pictures with annotations"
        raise DataError(mismatch("--images", "", expected, f"none of {many:,} ({problem})", "correct the paths"))
    return found


def _sides(found: SettledPictures) -> "dict[str, list[float]]":
    """Returns class -> the geometric mean of the sides of each of its boxes, in pixels of the pictures."""
    sides: dict[str, list[float]] = {name: [] for name in found.names}
    for one in found.pictures:
        if one.boxes is not None:
            lengths = one.boxes.corners[:, 2:] - one.boxes.corners[:, :2]
            for name, (width, height) in zip(one.boxes.names, lengths.tolist(), strict=True):
                sides[name].append(float(np.sqrt(width * height)))
    return sides


def _scale(found: SettledPictures) -> _Scale:
    """Returns a size like that of most pictures, at most `LONGEST`; or tiles, where most things would be too small."""
    height, width = np.median([one.size for one in found.pictures if one.size], axis=0).tolist()
    scale = min(1.0, LONGEST / max(height, width))
    sides = [side for some in _sides(found).values() for side in some]
    if not sides or max(height, width) < 2 * LONGEST or np.median(sides) * scale >= SMALL:
        return _Scale([max(STEP, round(side * scale / STEP) * STEP) for side in (height, width)], None)
    tile = max(STEP, round(LONGEST * max(0.5, float(np.median(sides)) / SEEN) / STEP) * STEP)
    overlap = min(tile // 2, int(np.ceil(np.quantile(sides, 0.95))))
    return _Scale([LONGEST, LONGEST], {"size": [tile, tile], "overlap": overlap, "visible": 0.5})


def _recipe(name: str, source: str, form: FoundForm, scale: _Scale) -> str:
    head = HEAD.format(name=name, kind="folder", path=json.dumps(source))
    head = head.replace("data:\n", "data:\n  task: detection\n")
    tail = TAIL.format(candidates="[fp32, static_int8]").replace("accuracy: 0.5", "ap50: 0.3")
    tail = tail.replace("accuracy", "ap50").replace("temperature: 4", "temperature: 2")
    split = GROUPED if scale.tile else SPLIT
    if "splits" in form.fields or "split" in form.fields:
        split = OFFICIAL
    return head + "  reader:\n" + "".join(_fields(form, scale)) + split + _MODELS + tail


def _fields(form: FoundForm, scale: _Scale) -> Iterator[str]:
    for field, value in form.fields.items():
        if field == "classes" or (value == "" and form.fields["kind"] != "box_table"):
            continue
        if field == "splits":
            yield "    splits:\n" + "".join(f"      {part}: {_written(where)}\n" for part, where in value.items())
            continue
        line = f"    {field}: {value if field in ('kind', 'form', 'unit') else _written(value)}"
        comment = form.comments.get(field)
        yield f"{line:<31}# {comment}\n" if comment else f"{line}\n"
    yield f"    size: {scale.size}           # height, width in pixels; larger sees more and costs more\n"
    if scale.tile:
        yield f"    tile: {_written(scale.tile)}   # things are small: large pictures are cut, and joined again\n"
    yield f"    classes: {quoted(form.fields['classes'])}\n"


def _written(value: Any) -> str:
    """Returns a value as YAML in one line."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_written(one)}' for key, one in value.items())}}}"
    return quoted(value)


def _rows(found: SettledPictures) -> Iterator[tuple[str, ...]]:
    pictures = Counter(name for one in found.pictures if one.boxes is not None for name in {*one.boxes.names})
    for name, some in _sides(found).items():
        middle = f"{np.median(some):.0f} pixels" if some else ""
        yield name, f"{len(some):,}", f"{pictures[name]:,}", middle


def _notes(form: FoundForm, found: SettledPictures, scale: _Scale, reader: BoxReader) -> Iterator[str]:
    empty = sum(one.boxes is not None and not one.boxes.names for one in found.pictures)
    yield f"Form: {form.title}; {len(found.pictures):,} pictures looked at, {empty:,} of them without boxes."
    yield from form.notes
    # What is said of prepared pictures is not of those that the recipe makes.
    told = [warning for warning in found.warnings if "prepared pictures" not in warning]
    yield from (f"{warning[0].upper()}{warning[1:]}." for warning in told)
    without = [name for name, some in _sides(found).items() if not some and name not in form.fields["classes"]]
    if without:
        yield f"Named, but without a box, and left out of `classes`: {', '.join(without)}."
    for reason, count in found.dropped.items():
        yield f"Left out: {count:,} {reason}."
    bad = [one for one in found.pictures if one.boxes is None]
    yield from _told(bad)
    if scale.tile:
        tile = scale.tile["size"][0]
        yield f"Things are small in large pictures: they are cut into tiles of {tile} pixels, and answers joined."
    drawn = "drawn by picture" if scale.tile else "drawn by content"
    yield f"Split: {'as published' if reader.published else f'{drawn}, 20 % to choose and 20 % to judge'}."


def _told(bad: Sequence[Any]) -> Iterator[str]:
    if bad:
        first = f"`{bad[0].source.id}`: {bad[0].problem}"
        yield f"{len(bad):,} pictures cannot be used, and stop the run unless `arrivals` leaves them out: {first}."
