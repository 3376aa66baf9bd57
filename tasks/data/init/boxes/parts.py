"""What `init` finds of annotations: files by name, the fields of a reader, and the parts of a published split."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from params.section import Part
from tasks.data.sources.own import own_files

WORDS: Mapping[str, Part] = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
AS_TEST = "Split: there is no test set, so the published validation set judges, once; another is cut from train."


@dataclass(frozen=True)
class FolderFiles:
    """The files below a folder, by their paths in it."""

    places: Mapping[str, Path]

    @classmethod
    def below(cls, folder: Path) -> "FolderFiles":
        """Lists a folder; raises as `own_files`."""
        return cls({name: path for name, path in own_files(folder) if not path.is_dir()})

    def file(self, name: str) -> IO[bytes]:
        """Returns one file, in memory."""
        return BytesIO(self.places[name].read_bytes())


@dataclass
class FoundForm:
    """The reader that fits, and what a person should know.

    Attributes:
        title: the form in words.
        fields: of the reader, in the order of the recipe.
        comments: field -> what stands behind it there.
        notes: sentences.
    """

    title: str
    fields: dict[str, Any]
    comments: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def with_parts(self, parts: Mapping[Part, Any]) -> "FoundForm":
        """Takes in the parts of a published split, where there are some to train and to judge on."""
        found = dict(parts)
        if "train" in found and "test" not in found and "validation" in found:
            found["test"] = found.pop("validation")
            self.notes.append(AS_TEST)
        if {"train", "test"} <= found.keys():
            order: tuple[Part, ...] = ("train", "validation", "test")
            self.fields["splits"] = {part: found[part] for part in order if part in found}
        return self


def part_in(name: str) -> Part | None:
    """Returns which part of a split a name is of, such as `instances_val2017.json`; None for none."""
    found = {WORDS[word] for word in re.split(r"[^a-z]+", name.casefold()) if word in WORDS}
    return found.pop() if len(found) == 1 else None


def folders_of_parts(names: Iterable[str], images: str) -> dict[Part, str]:
    """Returns the folders right below `images` that are parts of a split; none where others hold files, too."""
    start = f"{images}/" if images else ""
    below = [name.removeprefix(start).split("/") for name in names if name.startswith(start)]
    tops = {parts[0] for parts in below if len(parts) > 1}
    found: dict[Part, str] = {WORDS[top.casefold()]: top for top in sorted(tops) if top.casefold() in WORDS}
    return found if len(found) == len(tops) and all(len(parts) > 1 for parts in below) else {}
