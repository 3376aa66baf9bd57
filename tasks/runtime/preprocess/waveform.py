"""The preprocessor of models that take sound: one WAV file is one sample."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from ..bundle.fields import Fields, Json
from ..bundle.session import INPUTS
from ..errors import WrongInputError
from .audio.clip import RATES, ClipFormat, Longer, OtherRates
from .audio.wav import Samples, UnreadableSoundError, read_wav, silent_wav
from .preprocessor import ModelInputs

MEDIA_TYPES = ("audio/wav", "audio/x-wav", "audio/vnd.wave")


@dataclass(frozen=True)
class WaveformPreprocessor:
    """Makes inputs of WAV files: one file is one sample."""

    format: ClipFormat
    media_types: tuple[str, ...] = MEDIA_TYPES

    def from_file(self, content: bytes) -> ModelInputs:
        """Returns the clip as a batch of one.

        Raises:
            WrongInputError: it cannot be read.
        """
        return ModelInputs({INPUTS: self._clip(content, INPUTS)[np.newaxis]})

    def from_records(self, records: Sequence[Mapping[str, Json]]) -> ModelInputs:
        """Returns clips given as `{"audio": base64 of a WAV file}`; other fields are ignored.

        Raises:
            WrongInputError: there are none, a field is missing or wrong, or a clip cannot be read.
        """
        if not records:
            raise WrongInputError("`inputs`: expected at least one clip, got none; give `audio` of each")
        places = {f"inputs.{number}.audio": record for number, record in enumerate(records)}
        return ModelInputs(
            {INPUTS: np.stack([self._clip(_bytes_of(one, place), place) for place, one in places.items()])}
        )

    def schema(self) -> dict[str, Any]:
        """Returns the JSON schema of a record."""
        silence = base64.b64encode(silent_wav(self.format.rate, self.format.shortest)).decode()
        audio = {"type": "string", "contentEncoding": "base64", "description": "a WAV file", "examples": [silence]}
        return {"type": "object", "properties": {"audio": audio}, "required": ["audio"]}

    def _clip(self, content: bytes, place: str) -> Samples:
        try:
            return self.format.clip(read_wav(content))
        except UnreadableSoundError as error:
            raise WrongInputError(f"`{place}`: {error}") from None


def _bytes_of(record: Mapping[str, Json], place: str) -> bytes:
    text = record.get("audio")
    try:
        if not isinstance(text, str):
            raise TypeError
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError, binascii.Error):
        got = "none" if text is None else repr(text)[:80]
        raise WrongInputError(f"`{place}`: expected a WAV file in base64, got {got}; give its bytes so") from None


def load(fields: Fields) -> WaveformPreprocessor:
    """Returns what reads sound, from the fields of a manifest.

    Raises:
        ManifestError: a field is missing or wrong.
    """
    rate, samples, shortest = (fields.integer(name) for name in ("rate", "samples", "shortest"))
    longer, other_rates = fields.text("longer"), fields.text("other_rates")
    if not RATES[0] <= rate <= RATES[1]:
        raise fields.wrong("rate", f"{RATES[0]} to {RATES[1]}", rate)
    if not 0 < shortest <= samples:
        raise fields.wrong("shortest", f"1 to {samples} samples", shortest)
    if longer not in ("refuse", "loudest"):
        raise fields.wrong("longer", "`refuse` or `loudest`", longer)
    if other_rates not in ("resample", "refuse"):
        raise fields.wrong("other_rates", "`resample` or `refuse`", other_rates)
    return WaveformPreprocessor(
        ClipFormat(rate, samples, shortest, cast(Longer, longer), cast(OtherRates, other_rates))
    )
