"""The base of preprocessors that take files, such as pictures or sound: one file is one sample."""

import base64
import binascii
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..bundle.fields import Json
from ..bundle.session import INPUTS
from ..errors import WrongInputError
from .frames.frame import Frame, numbered
from .preprocessor import FoundSample, ModelInputs


class OneFilePreprocessor(ABC):
    """Makes inputs of files; a record holds the bytes of one in base64."""

    media_types: ClassVar[tuple[str, ...]]
    field: ClassVar[str]
    """of a record, such as `image`"""
    form: ClassVar[str]
    """what the file must be, in words, such as `a WAV file`"""

    @abstractmethod
    def values(self, content: bytes) -> NDArray[Any]:
        """Returns the input that is made of one file.

        Raises:
            WrongInputError: it cannot be read; the message does not name the file.
        """

    def samples(self, content: bytes) -> tuple[NDArray[Any], tuple[Frame, ...]]:
        """Returns what is made of one file as a batch, and where each sample lies in it, where that is to be known.

        Raises:
            WrongInputError: it cannot be read; the message does not name the file.
        """
        return self.values(content)[np.newaxis], ()

    def examples(self) -> list[bytes]:
        """Returns files that the model takes, for who reads the schema of a record."""
        return []

    def from_file(self, content: bytes) -> ModelInputs:
        """Returns the file as a batch, of one unless it is cut into several samples.

        Raises:
            WrongInputError: it cannot be read.
        """
        values, frames = self._samples(content, INPUTS)
        return ModelInputs({INPUTS: values}, frames=frames)

    def each(self, content: bytes) -> Iterator[FoundSample]:
        """Yields the one sample that a file is, or those that it is cut into.

        Raises:
            WrongInputError: it cannot be read.
        """
        values, _ = self.samples(content)
        yield from (FoundSample("", one) for one in values)

    def from_records(self, records: Sequence[Mapping[str, Json]]) -> ModelInputs:
        """Returns files given as `{FIELD: base64}`; other fields are ignored.

        Raises:
            WrongInputError: there are none, a field is missing or wrong, or a file cannot be read.
        """
        if not records:
            raise WrongInputError(f"`inputs`: expected at least one file, got none; give `{self.field}` of each")
        places = {f"inputs.{number}.{self.field}": record for number, record in enumerate(records)}
        samples = [self._samples(self._bytes_of(record, place), place) for place, record in places.items()]
        frames = numbered([frames for _, frames in samples])
        return ModelInputs({INPUTS: np.concatenate([values for values, _ in samples])}, frames=frames)

    def schema(self) -> dict[str, Any]:
        """Returns the JSON schema of a record."""
        described = f"{self.form}: {', '.join(self.media_types)}"
        file: dict[str, Any] = {"type": "string", "contentEncoding": "base64", "description": described}
        if examples := self.examples():
            file |= {"examples": [base64.b64encode(example).decode() for example in examples]}
        return {"type": "object", "properties": {self.field: file}, "required": [self.field]}

    def _samples(self, content: bytes, place: str) -> tuple[NDArray[Any], tuple[Frame, ...]]:
        try:
            return self.samples(content)
        except WrongInputError as error:
            raise WrongInputError(f"`{place}`: {error}") from None

    def _bytes_of(self, record: Mapping[str, Json], place: str) -> bytes:
        text = record.get(self.field)
        try:
            if not isinstance(text, str):
                raise TypeError
            return base64.b64decode(text, validate=True)
        except (TypeError, ValueError, binascii.Error):
            got = "none" if text is None else repr(text)[:80]
            message = f"`{place}`: expected {self.form} in base64, got {got}; give its bytes so"
            raise WrongInputError(message) from None
