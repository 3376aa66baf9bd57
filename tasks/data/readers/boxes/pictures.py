"""Annotated pictures become samples: resized or cut into tiles, with their boxes in pixels of what was made of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from params.pictures.boxes import BOXES, PICTURE, BoxReader
from tasks.core.errors import DataError, mismatch
from tasks.data.readers import picture
from tasks.data.readers.boxes.annotations import OTHERS, AnnotatedPicture, Annotations, DrawnBox, some
from tasks.data.readers.boxes.settled import LEAST, BoxFates, Doubles, SettledBoxes
from tasks.data.readers.image_masks.packed import NamedFiles, OpenPack, PackedFiles
from tasks.data.readers.raw import packed_files, quiet_pillow
from tasks.data.readers.samples import Reading, Sample
from tasks.kinds.contract import Raw
from tasks.runtime.preprocess.frames.frame import Frame
from tasks.runtime.preprocess.frames.tiles import TileRule
from tasks.runtime.preprocess.picture_format import PictureFormat, UnreadablePictureError

R = TypeVar("R", bound=BoxReader)
MISSING = "expected the picture in the source, got no such file"
TINY = 2.0
"""pixels of a prepared picture: a box that is less high or wide can hardly be seen in it"""


@dataclass(frozen=True, slots=True)
class SettledPicture:
    """A picture whose boxes are settled, or what is wrong with it."""

    source: AnnotatedPicture
    size: tuple[int, int] | None = None
    """(height, width) of the upright picture"""
    boxes: SettledBoxes | None = None
    problem: str = ""


@dataclass(frozen=True)
class SettledPictures:
    """All pictures, the classes in their order, what was left out, and what a person should know."""

    pictures: Sequence[SettledPicture]
    names: tuple[str, ...]
    dropped: Mapping[str, int]
    warnings: tuple[str, ...]


def opened(reader: R, raw: Path, annotations: Callable[[R, NamedFiles], Annotations]) -> Reading:
    """Opens a tar of pictures and annotations; the headers of pictures are read to know their sizes.

    Args:
        reader: of the recipe.
        raw: the folder of the tar.
        annotations: returns what is said of the pictures.

    Raises:
        DataError: a picture is in two parts of a split, or the recipe names classes that are not there.
    """
    files = PackedFiles.of(packed_files(raw, reader.kind))
    with files.opened() as pack:
        found = settled(reader, pack, annotations(reader, pack))
    return Reading(
        "image",
        partial(_samples, reader, files, found.pictures),
        {BOXES: {**reader.declared[BOXES], "names": found.names}},
        preprocessing=format_of(reader).facts(),
        slices=reader.columns_kept,
        dropped=found.dropped,
        warnings=found.warnings,
    )


def settled(reader: BoxReader, files: NamedFiles, found: Annotations, most: int | None = None) -> SettledPictures:
    """Returns pictures with the boxes that stay; raises as `opened`.

    Args:
        reader: of the recipe.
        files: the pictures.
        found: what is said of them.
        most: so many pictures at most, spread over all.
    """
    _require_apart(found.pictures)
    _merge(reader, found)
    names = _class_names(reader, found)
    if reader.classes:
        found.dropped[OTHERS] += _without_others(found.pictures, names)
    fates, step = BoxFates(), max(1, -(-len(found.pictures) // (most or len(found.pictures) or 1)))
    boxed = [_settled(one, files, fates) for one in sorted(found.pictures, key=lambda one: one.id)[::step]]
    dropped = dict(sorted((+found.dropped).items())) | fates.counts()
    return SettledPictures(boxed, names, dropped, (*found.warnings, *fates.warnings(), *_tiny(reader, boxed)))


def format_of(reader: BoxReader) -> PictureFormat:
    """Returns what the pictures of a reader become."""
    said = reader.tile
    tile = TileRule((said.size[0], said.size[1]), said.overlap) if said else None
    return replace(picture.format_of(reader), fit=reader.fit, tile=tile)


def _require_apart(pictures: Sequence[AnnotatedPicture]) -> None:
    """Refuses pictures that are in two parts of a split."""
    parts: dict[str, set[str]] = {}
    for one in (one for one in pictures if not one.problem):
        parts.setdefault(one.file, set()).add(str(one.part))
    if several := {file: names for file, names in parts.items() if len(names) > 1}:
        listed = some(f"{file} ({' and '.join(sorted(parts_of))})" for file, parts_of in several.items())
        got = f"{len(several)} in two: {listed}"
        do = "correct the lists or the files of annotations"
        raise DataError(mismatch("data.reader", "splits", "every picture in one part", got, do))


def _merge(reader: BoxReader, found: Annotations) -> None:
    """Gives boxes of several names the one that the recipe takes them for.

    Raises:
        DataError: no box has one of the names.
    """
    meant = {other: name for name, others in reader.merge.items() for other in others}
    known = {*found.names, *(box.name for one in found.pictures for box in one.boxes)}
    if strange := [other for other in meant if other not in known]:
        expected = f"names that the source has: {some((f'`{name}`' for name in sorted(known)), shown=12)}"
        raise DataError(mismatch("data.reader", "merge", expected, some(f"`{name}`" for name in strange), "correct it"))
    found.names = tuple(dict.fromkeys(meant.get(name, name) for name in found.names))
    for one in found.pictures if meant else ():
        one.boxes = [replace(box, name=meant.get(box.name, box.name)) for box in one.boxes]


def _class_names(reader: BoxReader, found: Annotations) -> tuple[str, ...]:
    """Returns the classes in their order: that of the recipe, or else of the alphabet."""
    drawn = {box.name for one in found.pictures for box in one.boxes}
    known = dict.fromkeys((*found.names, *sorted(drawn)))
    if missing := [name for name in reader.classes if name not in known]:
        expected = f"names that the source has: {', '.join(f'`{name}`' for name in [*known][:12])}"
        got = ", ".join(f"`{name}`" for name in missing)
        raise DataError(mismatch("data.reader", "classes", expected, got, "correct it"))
    return reader.classes or tuple(sorted(known))


def _without_others(pictures: Iterable[AnnotatedPicture], names: Sequence[str]) -> int:
    """Takes the boxes of other classes out, and returns how many there were."""
    others = 0
    for one in pictures:
        kept: list[DrawnBox] = [box for box in one.boxes if box.name in names]
        others += len(one.boxes) - len(kept)
        one.boxes = kept
    return others


def _settled(one: AnnotatedPicture, pack: NamedFiles, fates: BoxFates) -> SettledPicture:
    if one.problem or one.file not in pack.places:
        return SettledPicture(one, problem=one.problem or MISSING)
    try:
        size = picture.picture_size(pack.file(one.file))
    except UnreadablePictureError as error:
        return SettledPicture(one, problem=str(error))
    return SettledPicture(one, size, fates.settle(one, size))


def _samples(reader: BoxReader, files: PackedFiles, pictures: Sequence[SettledPicture]) -> Iterator[Sample]:
    with files.opened() as pack:
        for one in pictures:
            yield from _samples_of(reader, one, pack)


def _samples_of(reader: BoxReader, boxed: SettledPicture, pack: OpenPack) -> Iterator[Sample]:
    """Yields the sample of a picture, or one of each of its tiles."""
    one = boxed.source
    if boxed.boxes is None:
        yield Sample(one.id, part=one.part, problem=boxed.problem)
        return
    try:
        with quiet_pillow():
            values, frames = format_of(reader).samples(pack.file(one.file))
    except UnreadablePictureError as error:
        yield Sample(one.id, part=one.part, problem=str(error))
        return
    for value, frame in zip(values, frames, strict=True):
        place = ":{:05d},{:05d}".format(*frame.corner) if reader.tile else ""
        slices = (one.id,) if reader.tile else ()
        target = {**_target(reader, boxed.boxes, frame), **({PICTURE: one.id} if reader.tile else {})}
        yield Sample(f"{one.id}{place}", target, value, one.part, slices=slices)


def _target(reader: BoxReader, boxes: SettledBoxes, frame: Frame) -> Raw:
    """Returns the boxes of a frame; those of which a tile holds too little count nowhere in it."""
    (top, left), (height, width) = frame.corner, frame.size
    cut = np.clip(boxes.corners, (left, top, left, top), (left + width, top + height, left + width, top + height))
    stays = np.flatnonzero(((cut[:, 2:] - cut[:, :2]) >= LEAST).all(axis=1))
    visible = _areas(cut[stays]) / _areas(boxes.corners[stays])
    hidden = visible < reader.tile.visible if reader.tile else np.zeros(len(stays), dtype=np.bool_)
    return {
        BOXES: frame.inside(cut[stays]).astype(np.float32),
        "names": tuple(boxes.names[row] for row in stays),
        "ignored": boxes.ignored[stays] | hidden,
    }


def _areas(corners: Doubles) -> NDArray[np.float64]:
    areas: NDArray[np.float64] = np.prod(corners[:, 2:] - corners[:, :2], axis=1)
    return areas


def _tiny(reader: BoxReader, pictures: Sequence[SettledPicture]) -> Iterator[str]:
    """Yields in words how many boxes become too small to be seen."""
    format_, count, all_ = format_of(reader), 0, 0
    for one in pictures:
        if one.boxes is not None and one.size:
            sides = one.boxes.corners[:, 2:] - one.boxes.corners[:, :2]
            rows, columns = format_.frames(one.size)[0].scale
            count, all_ = count + int(((sides * (columns, rows)) < TINY).any(axis=1).sum()), all_ + len(sides)
    if count:
        do = "take a larger `size`" + ("" if reader.tile else ", or `tile`, to see them")
        yield f"{count:,} of {all_:,} boxes are less than {TINY:g} pixels high or wide in prepared pictures: {do}"
