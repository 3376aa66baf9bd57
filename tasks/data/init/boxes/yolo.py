"""Texts of YOLO: where they are, which file names the classes, and which parts of a split there are."""

from pathlib import PurePosixPath

from params.section import Part
from tasks.core.errors import DataError, RecipeError, mismatch
from tasks.core.yaml_reader import parse_value
from tasks.data.init.boxes.parts import FolderFiles, FoundForm, folders_of_parts
from tasks.data.readers.boxes.places import LIST, text_of
from tasks.data.readers.picture import is_picture
from tasks.data.readers.yolo_boxes.class_names import OF_NAMES, YAML, names_in

UNNAMED = (
    "Classes are called `class0`, `class1`, ... by their numbers: no file names them, so give them names in `classes`."
)
OF_DATA = {"train": "train", "val": "validation", "test": "test"}
"""key of a `data.yaml` -> part"""


def yolo_form(files: FolderFiles, images: str, labels: str, given: str | None) -> FoundForm:
    """Returns the reader of texts.

    Args:
        files: of the source.
        images: the folder of the pictures.
        labels: the folder of the texts.
        given: the file that names the classes, where that is what was given.

    Raises:
        DataError: the file names no classes.
    """
    form = FoundForm("YOLO", {"kind": "yolo_boxes", "images": images})
    usual = {text for picture in files.places if is_picture(picture) for text in _usual(picture)}
    if not any(name in files.places for name in usual):
        form.fields["labels"] = labels
    names = given or _file_of_names(files)
    if names:
        names_in(names, text_of(files, names, "names"))
        form.fields["names"] = names
    else:
        form.fields["classes"] = [f"class{number}" for number in range(_most(files, labels) + 1)]
        form.notes.append(UNNAMED)
    parts = _parts_of_yaml(files, names or "", images) or dict(folders_of_parts(_pictures(files), images))
    return form.with_parts(parts)


def _pictures(files: FolderFiles) -> list[str]:
    return [name for name in files.places if is_picture(name)]


def _usual(picture: str) -> list[str]:
    """Returns the names of a text that need no saying: in the folder `labels` in place of `images`, or beside."""
    text = PurePosixPath(picture).with_suffix(LIST)
    places = [place for place, part in enumerate(text.parts[:-1]) if part == "images"]
    if not places:
        return [str(text)]
    return [str(PurePosixPath(*text.parts[: places[-1]], "labels", *text.parts[places[-1] + 1 :]))]


def _file_of_names(files: FolderFiles) -> str | None:
    known = [name for wanted in OF_NAMES for name in files.places if PurePosixPath(name).name == wanted]
    yaml = [name for name in known if name.endswith(YAML)]
    return next(iter([*yaml, *known]), None)


def _most(files: FolderFiles, labels: str) -> int:
    """Returns the largest number of a class."""
    most = 0
    for name in files.places:
        if name.endswith(LIST) and name.startswith(f"{labels}/" if labels else ""):
            firsts = [line.split()[0] for line in text_of(files, name, "labels").splitlines() if line.strip()]
            most = max([most, *(int(first) for first in firsts if first.isdecimal())])
    return most


def _parts_of_yaml(files: FolderFiles, name: str, images: str) -> dict[Part, str]:
    """Returns the parts that a `data.yaml` says, where they are folders below `images` or lists."""
    if not name.endswith(YAML):
        return {}
    try:
        content = parse_value(text_of(files, name, "names"), name)
    except RecipeError as error:
        raise DataError(str(error)) from None
    if not isinstance(content, dict):
        raise DataError(mismatch(name, "", "a mapping with `names`", "something else", "give a `data.yaml`"))
    said = {part: content.get(key) for key, part in OF_DATA.items()}
    found = {part: _place(files, str(where), images) for part, where in said.items() if isinstance(where, str)}
    if any(place is None for place in found.values()) or len(set(found.values())) < len(found):
        return {}
    return {part: place for part, place in found.items() if place is not None}  # type: ignore[misc]


def _place(files: FolderFiles, said: str, images: str) -> str | None:
    """Returns the list or the folder that is meant: of the ends of the path, the longest that is there."""
    parts = [part for part in said.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    start = f"{images}/" if images else ""
    for place in range(len(parts)):
        end = "/".join(parts[place:])
        if end.endswith(LIST) and end in files.places:
            return end
        whole = f"{end}/" if f"{end}/".startswith(start) else f"{start}{end}/"
        if whole != start and any(name.startswith(whole) and is_picture(name) for name in files.places):
            return whole.removeprefix(start).rstrip("/")
    return None
