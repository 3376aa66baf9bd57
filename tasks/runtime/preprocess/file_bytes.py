"""The preprocessor of models that take a file as bytes: those at its beginning and at its end.

As magika does (Fratantonio et al. 2024, arXiv:2409.13768): white space at both ends of a file does not count, and what
a short file lacks is filled with a number that is no byte.
"""

import io
import os
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.fields import Fields
from ..errors import WrongInputError
from .arrays import ANY_FILE
from .one_file import OneFilePreprocessor

PADDING = 256
BLOCK = 4096
"""bytes at each end that are looked at"""
LEAST = 8
"""bytes that a file must have, white space not counted"""


@dataclass(frozen=True)
class ByteFormat:
    """How many bytes of the beginning and of the end of a file are a sample."""

    first: int
    last: int

    def values(self, stream: IO[bytes]) -> NDArray[np.float32]:
        """Returns (first + last,): bytes 0 to 255, and 256 where there are none."""
        size = stream.seek(0, os.SEEK_END)
        start, end = _beginning(stream), _block(stream, max(0, size - BLOCK)).rstrip()
        values = np.full(self.first + self.last, PADDING, np.float32)
        first = np.frombuffer(start[: self.first], np.uint8)
        values[: len(first)] = first
        if self.last and end:
            last = np.frombuffer(end[-self.last :], np.uint8)
            values[len(values) - len(last) :] = last
        return values

    @staticmethod
    def is_short(stream: IO[bytes]) -> bool:
        """Says whether too little is in a file to tell anything."""
        return len(_beginning(stream)) < LEAST

    def facts(self) -> dict[str, Any]:
        """Returns what a manifest says of it."""
        return {"kind": "file_bytes", "first": self.first, "last": self.last}


@dataclass(frozen=True)
class FileBytesPreprocessor(OneFilePreprocessor):
    """Makes inputs of files of any form."""

    format: ByteFormat
    media_types = (ANY_FILE,)
    field = "file"
    form = "a file"

    def values(self, content: bytes) -> NDArray[np.float32]:
        """Returns (first + last,) bytes; raises as the base."""
        if ByteFormat.is_short(stream := io.BytesIO(content)):
            raise WrongInputError(f"expected a file of at least {LEAST} bytes, got fewer; give a longer one")
        return self.format.values(stream)


def _beginning(stream: IO[bytes]) -> bytes:
    return _block(stream, 0).lstrip()


def _block(stream: IO[bytes], start: int) -> bytes:
    stream.seek(start)
    return stream.read(BLOCK)


def load(fields: Fields) -> FileBytesPreprocessor:
    """Returns what reads files, from the fields of a manifest.

    Raises:
        ManifestError: a field is missing or wrong.
    """
    sizes = {name: fields.integer(name) for name in ("first", "last")}
    for name, size in sizes.items():
        if size >= BLOCK:
            raise fields.wrong(name, f"less than {BLOCK} bytes", size)
    return FileBytesPreprocessor(ByteFormat(**sizes))
