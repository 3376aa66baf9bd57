"""Pictures with the texts of YOLO: the number of a class, then a box or a polygon, in parts of the picture."""

from collections.abc import Mapping, Set
from pathlib import Path, PurePosixPath

from params.pictures.boxes import YoloBoxesReader
from tasks.core.errors import DataError, mismatch
from tasks.data.readers.boxes.annotations import (
    NO_PARTNER,
    AnnotatedPicture,
    Annotations,
    BadAnnotationError,
    DrawnBox,
    around,
    corners_of,
    numbers,
)
from tasks.data.readers.boxes.pictures import opened
from tasks.data.readers.boxes.places import LIST, count_other_files, lists_of, pictures_of
from tasks.data.readers.image_masks.packed import NamedFiles
from tasks.data.readers.samples import Reading
from tasks.data.readers.yolo_boxes.class_names import OF_NAMES, class_names, in_another_order

IMAGES, LABELS = "images", "labels"
BOX, POLYGON = 5, 7
"""numbers in a line"""
FAR = 1.0
"""parts of a picture beyond its edges: what lies further out is in pixels"""
Names = Mapping[int, str]


def read(reader: YoloBoxesReader, raw: Path) -> Reading:
    """Opens a tar of pictures and texts.

    Raises:
        DataError: a file that the recipe names is missing, a part has no picture, or no picture has a text.
    """
    return opened(reader, raw, annotations)


def annotations(reader: YoloBoxesReader, files: NamedFiles) -> Annotations:
    """Returns what the texts tell; raises as `read`."""
    names = class_names(reader, files)
    found = pictures_of(reader, files)
    texts = {one.file: _text_of(reader, one.file) for one in found.pictures if not one.problem}
    _require_some(texts, files)
    for one in found.pictures:
        one.relative = True
        if one.file in texts:
            _annotate(one, texts[one.file], names, files)
    found.warnings += in_another_order(reader, names, files)
    found.names = tuple(dict.fromkeys(names.values()))
    used = {*texts.values(), *lists_of(reader), reader.names or ""}
    folders = {str(PurePosixPath(text).parent) for text in texts.values()}
    left = {name for name in files.places if _is_text_in(folders, name)} - used
    found.dropped[NO_PARTNER] += len(left)
    count_other_files(found, files.places, used | left)
    return found


def _text_of(reader: YoloBoxesReader, picture: str) -> str:
    """Returns the name that the text of a picture has, where there is one."""
    text = PurePosixPath(picture).with_suffix(LIST)
    if reader.labels is not None:
        return str(PurePosixPath(reader.labels, text.relative_to(reader.images or ".")))
    parts = list(text.parts)
    folders = [place for place, part in enumerate(parts[:-1]) if part == IMAGES]
    if folders:
        parts[folders[-1]] = LABELS
    return str(PurePosixPath(*parts))


def _is_text_in(folders: Set[str], name: str) -> bool:
    path = PurePosixPath(name)
    return path.suffix == LIST and path.name not in OF_NAMES and str(path.parent) in folders


def _require_some(texts: Mapping[str, str], pack: NamedFiles) -> None:
    """Refuses a source where no picture has a text: then they are looked for in the wrong place."""
    if texts and not any(text in pack.places for text in texts.values()):
        picture, text = next(iter(texts.items()))
        expected = f"texts of pictures, such as `{text}` for `{picture}`"
        do = "say in `data.reader.labels` in which folder they are"
        raise DataError(mismatch("data.reader", "labels", expected, f"none for {len(texts)} pictures", do))


def _annotate(one: AnnotatedPicture, text: str, names: Names, pack: NamedFiles) -> None:
    if text not in pack.places:
        return
    try:
        lines = pack.file(text).read().decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        one.problem = f"`{text}`: expected a text in UTF-8, got other bytes"
        return
    for number, line in enumerate(lines, start=1):
        try:
            one.boxes += [_box(line.split(), names)] if line.strip() else []
        except BadAnnotationError as error:
            one.problem = f"`{text}`: line {number}: {error}"
            return


def _box(fields: list[str], names: Names) -> DrawnBox:
    values = numbers(fields, "numbers: a class, then a box or a polygon")
    if len(values) != BOX and (len(values) < POLYGON or len(values) % 2 == 0):
        expected = "5 numbers (class, middle, width, height), or a class and the corners of a polygon"
        hint = "; is the last one a score?" if len(values) == BOX + 1 else ""
        raise BadAnnotationError(f"expected {expected}, got {len(values)}{hint}")
    number, *places = values
    if number not in names:
        raise BadAnnotationError(f"expected the number of a class ({_shown(names)}), got {fields[0]}")
    if far := [value for value in places if not -FAR <= value <= 1 + FAR]:
        raise BadAnnotationError(f"expected parts of the picture from 0 to 1, got {far[0]:g}; is it in pixels?")
    if len(values) > BOX:
        return DrawnBox(names[int(number)], around(zip(places[::2], places[1::2], strict=True)))
    x, y, width, height = places
    return DrawnBox(names[int(number)], corners_of(x - width / 2, y - height / 2, width, height))


def _shown(names: Names) -> str:
    return ", ".join(f"{number} {name}" for number, name in [*names.items()][:12])
