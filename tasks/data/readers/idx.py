"""Images and labels in the IDX format of MNIST, plain or gzipped: a few big-endian numbers, then bytes."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from math import prod
from pathlib import Path
from typing import IO

import numpy as np

from params.readers import LABEL, IdxFiles, IdxReader
from params.section import Part
from tasks.core.errors import DataError, mismatch
from tasks.data.readers.raw import open_raw
from tasks.data.readers.samples import Reading, Sample

PARTS: tuple[Part, ...] = ("train", "test")
UINT8 = 8
BLOCK = 1_000_000
"""bytes of images read at a time"""


def read(reader: IdxReader, raw: Path) -> Reading:
    """Opens the four files of a published split, and counts their bytes.

    Raises:
        DataError: a file is missing, is not IDX, or breaks off, or the files do not go together; all problems at once.
    """
    problems: list[str] = []
    shapes = {}
    for part in PARTS:
        files: IdxFiles = getattr(reader, part)
        images = _shape(raw, files.images, f"{part}.images", 3, problems)
        labels = _shape(raw, files.labels, f"{part}.labels", 1, problems)
        if images and labels and images[0] != labels[0]:
            expected = f"a label for each of the {images[0]} images in `{files.images}`"
            problems.append(mismatch(files.labels, "", expected, labels[0], "take the two that belong together"))
        shapes[part] = images[1:]
    if not problems and shapes["train"] != shapes["test"]:
        expected = f"images of {shapes['train']} pixels as in `{reader.train.images}`"
        problems.append(mismatch(reader.test.images, "", expected, shapes["test"], "take the two that belong together"))
    if problems:
        raise DataError("\n".join(problems))
    return Reading("image", partial(_samples, reader, raw, shapes["train"]), reader.declared)


def _shape(raw: Path, name: str, field: str, axes: int, problems: list[str]) -> tuple[int, ...]:
    """Returns the shape that a file announces, after comparing it with the bytes that follow; () with a problem."""
    expected = f"an IDX file of bytes with {axes} axes"
    try:
        with _opened(raw, name, field) as stream:
            shape = _header(stream, axes)
            size = sum(len(block) for block in iter(lambda: stream.read(1024 * 1024), b""))
    except DataError as error:
        problems.append(str(error))
        return ()
    except (OSError, EOFError, ValueError, zlib.error) as error:
        problems.append(mismatch(name, "", expected, str(error) or "the end of the file", "is it the right file?"))
        return ()
    if size != prod(shape):
        got = f"{size:,}: it breaks off" if size < prod(shape) else f"{size:,}"
        problems.append(mismatch(name, "", f"{prod(shape):,} bytes after the header", got, "fetch the whole file"))
        return ()
    return shape


@contextmanager
def _opened(raw: Path, name: str, field: str) -> Iterator[IO[bytes]]:
    with open_raw(raw, name, field) as packed:
        yield gzip.GzipFile(fileobj=packed) if name.endswith(".gz") else packed  # type: ignore[misc]


def _header(stream: IO[bytes], axes: int) -> tuple[int, ...]:
    """Reads the magic number (two zeros, the type, the number of axes) and the length of each axis."""
    magic = stream.read(4)
    if magic != bytes([0, 0, UINT8, axes]):
        raise ValueError(f"a file that begins with {magic.hex(' ') or 'nothing'}")
    lengths = stream.read(4 * axes)
    if len(lengths) < 4 * axes:
        raise ValueError("a header that breaks off")
    return tuple(int(length) for length in np.frombuffer(lengths, ">u4"))


def _samples(reader: IdxReader, raw: Path, shape: tuple[int, ...]) -> Iterator[Sample]:
    for part in PARTS:
        files: IdxFiles = getattr(reader, part)
        with _opened(raw, files.labels, part) as stream:
            _header(stream, 1)
            labels = stream.read()
        with _opened(raw, files.images, part) as stream:
            _header(stream, 3)
            step = max(1, BLOCK // prod(shape))
            for start in range(0, len(labels), step):
                some = labels[start : start + step]
                images = np.frombuffer(stream.read(len(some) * prod(shape)), np.uint8).reshape(-1, 1, *shape)
                for row, (image, label) in enumerate(zip(images, some, strict=True), start):
                    yield Sample(f"{part} {row:08d}", {LABEL: label}, image, part)
