"""The preprocessor of models that take pictures: one file is one sample."""

import base64
import binascii
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.fields import Fields, Json
from ..bundle.session import INPUTS
from ..errors import WrongInputError
from .picture_format import FILTER, FORMATS, FULL_RANGE, MODES, WHITE, PictureFormat, UnreadablePictureError
from .preprocessor import ModelInputs

MEDIA_TYPES = tuple(f"image/{name.lower()}" for name in FORMATS)


@dataclass(frozen=True)
class PicturePreprocessor:
    """Makes inputs of picture files: one file is one sample."""

    format: PictureFormat
    media_types: tuple[str, ...] = MEDIA_TYPES

    def from_file(self, content: bytes) -> ModelInputs:
        """Returns the picture as a batch of one.

        Raises:
            WrongInputError: it cannot be read.
        """
        return ModelInputs({INPUTS: self._values(content, INPUTS)[np.newaxis]})

    def from_records(self, records: Sequence[Mapping[str, Json]]) -> ModelInputs:
        """Returns pictures given as `{"image": base64 of a file}`; other fields are ignored.

        Raises:
            WrongInputError: there are none, a field is missing or wrong, or a picture cannot be read.
        """
        if not records:
            raise WrongInputError("`inputs`: expected at least one picture, got none; give `image` of each")
        places = {f"inputs.{number}.image": record for number, record in enumerate(records)}
        pictures = [self._values(_bytes_of(record, place), place) for place, record in places.items()]
        return ModelInputs({INPUTS: np.stack(pictures)})

    def schema(self) -> dict[str, Any]:
        """Returns the JSON schema of a record."""
        image = {"type": "string", "contentEncoding": "base64", "description": f"a file: {', '.join(FORMATS)}"}
        return {"type": "object", "properties": {"image": image}, "required": ["image"]}

    def _values(self, content: bytes, place: str) -> NDArray[np.uint8]:
        try:
            return self.format.values(io.BytesIO(content))
        except UnreadablePictureError as error:
            raise WrongInputError(f"`{place}`: {error}") from None


def _bytes_of(record: Mapping[str, Json], place: str) -> bytes:
    text = record.get("image")
    try:
        if not isinstance(text, str):
            raise TypeError
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError, binascii.Error):
        got = "none" if text is None else repr(text)[:80]
        raise WrongInputError(f"`{place}`: expected a picture file in base64, got {got}; give its bytes so") from None


def load(fields: Fields) -> PicturePreprocessor:
    """Returns what reads pictures, from the fields of a manifest.

    Raises:
        ManifestError: a field is missing or wrong.
    """
    size, levels = fields.shape("size"), fields.shape("levels")
    channels, background, resize = fields.integer("channels"), fields.integer("background"), fields.text("filter")
    if len(size) != 2 or not all(size):
        raise fields.wrong("size", "a height and a width of at least 1", list(size))
    if len(levels) != 2 or not (levels[0] or 0) < (levels[1] or 0) <= FULL_RANGE[1]:
        raise fields.wrong("levels", f"a first and a last value up to {FULL_RANGE[1]}", list(levels))
    if channels not in MODES:
        raise fields.wrong("channels", "1, 3 or 4", channels)
    if background > WHITE:
        raise fields.wrong("background", "a grey level from 0 to 255", background)
    if resize != FILTER:
        raise fields.wrong("filter", f"`{FILTER}`", resize)
    shape, range_ = (size[0] or 0, size[1] or 0), (levels[0] or 0, levels[1] or 0)
    return PicturePreprocessor(PictureFormat(shape, channels, range_, background))
