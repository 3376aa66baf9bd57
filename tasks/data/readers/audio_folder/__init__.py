"""Sound in folders that are named as their word, or in files whose names tell the word and the speaker."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath

from params.audio.readers import AudioFolderReader
from params.readers import LABEL
from params.section import Part
from tasks.core.errors import DataError, mismatch
from tasks.data.readers.audio.sound import NO_SOUND, format_of, is_sound, read_clip
from tasks.data.readers.raw import members, packed_files
from tasks.data.readers.samples import Reading, Sample

IGNORED = "in an ignored folder"
PARTS: tuple[Part, ...] = ("test", "validation")


def read(reader: AudioFolderReader, raw: Path) -> Reading:
    """Opens a tar of sound; files whose path tells no word or speaker are bad samples.

    Raises:
        DataError: the source is not many files, or holds no sound.
    """
    tar = packed_files(raw, reader.kind)
    names = [member.name for member, stream in members(tar) if stream is not None]
    sounds = [name for name in names if not _left_out(reader, name)]
    if not sounds:
        got = f"{len(names)} other files" if names else "none"
        do = "make one folder per word and put its recordings there"
        raise DataError(mismatch("data.source", "path", "files of sound", got, do))
    return Reading(
        "waveform",
        partial(_samples, reader, tar),
        reader.declared,
        preprocessing=format_of(reader).facts(),
        slices=reader.columns_kept,
        dropped=dict(sorted(Counter(reason for name in names if (reason := _left_out(reader, name))).items())),
    )


def _left_out(reader: AudioFolderReader, name: str) -> str:
    if not is_sound(name):
        return NO_SOUND
    return IGNORED if any(folder in reader.ignore for folder in name.split("/")[:-1]) else ""


def _samples(reader: AudioFolderReader, tar: Path) -> Iterator[Sample]:
    for member, stream in members(tar):
        if stream is not None and not _left_out(reader, member.name):
            yield _sample(reader, member.name, stream.read())


def _sample(reader: AudioFolderReader, name: str, content: bytes) -> Sample:
    told = {LABEL: PurePosixPath(name).parent.name}
    if reader.pattern:
        found = re.search(reader.pattern, name)
        if found is None:
            return Sample(name, problem=f"expected a path like `{reader.pattern}`, got another")
        told |= {group: text or "" for group, text in found.groupdict().items()}
    if not told[LABEL]:
        return Sample(name, problem="expected a file in the folder of its word, got one beside the folders")
    values, problem = read_clip(content, reader)
    slices = tuple(told[column] for column in reader.columns_kept)
    return Sample(name, {LABEL: told[LABEL]}, values, _part(reader, name), problem, slices)


def _part(reader: AudioFolderReader, name: str) -> Part | None:
    """Returns the part of the published split that a path belongs to; None where there is no such split."""
    if not reader.published:
        return None
    for part in PARTS:
        pattern = getattr(reader, part)
        if pattern and re.search(pattern, name):
            return part
    return "train"
