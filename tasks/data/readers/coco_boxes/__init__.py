"""Pictures of COCO files with the boxes of their annotations; the masks in them are not looked at."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from params.pictures.boxes import CocoBoxesReader
from params.pictures.coco import CocoFiles
from params.section import Part
from tasks.data.readers.boxes.annotations import (
    LISTED_TWICE,
    AnnotatedPicture,
    Annotations,
    BadAnnotationError,
    Corners,
    DrawnBox,
    around,
    corners_of,
    identity,
    numbers,
    some,
)
from tasks.data.readers.boxes.pictures import opened
from tasks.data.readers.boxes.places import PicturePlaces, count_other_files, leave_out_others
from tasks.data.readers.coco.file import ASTRAY, CocoFile, Entry, path_of
from tasks.data.readers.image_masks.packed import NamedFiles
from tasks.data.readers.samples import Reading


def read(reader: CocoBoxesReader, raw: Path) -> Reading:
    """Opens a tar of pictures and COCO files.

    Raises:
        DataError: a COCO file is missing or is none, does not know a class, or tells of two pictures with one id.
    """
    return opened(reader, raw, annotations)


def annotations(reader: CocoBoxesReader, files: NamedFiles) -> Annotations:
    """Returns what the COCO files tell; raises as `read`."""
    found, names = Annotations(), set[str]()
    for part, where in reader.parts.items():
        file = CocoFile.opened(files, where.annotations)
        _take(found, file, where, part, files)
        names |= {*file.categories.values()}
    found.names = tuple(sorted(names))
    leave_out_others(found, files.places)
    count_other_files(found, files.places, [where.annotations for where in reader.parts.values()])
    return found


def _take(found: Annotations, file: CocoFile, where: CocoFiles, part: Part | None, pack: NamedFiles) -> None:
    """Takes in what a file tells."""
    places, listed = PicturePlaces.below(where.images, pack.places), dict[str, AnnotatedPicture]()
    file.require_own_ids()
    for image in file.images:
        one = _picture(file, image, places, where, part)
        found.dropped[LISTED_TWICE] += one.id in listed
        listed[one.id] = one
    found.pictures += listed.values()
    found.dropped[ASTRAY] += file.astray
    twice = Counter(str(one["id"]) for one in _all(file) if "id" in one)
    if repeated := [key for key, count in twice.items() if count > 1]:
        told = f"`{file.name}`: {len(repeated):,} ids of annotations are there twice ({some(repeated)})"
        found.warnings.append(f"{told}; both are read, unless they are equal")


def _all(file: CocoFile) -> Iterator[Entry]:
    return (one for some in file.annotations.values() for one in some)


def _picture(
    file: CocoFile, image: Entry, places: PicturePlaces, where: CocoFiles, part: Part | None
) -> AnnotatedPicture:
    name = places.find(image["file_name"]) or path_of(where.images, image["file_name"])
    one = AnnotatedPicture(identity(part, places.path(name)), name, part, said=_size(image))
    try:
        one.boxes = [_box(file, annotation) for annotation in file.annotations.get(image["id"], ())]
    except BadAnnotationError as error:
        one.problem = f"annotation: {error}"
    return one


def _size(image: Entry) -> tuple[int, int] | None:
    match image:
        case {"height": int(height), "width": int(width)}:
            return height, width
        case _:
            return None


def _box(file: CocoFile, annotation: Entry) -> DrawnBox:
    category = str(annotation.get("category_id"))
    if category not in file.categories:
        known = ", ".join([*file.categories][:12])
        raise BadAnnotationError(f"expected `category_id` among {known}, got {category}")
    return DrawnBox(file.categories[category], _corners(annotation), bool(annotation.get("iscrowd", 0)))


def _corners(annotation: Entry) -> Corners:
    match annotation:
        case {"bbox": [left, top, width, height]}:
            return corners_of(*numbers([left, top, width, height], "`bbox` of four numbers"))
        case {"bbox": [_, *_] as box}:
            raise BadAnnotationError(f"expected `bbox` of x, y, width and height, got {len(box)} numbers")
        case {"segmentation": [[_, *_], *_] as polygons}:
            values = numbers([value for polygon in polygons for value in polygon], "numbers in `segmentation`")
            return around(zip(values[::2], values[1::2], strict=False))
        case _:
            raise BadAnnotationError("expected `bbox`, or polygons in `segmentation`, got neither")
