"""Images in folders that are named as their label.

`fetch` packed them into one tar, which is read from front to end, with one image in memory.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO

from params.readers import LABEL, ImageFolderReader
from tasks.core.errors import DataError, mismatch
from tasks.data.readers.picture import SUFFIXES, read_picture
from tasks.data.readers.raw import members, packed_files
from tasks.data.readers.samples import Reading, Sample


def read(reader: ImageFolderReader, raw: Path) -> Reading:
    """Opens a tar of folders; images beside them are bad samples.

    Raises:
        DataError: the source is not a folder, or holds no folders.
    """
    tar = packed_files(raw, reader.kind)
    folders, astray = _found(tar)
    declared = {LABEL: {"values": folders}}
    return Reading("image", partial(_samples, reader, tar, astray), declared, refusal=_refusal(astray))


def _found(path: Path) -> tuple[tuple[str, ...], list[str]]:
    """Returns the folders, and the images that are in none."""
    folders: dict[str, None] = {}
    astray: list[str] = []
    for member, _ in members(path):
        if member.isdir() or "/" in member.name:
            folders[member.name.split("/")[0]] = None
        elif Path(member.name).suffix.lower() in SUFFIXES:
            astray.append(member.name)
    if not folders:
        do = "make one folder per class and put its images there"
        raise DataError(mismatch("data.source.path", "", "a folder per class", "none", do))
    return tuple(folders), astray


def _refusal(astray: list[str]) -> str:
    if not astray:
        return ""
    got = f"{len(astray)} beside them: " + ", ".join(f"`{name}`" for name in astray[:5])
    return mismatch("data.source.path", "", "images inside class folders", got, "move or remove them")


def _samples(reader: ImageFolderReader, path: Path, astray: list[str]) -> Iterator[Sample]:
    for member, stream in members(path):
        if stream is not None and "/" in member.name:
            yield _sample(member.name, stream, reader)
    for name in astray:
        yield Sample(name, problem="expected an image inside a class folder, got one beside them")


def _sample(name: str, stream: IO[bytes], reader: ImageFolderReader) -> Sample:
    values, problem = read_picture(stream, reader)
    return Sample(name, {LABEL: name.split("/")[0]}, values, problem=problem)
