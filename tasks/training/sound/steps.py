"""Random changes to clips of sound (n, samples), before any front end: so teacher and student learn the same masks.

What the Fourier transform computes in float64 is rounded to float32, where machines agree.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from params.audio.augment import Background, BandMask, Gain, TimeMask, TimeShift

Clips = NDArray[np.float32]
RUMBLE = 0.95
"""of a noise sample that stays in the next one, where the noise rumbles most"""


class Numbers(Protocol):
    """Random numbers for n clips."""

    def uniform(self, count: int) -> NDArray[np.float64]:
        """Returns (n, count) in 0..1."""

    def normal(self, count: int) -> NDArray[np.float32]:
        """Returns (n, count) of mean 0 and variance 1."""


def _time_shift(clips: Clips, _std: Clips, draws: Numbers, step: TimeShift) -> Clips:
    samples = clips.shape[1]
    by = np.rint((2 * draws.uniform(1) - 1) * step.largest * samples).astype(np.int64)
    places = np.arange(samples) - by
    inside = (places >= 0) & (places < samples)
    moved: Clips = np.take_along_axis(clips, places.clip(0, samples - 1), axis=1) * inside
    return moved


def _gain(clips: Clips, _std: Clips, draws: Numbers, step: Gain) -> Clips:
    factor = step.lowest + (step.highest - step.lowest) * draws.uniform(1)
    return clips * factor.astype(np.float32)


def _background(clips: Clips, std: Clips, draws: Numbers, step: Background) -> Clips:
    chance, loudness, rumble = draws.uniform(3).T
    noise = draws.normal(clips.shape[1]).astype(np.float64)
    loud = np.where(chance < step.chance, loudness * step.loudest, 0)
    kept = rumble * RUMBLE
    coloured = np.stack([lfilter([np.sqrt(1 - k * k)], [1, -k], row) for k, row in zip(kept, noise, strict=True)])
    mixed: Clips = clips + (coloured * loud[:, None]).astype(np.float32) * std
    return mixed


def _time_mask(clips: Clips, _std: Clips, draws: Numbers, step: TimeMask) -> Clips:
    return clips * ~_stretch(clips.shape[1], step.largest, draws)


def _band_mask(clips: Clips, _std: Clips, draws: Numbers, step: BandMask) -> Clips:
    spectra = np.fft.rfft(clips.astype(np.float64), axis=1)
    spectra[_stretch(spectra.shape[1], step.largest, draws)] = 0
    return np.fft.irfft(spectra, n=clips.shape[1], axis=1).astype(np.float32)


def _stretch(size: int, largest: float, draws: Numbers) -> NDArray[np.bool_]:
    """Returns (n, size): which places belong to a stretch of random length, up to a part of them, at a random place."""
    part, place = draws.uniform(2).T[:, :, None]
    length = np.rint(part * largest * size)
    start = np.floor(place * (size - length + 1))
    places = np.arange(size)
    inside: NDArray[np.bool_] = (places >= start) & (places < start + length)
    return inside


SOUND: Mapping[str, Callable[[Clips, Clips, Numbers, Any], Clips]] = {
    "time_shift": _time_shift,
    "gain": _gain,
    "background": _background,
    "time_mask": _time_mask,
    "band_mask": _band_mask,
}
"""step -> (clips, standard deviation of all samples, random numbers, section of the recipe) -> changed clips"""
