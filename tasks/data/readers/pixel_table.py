"""Images as rows of a CSV file, plain or gzipped: the pixels, row by row, then the label."""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from functools import partial
from math import prod
from pathlib import Path

import numpy as np

from params.readers import LABEL, PixelTableReader
from tasks.core.errors import DataError, mismatch
from tasks.data.readers.raw import open_raw
from tasks.data.readers.samples import Reading, Sample


def read(reader: PixelTableReader, raw: Path) -> Reading:
    """Opens a table of pixels, each a whole number in 0..255.

    Raises:
        DataError: the file is not among those fetched, or `shape` is not that of an image.
    """
    if len(reader.shape) != 3:
        expected = "three numbers: channels, height, width"
        raise DataError(mismatch("data.reader", "shape", expected, list(reader.shape), "write it like [1, 8, 8]"))
    return Reading("image", partial(_samples, reader, raw))


def _samples(reader: PixelTableReader, raw: Path) -> Iterator[Sample]:
    with open_raw(raw, reader.file, "file") as packed:
        stream = gzip.GzipFile(fileobj=packed) if reader.file.endswith(".gz") else packed
        text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
        try:
            for line, row in enumerate(csv.reader(text), start=1):
                yield _sample(f"line {line:07d}", row, reader.shape)
        except (OSError, EOFError, UnicodeDecodeError, csv.Error, zlib.error) as error:
            do = "is the file complete, and is it a CSV file?"
            raise DataError(mismatch(reader.file, "", "CSV text", str(error), do)) from None


def _sample(name: str, row: list[str], shape: tuple[int, ...]) -> Sample:
    size = prod(shape)
    if len(row) != size + 1:
        return Sample(name, problem=f"expected {size} pixels and a label, got {len(row)} columns")
    target = {LABEL: _as_label(row[-1])}
    try:
        pixels = np.array(row[:-1], dtype=np.float64)
    except ValueError as error:
        return Sample(name, target, problem=f"expected numbers, got another text ({error})")
    # NaN fails the comparison too.
    whole = bool(np.all((pixels >= 0) & (pixels <= 255)) and np.all(pixels == np.floor(pixels)))
    if not whole:
        return Sample(name, target, problem="expected whole numbers in 0..255, got others (or NaN)")
    return Sample(name, target, pixels.astype(np.uint8).reshape(shape))


def _as_label(text: str) -> str:
    """Returns the label; numbers that passed through a float column lose their `.0`."""
    return text.strip().removesuffix(".0")
