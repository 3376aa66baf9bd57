"""A sound as the clip that a model takes: its rate, its length, and what is too bad to be one."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from .resample import resampled
from .wav import Samples, Sound, UnreadableSoundError

KIND = "waveform"
RATES = (1_000, 384_000)
SILENT = 1e-3
"""peak of a clip in which nothing is to be found: 60 dB below full scale"""
FULL = 0.999
"""from here on a sample is at full scale"""
CLIPPED = 0.01
"""part of the samples at full scale from which on a clip is distorted"""
OtherRates = Literal["resample", "refuse"]
Longer = Literal["refuse", "loudest"]


@dataclass(frozen=True)
class ClipFormat:
    """What each clip becomes.

    Attributes:
        rate: samples of a second.
        samples: of a clip; a shorter one lies in the middle of silence.
        shortest: samples that are to be there; fewer are a mistake, not a word.
        longer: whether a longer clip is refused, or gives its loudest part.
        other_rates: whether sound of another rate is resampled or refused.
    """

    rate: int
    samples: int
    shortest: int
    longer: Longer
    other_rates: OtherRates

    def facts(self) -> Mapping[str, Any]:
        """Returns `preprocessing` of a manifest."""
        return {"kind": KIND, **asdict(self)}

    def at_rate(self, sound: Sound) -> Samples:
        """Returns all samples of a sound at the rate of the model.

        Raises:
            UnreadableSoundError: it has another rate, which is refused or is none.
        """
        self.check_rate(sound.rate)
        return resampled(sound.samples, sound.rate, self.rate)

    def check_rate(self, rate: int) -> None:
        """Refuses a rate that cannot be used; raises as `at_rate`."""
        if rate != self.rate and self.other_rates == "refuse":
            raise UnreadableSoundError(f"expected {self.rate} Hz, got {rate} Hz; record or convert it so")
        if not RATES[0] <= rate <= RATES[1]:
            raise UnreadableSoundError(f"expected {RATES[0]} to {RATES[1]} Hz, got {rate} Hz; convert it")

    def clip(self, sound: Sound) -> Samples:
        """Returns (samples,) of a sound.

        Raises:
            UnreadableSoundError: it is empty, too short, too long, not finite, or of another rate.
        """
        if not len(sound.samples):
            raise UnreadableSoundError("expected sound, got an empty file")
        if not np.isfinite(sound.samples).all():
            raise UnreadableSoundError("expected finite samples, got NaN or infinity")
        found = self.at_rate(sound)
        if len(found) < self.shortest:
            raise UnreadableSoundError(f"expected at least {self._told(self.shortest)}, got {self._told(len(found))}")
        if len(found) > self.samples and self.longer == "refuse":
            raise UnreadableSoundError(f"expected at most {self._told(self.samples)}, got {self._told(len(found))}")
        return self._fitted(found)

    def _fitted(self, found: Samples) -> Samples:
        if len(found) >= self.samples:
            energy = np.concatenate([[0.0], np.cumsum(found.astype(np.float64) ** 2)])
            start = int(np.argmax(energy[self.samples :] - energy[: -self.samples]))
            return np.ascontiguousarray(found[start : start + self.samples])
        clip = np.zeros(self.samples, np.float32)
        start = (self.samples - len(found)) // 2
        clip[start : start + len(found)] = found
        return clip

    def _told(self, samples: int) -> str:
        return f"{samples / self.rate:.3g} s"


def flaw_of(clip: Samples) -> str:
    """Returns why a clip teaches nothing; empty where it is fine. A device answers to such clips all the same."""
    if np.abs(clip).max() < SILENT:
        return f"expected sound, got silence (no sample above {SILENT:g} of full scale)"
    full = float((np.abs(clip) >= FULL).mean())
    if full > CLIPPED:
        return f"expected at most {CLIPPED:.0%} of samples at full scale, got {full:.1%}: the clip is distorted"
    return ""
