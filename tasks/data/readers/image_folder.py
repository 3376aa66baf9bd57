"""Images in a folder per class, as `fetch` packed them: one tar, read from front to end, one image in memory."""

import tarfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from params.data import ImageFolderReader
from tasks.data.raw import raw_names
from tasks.data.samples import Reading, Sample, Values
from tasks.errors import DataError, mismatch

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp"})
DEEP = {"I;16": 256, "I;16L": 256, "I;16B": 256, "I;16N": 256}
"""Pillow clips 16-bit pixels to 255 when it converts them; they are divided instead."""


def read_image_folder(reader: ImageFolderReader, raw: Path) -> Reading:
    """Opens a tar of class folders.

    Raises:
        DataError: the source is not a folder, holds no class folders, or has images beside them.
    """
    tars = [name for name in raw_names(raw) if name.endswith(".tar")]
    if len(tars) != 1:
        do = "give `data.source` of `kind: folder`"
        raise DataError(mismatch("data.reader", "kind", "a folder of images for `image_folder`", raw_names(raw), do))
    classes = _classes(raw / tars[0])
    return Reading("image", partial(_samples, reader, raw / tars[0]), classes=classes)


def image_values(stream: IO[bytes], size: tuple[int, ...], channels: int) -> Values:
    """Returns an image as (channels, height, width) uint8: turned upright, converted, resized to `size`."""
    with Image.open(stream) as opened:
        image = ImageOps.exif_transpose(opened)
        if image.mode in DEEP:
            image = Image.fromarray((np.asarray(image) // DEEP[image.mode]).astype(np.uint8))
        elif image.mode in ("I", "F"):
            raise ValueError(f"expected 8 or 16 bits per channel, got mode {image.mode} with 32")
        image = image.convert("L" if channels == 1 else "RGB")
        height, width = size
        if image.size != (width, height):
            image = image.resize((width, height), Image.Resampling.BILINEAR)
        pixels = np.asarray(image, dtype=np.uint8)
    return pixels.reshape(height, width, channels).transpose(2, 0, 1)


def _classes(path: Path) -> tuple[str, ...]:
    classes: set[str] = set()
    astray: list[str] = []
    for member, _ in _members(path):
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
    return tuple(sorted(classes))


def _samples(reader: ImageFolderReader, path: Path) -> Iterator[Sample]:
    for member, stream in _members(path):
        if stream is not None and "/" in member.name:
            yield _sample(member.name, stream, reader)


def _members(path: Path) -> Iterator[tuple[tarfile.TarInfo, IO[bytes] | None]]:
    """Yields the members of a tar, and their contents where they are files."""
    with tarfile.open(path, "r:") as tar:
        while (member := tar.next()) is not None:
            tar.members = []  # type: ignore[attr-defined]  # else it keeps every header in memory
            yield member, tar.extractfile(member)


def _sample(name: str, stream: IO[bytes], reader: ImageFolderReader) -> Sample:
    label = name.split("/")[0]
    try:
        return Sample(name, label, image_values(stream, reader.size, reader.channels))
    except UnidentifiedImageError:
        return Sample(name, label, problem="expected an image, got a file that Pillow cannot read")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        return Sample(name, label, problem=f"expected a whole image, got one that breaks off or is damaged ({error})")
