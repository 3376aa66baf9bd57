"""Images in folders that are named as their label, perhaps inside the folders of a published split.

`fetch` packed them into one tar, which is read from front to end, with one image in memory.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO

from params.readers import LABEL, ImageFolderReader
from params.section import Part
from tasks.core.errors import DataError, mismatch
from tasks.data.readers.picture import NO_PICTURE, format_of, is_picture, read_picture
from tasks.data.readers.raw import members, packed_files
from tasks.data.readers.samples import Reading, Sample

UNLABELLED = ("unlabelled", "unlabeled")
WITHOUT_LABEL, OUTSIDE, ASTRAY = "in a folder without label", "outside the folders of the split", "astray"
"""why a file is left out; `ASTRAY` ones are bad samples"""


@dataclass(frozen=True, slots=True)
class FilePlace:
    """What the name of a file tells: the folder of its label and its part of the split, or why it is left out."""

    label: str = ""
    part: Part | None = None
    left_out: str = ""


def place_of(name: str, reader: ImageFolderReader) -> FilePlace:
    """Returns what a name in the source, with slashes, tells; of an empty folder, give a name inside it."""
    parts: dict[str, Part] = {folder: part for part, folder in reader.splits.items()}
    top, *below = name.split("/")
    if below and _is_unlabelled(top, reader):
        return FilePlace(left_out=WITHOUT_LABEL)
    part = parts.get(top)
    if not reader.splits:
        label, inside = top, below
    elif part and below:
        label, inside = below[0], below[1:]
    elif below:
        return FilePlace(left_out=OUTSIDE)
    else:
        label, inside = top, []
    if inside and _is_unlabelled(label, reader):
        return FilePlace(left_out=WITHOUT_LABEL)
    if not is_picture(name):
        return FilePlace(label if inside else "", part, NO_PICTURE)
    return FilePlace(label, part) if inside else FilePlace(left_out=ASTRAY)


def _is_unlabelled(folder: str, reader: ImageFolderReader) -> bool:
    return folder.casefold() in UNLABELLED or folder in reader.ignore


@dataclass
class _Found:
    """What is in a tar: label -> pictures in its folders, reason -> files that are left out, and by suffix."""

    labels: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    others: dict[str, Counter[str]] = field(default_factory=dict)
    astray: list[str] = field(default_factory=list)


def read(reader: ImageFolderReader, raw: Path) -> Reading:
    """Opens a tar of folders; images beside them are bad samples, what is no image by its name is left out.

    Raises:
        DataError: the source is not a folder, holds no folders, or one of them holds no image; all of these at once.
    """
    tar = packed_files(raw, reader.kind)
    found = _found(tar, reader)
    _require_labels(found)
    return Reading(
        "image",
        partial(_samples, reader, tar, found.astray),
        {LABEL: {"values": tuple(found.labels)}},
        preprocessing=format_of(reader).facts(),
        dropped=dict(sorted(found.dropped.items())),
        refusal=_refusal(found.astray),
    )


def _found(path: Path, reader: ImageFolderReader) -> _Found:
    found = _Found()
    for member, stream in members(path):
        place = place_of(member.name if stream else f"{member.name}/.", reader)
        if place.label:
            found.labels[place.label] += 0
        if stream is None:
            continue
        if place.left_out == ASTRAY:
            found.astray.append(member.name)
        elif place.left_out:
            found.dropped[place.left_out] += 1
            found.others.setdefault(place.label, Counter())[Path(member.name).suffix] += 1
        else:
            found.labels[place.label] += 1
    return found


def _require_labels(found: _Found) -> None:
    if not found.labels:
        do = "make one folder per class and put its images there"
        raise DataError(mismatch("data.source.path", "", "a folder per class", "none", do))
    problems = [
        mismatch(label, "", "images in a class folder", _others(found.others.get(label, Counter())), _CORRECT)
        for label, count in found.labels.items()
        if not count
    ]
    if problems:
        raise DataError("\n".join(problems))


_CORRECT = "put images there, remove the folder, or name it in `data.reader.ignore`"


def _others(suffixes: Counter[str]) -> str:
    if not suffixes:
        return "an empty folder"
    shown = ", ".join(f"{count} `{suffix or 'no suffix'}`" for suffix, count in suffixes.most_common(5))
    return f"only files that are {NO_PICTURE}: {shown}"


def _refusal(astray: list[str]) -> str:
    if not astray:
        return ""
    got = f"{len(astray)} beside them: " + ", ".join(f"`{name}`" for name in astray[:5])
    return mismatch("data.source.path", "", "images inside class folders", got, "move or remove them")


def _samples(reader: ImageFolderReader, path: Path, astray: list[str]) -> Iterator[Sample]:
    for member, stream in members(path):
        if stream is not None and not (place := place_of(member.name, reader)).left_out:
            yield _sample(member.name, place, stream, reader)
    for name in astray:
        yield Sample(name, problem="expected an image inside a class folder, got one beside them")


def _sample(name: str, place: FilePlace, stream: IO[bytes], reader: ImageFolderReader) -> Sample:
    values, problem = read_picture(stream, reader)
    return Sample(name, {LABEL: place.label}, values, place.part, problem=problem)
