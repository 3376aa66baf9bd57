"""The preprocessor of models that take sound: one WAV file is one sample."""

from dataclasses import dataclass
from typing import cast

from ..bundle.fields import Fields
from .audio.clip import RATES, ClipFormat, Longer, OtherRates
from .audio.wav import Samples, read_wav, silent_wav
from .one_file import OneFilePreprocessor

MEDIA_TYPES = ("audio/wav", "audio/x-wav", "audio/vnd.wave")


@dataclass(frozen=True)
class WaveformPreprocessor(OneFilePreprocessor):
    """Makes inputs of WAV files."""

    format: ClipFormat
    media_types = MEDIA_TYPES
    field = "audio"
    form = "a WAV file"

    def values(self, content: bytes) -> Samples:
        """Returns the samples (time,); raises as the base."""
        return self.format.clip(read_wav(content))

    def examples(self) -> list[bytes]:
        """Returns the shortest file that is taken, without a sound."""
        return [silent_wav(self.format.rate, self.format.shortest)]


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
