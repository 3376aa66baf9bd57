"""Pictures of COCO files, each with a mask drawn from its annotations.

Annotations are drawn in the order of the file, a later one over an earlier one. Crowds are of no class: nothing says
which of their pixels are the object. A picture without annotations shows background.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from params.readers import MASK, CocoMasksReader
from tasks.core.errors import DataError, mismatch
from tasks.data.readers.coco_masks.regions import BadRegionError, region_of
from tasks.data.readers.image_masks.packed import OpenPack, PackedFiles
from tasks.data.readers.image_masks.values import IGNORED, Mask, nearest, picture_size
from tasks.data.readers.picture import format_of, read_picture
from tasks.data.readers.raw import packed_files
from tasks.data.readers.samples import Part, Reading, Sample

OTHERS = "annotations of categories that `classes` does not name"


@dataclass(frozen=True, slots=True)
class CocoPicture:
    """A picture of the source, and its annotations: (number of the class, whether it is a crowd, where it is)."""

    name: str
    part: Part | None
    objects: tuple[tuple[int, bool, Any], ...]


def read(reader: CocoMasksReader, raw: Path) -> Reading:
    """Opens a tar of pictures and COCO files.

    Raises:
        DataError: a COCO file is missing or is none, or does not know a class; all of these at once.
    """
    files = PackedFiles.of(packed_files(raw, reader.kind))
    found: list[CocoPicture] = []
    dropped: Counter[str] = Counter()
    with files.opened() as pack:
        for part, where in reader.parts.items():
            pictures, others = _pictures(reader, _content(pack, where.annotations), where.images, part)
            found += pictures
            dropped[OTHERS] += others
    return Reading(
        "image",
        partial(_samples, reader, files, sorted(found, key=lambda one: one.name)),
        reader.declared,
        preprocessing=format_of(reader).facts(),
        dropped=+dropped,
    )


def _content(pack: OpenPack, name: str) -> Mapping[str, Any]:
    if name not in pack.places:
        known = [one for one in pack.places if one.endswith(".json")][:5]
        got = f"`{name}`; there are {', '.join(known) or 'no files .json'}"
        raise DataError(mismatch("data.reader", "annotations", "a COCO file of the source", got, "correct it"))
    try:
        content = json.load(pack.file(name))
        if all(isinstance(content[key], list) for key in ("images", "annotations", "categories")):
            found: Mapping[str, Any] = content
            return found
        got = "others"
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        got = f"{type(error).__name__} ({error})"
    expected = "JSON with lists `images`, `annotations` and `categories`"
    raise DataError(mismatch(name, "", expected, got, "give a COCO file of objects"))


def _pictures(
    reader: CocoMasksReader, content: Mapping[str, Any], folder: str, part: Part | None
) -> tuple[list[CocoPicture], int]:
    """Returns the pictures of a COCO file, and how many annotations are of none of the classes."""
    # Ids begin where they like, skip numbers, and may be texts: they are compared as they are written.
    names = {str(one["id"]): str(one["name"]) for one in content["categories"]}
    if missing := [name for name in reader.classes if name not in names.values()]:
        got = ", ".join(f"`{name}`" for name in missing)
        known = ", ".join(f"`{name}`" for name in list(names.values())[:12])
        do = "correct `data.reader.classes`"
        raise DataError(mismatch("data.reader", "classes", f"categories of the file: {known}", got, do))
    number = {key: reader.names.index(name) for key, name in names.items() if name in reader.classes}
    objects: dict[str, list[tuple[int, bool, Any]]] = defaultdict(list)
    others = 0
    for one in content["annotations"]:
        place = number.get(str(one.get("category_id")))
        others += place is None
        if place is not None:
            crowd = bool(one.get("iscrowd", 0))
            objects[str(one["image_id"])].append((place, crowd, one.get("segmentation")))
    pictures = [
        CocoPicture(_path(folder, str(one["file_name"])), part, tuple(objects[str(one["id"])]))
        for one in content["images"]
    ]
    return pictures, others


def _path(folder: str, name: str) -> str:
    return str(PurePosixPath(folder, name.replace("\\", "/")))


def _samples(reader: CocoMasksReader, files: PackedFiles, pictures: list[CocoPicture]) -> Iterator[Sample]:
    with files.opened() as pack:
        for picture in pictures:
            yield _sample(reader, pack, picture)


def _sample(reader: CocoMasksReader, pack: OpenPack, picture: CocoPicture) -> Sample:
    if picture.name not in pack.places:
        return Sample(picture.name, part=picture.part, problem="expected the picture in the source, got no such file")
    values, problem = read_picture(pack.file(picture.name), reader)
    if problem:
        return Sample(picture.name, part=picture.part, problem=problem)
    try:
        mask = drawn(picture, picture_size(pack.file(picture.name)))
    except BadRegionError as error:
        return Sample(picture.name, part=picture.part, problem=f"annotation: {error}")
    height, width = reader.size
    return Sample(picture.name, {MASK: nearest(mask, (height, width))}, values, picture.part)


def drawn(picture: CocoPicture, size: tuple[int, int]) -> Mask:
    """Returns the mask of a picture; 0 is background.

    Raises:
        BadRegionError: an annotation says no region of a picture of this size.
    """
    mask = np.zeros(size, dtype=np.uint8)
    for number, crowd, segmentation in picture.objects:
        mask[region_of(segmentation, size)] = IGNORED if crowd else number
    return mask
