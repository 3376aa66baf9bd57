"""A COCO file: its pictures, its categories, and the annotations of each picture.

Ids begin where they like, skip numbers, and may be texts: they are compared as they are written.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from tasks.core.errors import DataError, mismatch
from tasks.data.readers.image_masks.packed import NamedFiles

Entry = Mapping[str, Any]
ASTRAY = "annotations of pictures that their file does not list"


@dataclass(frozen=True)
class CocoFile:
    """What is in the file.

    Attributes:
        name: of the file.
        categories: id -> name.
        images: as they are in the file.
        annotations: id of a picture -> its annotations, in the order of the file.
    """

    name: str
    categories: Mapping[str, str]
    images: Sequence[Entry]
    annotations: Mapping[str, Sequence[Entry]]

    @classmethod
    def opened(cls, pack: NamedFiles, name: str) -> "CocoFile":
        """Reads a file of the source.

        Raises:
            DataError: it is missing or is none.
        """
        content = _content(pack, name)
        try:
            categories = {str(one["id"]): str(one["name"]) for one in content["categories"]}
            images = [{**one, "id": str(one["id"]), "file_name": str(one["file_name"])} for one in content["images"]]
            annotations: dict[str, list[Entry]] = defaultdict(list)
            for one in content["annotations"]:
                annotations[str(one["image_id"])].append(one)
        except (KeyError, TypeError) as error:
            expected = "`id` and `name` of categories, `id` and `file_name` of images, `image_id` of annotations"
            got = f"an entry without {error}" if isinstance(error, KeyError) else str(error)
            raise DataError(mismatch(name, "", expected, got, "give a COCO file of objects")) from None
        return cls(name, categories, images, annotations)

    @property
    def astray(self) -> int:
        """How many annotations are of a picture that the file does not list."""
        ids = {one["id"] for one in self.images}
        return sum(len(some) for key, some in self.annotations.items() if key not in ids)

    def require_own_ids(self) -> None:
        """Refuses two pictures with one id, whose annotations cannot be told apart.

        Raises:
            DataError: naming both.
        """
        names: dict[str, str] = {}
        for image in self.images:
            if names.setdefault(image["id"], image["file_name"]) != image["file_name"]:
                got = f"`{names[image['id']]}` and `{image['file_name']}`, both with the id {image['id']}"
                raise DataError(
                    mismatch(self.name, "images", "an id of its own for each picture", got, "correct the file")
                )

    def require(self, classes: Sequence[str]) -> None:
        """Refuses classes that are no categories.

        Raises:
            DataError: naming them.
        """
        if missing := [name for name in classes if name not in self.categories.values()]:
            got = ", ".join(f"`{name}`" for name in missing)
            known = ", ".join(f"`{name}`" for name in list(self.categories.values())[:12])
            do = "correct `data.reader.classes`"
            raise DataError(mismatch("data.reader", "classes", f"categories of the file: {known}", got, do))


def path_of(folder: str, name: str) -> str:
    """Returns where in the source a `file_name` leads, which may be written on Windows."""
    return str(PurePosixPath(folder, name.replace("\\", "/")))


def _content(pack: NamedFiles, name: str) -> Mapping[str, Any]:
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
