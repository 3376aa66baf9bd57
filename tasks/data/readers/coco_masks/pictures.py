"""Pictures of COCO files, each with a mask drawn from its annotations.

Annotations are drawn in the order of the file, a later one over an earlier one. Crowds are of no class: nothing says
which of their pixels are the object. A picture without annotations shows background.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from params.readers import MASK, CocoMasksReader
from params.section import Part
from tasks.data.readers.coco.file import ASTRAY, CocoFile, path_of
from tasks.data.readers.coco_masks.regions import BadRegionError, region_of
from tasks.data.readers.image_masks.packed import OpenPack, PackedFiles
from tasks.data.readers.image_masks.values import IGNORED, Mask, nearest
from tasks.data.readers.picture import NO_PICTURE, format_of, is_picture, picture_size, read_picture
from tasks.data.readers.raw import packed_files
from tasks.data.readers.samples import Reading, Sample

OTHERS = "annotations of categories that `classes` does not name"
UNLISTED, LISTED_TWICE = "pictures that no COCO file lists", "pictures that are listed twice"


@dataclass(frozen=True, slots=True)
class CocoPicture:
    """A picture of the source, and its annotations: (number of the class, whether it is a crowd, where it is)."""

    name: str
    part: Part | None
    objects: tuple[tuple[int, bool, Any], ...]


def read(reader: CocoMasksReader, raw: Path) -> Reading:
    """Opens a tar of pictures and COCO files.

    Raises:
        DataError: a COCO file is missing or is none, does not know a class, or tells of two pictures with one id.
    """
    files = PackedFiles.of(packed_files(raw, reader.kind))
    found: list[CocoPicture] = []
    dropped: Counter[str] = Counter()
    with files.opened() as pack:
        for part, where in reader.parts.items():
            file = CocoFile.opened(pack, where.annotations)
            pictures, others = _pictures(reader, file, where.images, part)
            found += pictures
            dropped[OTHERS] += others
            dropped[ASTRAY] += file.astray
            dropped[LISTED_TWICE] += len(file.images) - len(pictures)
    listed, used = {one.name for one in found}, {where.annotations for where in reader.parts.values()}
    for name in files.places.keys() - listed - used:
        dropped[UNLISTED if is_picture(name) else NO_PICTURE] += 1
    return Reading(
        "image",
        partial(_samples, reader, files, sorted(found, key=lambda one: one.name)),
        reader.declared,
        preprocessing=format_of(reader).facts(),
        dropped=dict(sorted((+dropped).items())),
    )


def _pictures(reader: CocoMasksReader, file: CocoFile, folder: str, part: Part | None) -> tuple[list[CocoPicture], int]:
    """Returns the pictures of a COCO file, and how many annotations are of none of the classes.

    A picture that is listed twice has the annotations of both.
    """
    file.require(reader.classes)
    file.require_own_ids()
    number = {key: reader.names.index(name) for key, name in file.categories.items() if name in reader.classes}
    objects = {
        picture: tuple(
            (number[key], bool(one.get("iscrowd", 0)), one.get("segmentation"))
            for one in annotations
            if (key := str(one.get("category_id"))) in number
        )
        for picture, annotations in file.annotations.items()
    }
    pictures: dict[str, CocoPicture] = {}
    for image in file.images:
        name = path_of(folder, image["file_name"])
        before = pictures[name].objects if name in pictures else ()
        pictures[name] = CocoPicture(name, part, (*before, *objects.get(image["id"], ())))
    return [*pictures.values()], sum(map(len, file.annotations.values())) - sum(map(len, objects.values()))


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
