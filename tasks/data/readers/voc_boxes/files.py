"""Pictures with XML files of Pascal VOC: which file is whose, and the boxes in it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from xml.etree.ElementTree import Element

from params.pictures.boxes import VocBoxesReader
from tasks.core.errors import DataError, mismatch
from tasks.data.readers.boxes.annotations import (
    NO_PARTNER,
    UNLISTED,
    AnnotatedPicture,
    Annotations,
    BadAnnotationError,
    Corners,
    DrawnBox,
    numbers,
)
from tasks.data.readers.boxes.pictures import opened
from tasks.data.readers.boxes.places import PicturePlaces, count_other_files, lists_of, pictures_of
from tasks.data.readers.image_masks.packed import NamedFiles
from tasks.data.readers.samples import Reading
from tasks.data.readers.voc_boxes.xml import parsed

XML = ".xml"
_EDGES = ("xmin", "ymin", "xmax", "ymax")


@dataclass(frozen=True, slots=True)
class VocFile:
    """What an XML file tells of its picture, or what is wrong with it."""

    filename: str = ""
    said: tuple[int, int] | None = None
    """(height, width)"""
    boxes: Sequence[DrawnBox] = ()
    problem: str = ""


def read(reader: VocBoxesReader, raw: Path) -> Reading:
    """Opens a tar of pictures and XML files.

    A picture that a list of the split names and that has no file is a bad sample; where there are no lists, it is left
    out and counted.

    Raises:
        DataError: a list is missing, or a part of the split has no picture, or there are no XML files.
    """
    return opened(reader, raw, annotations)


def annotations(reader: VocBoxesReader, files: NamedFiles) -> Annotations:
    """Returns what the XML files tell; raises as `read`."""
    found = pictures_of(reader, files)
    contents = _contents(reader, files)
    owners = _owners(reader, contents, [one.file for one in found.pictures if not one.problem])
    for one in found.pictures:
        if name := owners.get(one.file):
            _annotate(one, name, contents[name])
    _without_file(reader, found, owners)
    # Where lists say which pictures there are, the files of others are no mistake.
    found.dropped[NO_PARTNER] += 0 if lists_of(reader) else len(contents) - len(owners)
    count_other_files(found, files.places, {*contents, *lists_of(reader)})
    return found


def _without_file(reader: VocBoxesReader, found: Annotations, owners: Mapping[str, str]) -> None:
    """Leaves out pictures without XML, and counts them; where a list names them, they are bad samples."""
    if lists_of(reader):
        for one in found.pictures:
            if one.file not in owners and not one.problem:
                one.problem = f"expected its file `{PurePosixPath(one.file).stem}{XML}`, got no such file"
        return
    having = [one for one in found.pictures if one.file in owners]
    found.dropped[UNLISTED] += len(found.pictures) - len(having)
    found.pictures = having


def _annotate(one: AnnotatedPicture, name: str, content: VocFile) -> None:
    one.boxes, one.said = [*content.boxes], content.said
    one.problem = f"`{name}`: {content.problem}" if content.problem else ""


def _contents(reader: VocBoxesReader, pack: NamedFiles) -> dict[str, VocFile]:
    """Returns what is in each XML file.

    Raises:
        DataError: there are none.
    """
    start = f"{reader.annotations.rstrip('/')}/" if reader.annotations else ""
    names = [name for name in pack.places if name.startswith(start) and name.lower().endswith(XML)]
    if not names:
        expected = f"XML files in `{reader.annotations or 'the source'}`"
        raise DataError(mismatch("data.reader", "annotations", expected, "none", "correct the folder"))
    return {name: _content(pack.file(name).read(), reader.first_pixel) for name in sorted(names)}


def _content(content: bytes, first: int) -> VocFile:
    try:
        tree = parsed(content)
        boxes = [_box(element, first) for element in tree.findall("object")]
        return VocFile((tree.findtext("filename") or "").strip(), _size(tree), boxes)
    except BadAnnotationError as error:
        return VocFile(problem=str(error))


def _owners(reader: VocBoxesReader, found: Mapping[str, VocFile], pictures: Iterable[str]) -> dict[str, str]:
    """Returns picture -> its XML file: the one of its name, or else the one that names it."""
    places = PicturePlaces.below(reader.images, pictures)
    start = f"{reader.annotations.rstrip('/')}/" if reader.annotations else ""
    by_path = {str(PurePosixPath(name.removeprefix(start)).with_suffix("")): name for name in found}
    owners = {}
    for picture in places.files.values():
        if name := by_path.get(str(PurePosixPath(places.path(picture)).with_suffix(""))):
            owners[picture] = name
    for name in sorted(found.keys() - {*owners.values()}):
        said = places.find(found[name].filename)
        if said and said not in owners:
            owners[said] = name
    return owners


def _size(tree: Element) -> tuple[int, int] | None:
    try:
        height, width = numbers([tree.findtext(f"size/{side}") for side in ("height", "width")], "two numbers")
    except BadAnnotationError:
        return None
    return int(height), int(width)


def _box(element: Element, first: int) -> DrawnBox:
    name = (element.findtext("name") or "").strip()
    if not name:
        raise BadAnnotationError("expected a `<name>` in every `<object>`, got none")
    ends = [element.findtext(f"bndbox/{edge}") for edge in _EDGES]
    difficult = (element.findtext("difficult") or "").strip() == "1"
    return DrawnBox(name, _corners(numbers(ends, f"numbers in `<bndbox>` of `{name}`"), first), difficult)


def _corners(ends: list[float], first: int) -> Corners:
    """Returns the edges of a box: its last pixel is inside, so only the first ones move where pixel 1 is first."""
    left, top, right, bottom = ends
    if left == right or top == bottom:  # a slip of the mouse, and no box of one pixel
        return left, top, right, bottom
    return left - first, top - first, right, bottom
