"""XML of Pascal VOC: from which number pixels are counted, and which parts of a split there are."""

from collections.abc import Mapping
from pathlib import PurePosixPath

from params.pictures.boxes import VocBoxesReader
from params.section import Part
from tasks.data.init.boxes.parts import WORDS, FolderFiles, FoundForm, folders_of_parts
from tasks.data.readers.boxes.annotations import DrawnBox
from tasks.data.readers.boxes.places import LIST
from tasks.data.readers.picture import is_picture
from tasks.data.readers.voc_boxes import annotations

LISTS = "ImageSets/Main"
FROM_0 = "Pixels are counted from 0: some boxes begin there."
FROM_1 = "Pixels are counted from 1, as in Pascal VOC: no box begins at 0. If they are not, say `first_pixel: 0`."


def voc_form(files: FolderFiles, images: str, folder: str) -> FoundForm:
    """Returns the reader of XML files; raises as the reader does."""
    fields = {"kind": "voc_boxes", "images": images, "annotations": folder}
    form = FoundForm("Pascal VOC", fields).with_parts(_lists(files) or _folders(files, images, folder))
    first = _first_pixel(fields, files)
    form.fields["first_pixel"] = first
    form.comments["first_pixel"] = "the number of the first pixel"
    form.notes.append(FROM_1 if first else FROM_0)
    return form


def _lists(files: FolderFiles) -> dict[Part, str]:
    found: dict[Part, str] = {}
    for name in files.places:
        path = PurePosixPath(name)
        if path.suffix == LIST and path.parent.as_posix().endswith(LISTS) and path.stem in WORDS:
            found[WORDS[path.stem]] = name
    return found


def _folders(files: FolderFiles, images: str, folder: str) -> Mapping[Part, str]:
    """Returns the folders of a split, which pictures and XML files have alike."""
    ours = folders_of_parts([name for name in files.places if is_picture(name)], images)
    theirs = folders_of_parts([name for name in files.places if name.endswith(".xml")], folder)
    return ours if ours == theirs else {}


def _first_pixel(fields: dict[str, str], files: FolderFiles) -> int:
    reader = VocBoxesReader.model_validate({**fields, "size": [1, 1], "first_pixel": 0})
    boxes: list[DrawnBox] = [box for one in annotations(reader, files).pictures for box in one.boxes]
    return int(min((min(box.corners[:2]) for box in boxes), default=1) > 0)
