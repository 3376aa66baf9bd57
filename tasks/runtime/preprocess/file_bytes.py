"""The preprocessor of models that take a file as bytes: those at its beginning and at its end.

As magika does (Fratantonio et al. 2024, arXiv:2409.13768): white space at both ends of a file does not count, and what
a short file lacks is filled with a number that is no byte.
"""

import base64
import binascii
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.fields import Fields, Json
from ..bundle.session import INPUTS
from ..errors import WrongInputError
from .arrays import ANY_FILE
from .preprocessor import ModelInputs

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
class FileBytesPreprocessor:
    """Makes inputs of files: one file is one sample."""

    format: ByteFormat
    media_types: tuple[str, ...] = (ANY_FILE,)

    def from_file(self, content: bytes) -> ModelInputs:
        """Returns the file as a batch of one.

        Raises:
            WrongInputError: it is too short.
        """
        return ModelInputs({INPUTS: self._values(content, INPUTS)[np.newaxis]})

    def from_records(self, records: Sequence[Mapping[str, Json]]) -> ModelInputs:
        """Returns files given as `{"file": base64}`; other fields are ignored.

        Raises:
            WrongInputError: there are none, a field is missing or wrong, or a file is too short.
        """
        if not records:
            raise WrongInputError("`inputs`: expected at least one file, got none; give `file` of each")
        places = {f"inputs.{number}.file": record for number, record in enumerate(records)}
        return ModelInputs({INPUTS: np.stack([self._values(_bytes_of(one, at), at) for at, one in places.items()])})

    def schema(self) -> dict[str, Any]:
        """Returns the JSON schema of a record."""
        file = {"type": "string", "contentEncoding": "base64", "description": "any file"}
        return {"type": "object", "properties": {"file": file}, "required": ["file"]}

    def _values(self, content: bytes, place: str) -> NDArray[np.float32]:
        if ByteFormat.is_short(stream := io.BytesIO(content)):
            raise WrongInputError(f"`{place}`: expected a file of at least {LEAST} bytes, got fewer; give a longer one")
        return self.format.values(stream)


def _beginning(stream: IO[bytes]) -> bytes:
    return _block(stream, 0).lstrip()


def _block(stream: IO[bytes], start: int) -> bytes:
    stream.seek(start)
    return stream.read(BLOCK)


def _bytes_of(record: Mapping[str, Json], place: str) -> bytes:
    text = record.get("file")
    try:
        if not isinstance(text, str):
            raise TypeError
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError, binascii.Error):
        got = "none" if text is None else repr(text)[:80]
        raise WrongInputError(f"`{place}`: expected a file in base64, got {got}; give its bytes so") from None


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
