"""Images in a folder per class, as `fetch` packed them: one tar, read from front to end, one image in memory."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO

from params.readers import ImageFolderReader
from tasks.data.classes import in_order
from tasks.data.raw import members, packed_files
from tasks.data.readers.picture import SUFFIXES, read_picture
from tasks.data.samples import Reading, Sample
from tasks.errors import DataError, mismatch


def read_image_folder(reader: ImageFolderReader, raw: Path) -> Reading:
    """Opens a tar of class folders.

    Raises:
        DataError: the source is not a folder, holds no class folders, or has images beside them.
    """
    tar = packed_files(raw, reader.kind)
    return Reading("image", partial(_samples, reader, tar), classes=_classes(tar))


def _classes(path: Path) -> tuple[str, ...]:
    classes: set[str] = set()
    astray: list[str] = []
    for member, _ in members(path):
        if member.isdir() or "/" in member.name:
            classes.add(member.name.split("/")[0])
        elif Path(member.name).suffix.lower() in SUFFIXES:
            astray.append(member.name)
    if astray:
        got = f"{len(astray)} beside them: " + ", ".join(f"`{name}`" for name in astray[:5])
        raise DataError(mismatch("data.source.path", "", "images inside class folders", got, "move or remove them"))
    if not classes:
        do = "make one folder per class and put its images there"
        raise DataError(mismatch("data.source.path", "", "a folder per class", "none", do))
    return in_order(classes)


def _samples(reader: ImageFolderReader, path: Path) -> Iterator[Sample]:
    for member, stream in members(path):
        if stream is not None and "/" in member.name:
            yield _sample(member.name, stream, reader)


def _sample(name: str, stream: IO[bytes], reader: ImageFolderReader) -> Sample:
    values, problem = read_picture(stream, reader)
    return Sample(name, name.split("/")[0], values, problem=problem)
