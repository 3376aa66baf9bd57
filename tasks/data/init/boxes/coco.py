"""COCO files: which pictures they tell of, and which parts of a split they are."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from params.section import Part
from tasks.core.errors import DataError, mismatch
from tasks.data.init.boxes.parts import FolderFiles, FoundForm, part_in
from tasks.data.readers.picture import is_picture

SOME = 50
"""pictures of a file that are looked for"""
JSON = ".json"


def coco_form(files: FolderFiles, names: Sequence[str], images: str) -> FoundForm:
    """Returns the reader of one COCO file, or of one for each part of a split.

    Args:
        files: of the source.
        names: of the JSON files.
        images: the folder of the pictures.

    Raises:
        DataError: none of them is a COCO file, or several are and do not say of which part.
    """
    coco = {name: content for name in names if (content := _content(files, name))}
    if not coco:
        expected = "a COCO file, JSON with lists `images`, `annotations` and `categories`"
        raise DataError(mismatch(", ".join(names[:5]), "", expected, "others", "give the right file with `--boxes`"))
    places = {name: _folder(files, content, images) for name, content in coco.items()}
    if len(coco) == 1:
        ((name, folder),) = places.items()
        return FoundForm("COCO", {"kind": "coco_boxes", "images": folder, "annotations": name})
    parts: dict[Part, Any] = {
        part: {"images": folder, "annotations": name} for name, folder in places.items() if (part := part_in(name))
    }
    form = FoundForm("COCO", {"kind": "coco_boxes"}).with_parts(parts)
    if len(parts) < len(coco) or "splits" not in form.fields:
        got = ", ".join(f"`{name}`" for name in coco)
        expected = "one COCO file, or one for each part of a split with `train`, `val` or `test` in its name"
        raise DataError(mismatch("--boxes", "", expected, got, "give one of them, or rename them"))
    return form


def _content(files: FolderFiles, name: str) -> Mapping[str, Any] | None:
    try:
        content = json.load(files.file(name))
    except (ValueError, RecursionError):
        return None
    there = isinstance(content, dict) and all(isinstance(content.get(key), list) for key in ("images", "annotations"))
    return content if there else None


def _folder(files: FolderFiles, content: Mapping[str, Any], images: str) -> str:
    """Returns the folder that `file_name` begins in: the one where most of some pictures are."""
    said = [str(one.get("file_name")).replace("\\", "/") for one in content["images"][:SOME] if isinstance(one, dict)]
    start = f"{images}/" if images else ""
    ours = [name for name in files.places if name.startswith(start) and is_picture(name)]
    found = Counter(
        name.removesuffix(end).rstrip("/") for end in said for name in ours if name == end or name.endswith(f"/{end}")
    )
    return found.most_common(1)[0][0] if found else images
