"""A folder of pictures per identity, perhaps with the folds and the pairs that its authors judge by (LFW).

`fetch` packed the files into one tar, which is read from front to end, with one picture in memory.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath

from params.kinds.embedding import FOLD, LISTED
from params.readers import LABEL, IdentityFolderReader
from params.section import Part
from tasks.core.errors import DataError, mismatch
from tasks.data.readers.identity_folder.pair_file import Picture, listed_of, read_folds, read_pairs
from tasks.data.readers.picture import NO_PICTURE, format_of, is_picture, read_picture
from tasks.data.readers.raw import members, open_raw, packed_files
from tasks.data.readers.samples import Reading, Sample

OUTSIDE, BESIDE, OF_NO_FOLD, OF_NO_PART = (
    "outside `images`",
    "beside the folders of identities",
    "of an identity that `people` does not list",
    "of a fold of no part",
)
"""why a file is left out"""
NUMBER = re.compile(r"(\d+)$")


@dataclass
class _Listed:
    """What the files of the source say beside the pictures."""

    fold_of: Mapping[str, int] = field(default_factory=dict)
    numbers: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """name of a file -> the pairs that it is part of"""


def read(reader: IdentityFolderReader, raw: Path) -> Reading:
    """Opens a tar of folders.

    Raises:
        DataError: there are no folders, or a file of folds or pairs is not of its form; the line is named.
    """
    tar = packed_files(raw, reader.kind)
    names = [member.name for member, stream in members(tar) if stream is not None]
    fold_of: dict[str, int] = {}
    if reader.people:
        with open_raw(raw, reader.people, "people") as stream:
            fold_of = read_folds(stream, reader.people)
        _require_folds(reader, fold_of)
    listed = _Listed(fold_of, _numbers(reader, raw, names, fold_of))
    dropped = Counter(why for name in names if (why := _left_out(name, reader, listed)))
    if len(names) == sum(dropped.values()):
        got = ", ".join(f"{count:,} {why}" for why, count in dropped.items()) or "none"
        do = "make a folder per identity, and say in `data.reader.images` where these folders are"
        raise DataError(mismatch("data.source", "", "pictures in a folder per identity", got, do))
    return Reading(
        "image",
        partial(_samples, reader, tar, listed),
        preprocessing=format_of(reader).facts(),
        dropped=dict(sorted(dropped.items())),
    )


def identity_of(name: str, images: str) -> str:
    """Returns the identity of a picture by its name in the source; empty where it is outside of the folders."""
    inside = name.removeprefix(f"{images}/") if images else name
    if images and inside == name:
        return ""
    folder, _, below = inside.partition("/")
    return folder if below else ""


def _numbers(
    reader: IdentityFolderReader, raw: Path, names: list[str], fold_of: Mapping[str, int]
) -> dict[str, tuple[int, ...]]:
    """Returns the pairs that each file is part of, of the parts that judge."""
    if not reader.pairs:
        return {}
    pictures: dict[Picture, list[str]] = {}
    for name in names:
        identity, number = identity_of(name, reader.images), NUMBER.search(PurePosixPath(name).stem)
        if identity and number and is_picture(name):
            pictures.setdefault((identity, int(number[1])), []).append(name)
    with open_raw(raw, reader.pairs, "pairs") as stream:
        pairs = read_pairs(stream, reader.pairs)
    judging = {fold for part, folds in reader.folds.items() if part != "train" for fold in folds}
    found = listed_of(pairs, reader.pairs, pictures, fold_of)
    wanted = {pair.number for pair in pairs if pair.fold in judging}
    return {name: kept for name, numbers in found.items() if (kept := tuple(n for n in numbers if n in wanted))}


def _require_folds(reader: IdentityFolderReader, fold_of: Mapping[str, int]) -> None:
    there = sorted(set(fold_of.values()))
    missing = sorted({fold for folds in reader.folds.values() for fold in folds} - {*there})
    if missing:
        expected, got = f"folds {there[0]} to {there[-1]} of `{reader.people}`", ", ".join(map(str, missing))
        raise DataError(mismatch("data.reader", "folds", expected, got, "correct them"))


def _left_out(name: str, reader: IdentityFolderReader, listed: _Listed) -> str:
    """Returns why a file is no sample; empty where it is one."""
    identity = identity_of(name, reader.images)
    if not identity:
        return BESIDE if not reader.images or name.startswith(f"{reader.images}/") else OUTSIDE
    if not is_picture(name):
        return NO_PICTURE
    if not reader.people:
        return ""
    fold = listed.fold_of.get(identity)
    if fold is None:
        return OF_NO_FOLD
    return "" if _part_of(reader, fold) else OF_NO_PART


def _part_of(reader: IdentityFolderReader, fold: int) -> Part | None:
    return next((part for part, folds in reader.folds.items() if fold in folds), None)


def _samples(reader: IdentityFolderReader, tar: Path, listed: _Listed) -> Iterator[Sample]:
    for member, stream in members(tar):
        if stream is None or _left_out(member.name, reader, listed):
            continue
        identity = identity_of(member.name, reader.images)
        fold = listed.fold_of.get(identity, 0)
        target = {LABEL: identity, FOLD: fold, LISTED: listed.numbers.get(member.name, ())}
        values, problem = read_picture(stream, reader)
        yield Sample(member.name, target, values, _part_of(reader, fold), problem=problem)
