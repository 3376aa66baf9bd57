"""Random changes to clips of sound (n, samples), before any front end: so teacher and student learn the same masks.

What the Fourier transform computes in float64 is rounded to float32, where machines agree.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from params.audio.augment import Background, BandMask, Gain, SpeedChange, TimeMask, TimeShift

Clips = NDArray[np.float32]
RUMBLE = 0.95
"""of a noise sample that stays in the next one, where the noise rumbles most"""


class Numbers(Protocol):
    """Random numbers for n clips."""

    def uniform(self, count: int) -> NDArray[np.float64]:
        """Returns (n, count) in 0..1."""

    def normal(self, count: int) -> NDArray[np.float32]:
        """Returns (n, count) of mean 0 and variance 1."""


@dataclass(frozen=True)
class Sounds:
    """What a step works on.

    Attributes:
        clips: (n, samples).
        std: standard deviation of all training samples.
        draws: the random numbers of this step.
        noise: label -> recorded clips (clips, samples) of mean square 1.
    """

    clips: Clips
    std: Clips
    draws: Numbers
    noise: Mapping[str, Clips]


def _time_shift(sounds: Sounds, step: TimeShift) -> Clips:
    clips, samples = sounds.clips, sounds.clips.shape[1]
    by = np.rint((2 * sounds.draws.uniform(1) - 1) * step.largest * samples).astype(np.int64)
    places = np.arange(samples) - by
    inside = (places >= 0) & (places < samples)
    moved: Clips = np.take_along_axis(clips, places.clip(0, samples - 1), axis=1) * inside
    return moved


def _speed(sounds: Sounds, step: SpeedChange) -> Clips:
    """Reads a clip faster or slower around its middle, linearly between samples."""
    clips, samples = sounds.clips, sounds.clips.shape[1]
    factor, middle = 1 + (2 * sounds.draws.uniform(1) - 1) * step.largest, (samples - 1) / 2
    places = middle + (np.arange(samples) - middle) * factor
    inside = (places >= 0) & (places <= samples - 1)
    places = places.clip(0, samples - 1)
    low = places.astype(np.int64)
    first, second = (np.take_along_axis(clips, at, axis=1) for at in (low, np.minimum(low + 1, samples - 1)))
    read: Clips = (first + (second - first) * (places - low).astype(np.float32)) * inside
    return read


def _gain(sounds: Sounds, step: Gain) -> Clips:
    factor = step.lowest + (step.highest - step.lowest) * sounds.draws.uniform(1)
    return sounds.clips * factor.astype(np.float32)


def _background(sounds: Sounds, step: Background) -> Clips:
    chance, loudness, *how = sounds.draws.uniform(4).T
    loud = np.where(chance < step.chance, loudness * step.loudest, 0)
    noise = _made(sounds, how[0]) if step.label is None else _recorded(sounds, sounds.noise[step.label], *how)
    mixed: Clips = sounds.clips + (noise * loud[:, None]).astype(np.float32) * sounds.std
    return mixed


def _made(sounds: Sounds, rumble: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns noise of variance 1, white where `rumble` (n,) is 0."""
    white, kept = sounds.draws.normal(sounds.clips.shape[1]).astype(np.float64), rumble * RUMBLE
    return np.stack([lfilter([np.sqrt(1 - k * k)], [1, -k], row) for k, row in zip(kept, white, strict=True)])


def _recorded(
    sounds: Sounds, noise: Clips, which: NDArray[np.float64], start: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Returns clips of noise, each drawn and begun somewhere; behind its end it goes on at its begin."""
    samples = sounds.clips.shape[1]
    drawn = noise[(which * len(noise)).astype(np.int64)]
    places = (np.arange(samples) + (start * samples).astype(np.int64)[:, None]) % samples
    return np.take_along_axis(drawn, places, axis=1).astype(np.float64)


def _time_mask(sounds: Sounds, step: TimeMask) -> Clips:
    return sounds.clips * ~_stretch(sounds.clips.shape[1], step.largest, sounds.draws)


def _band_mask(sounds: Sounds, step: BandMask) -> Clips:
    spectra = np.fft.rfft(sounds.clips.astype(np.float64), axis=1)
    spectra[_stretch(spectra.shape[1], step.largest, sounds.draws)] = 0
    return np.fft.irfft(spectra, n=sounds.clips.shape[1], axis=1).astype(np.float32)


def _stretch(size: int, largest: float, draws: Numbers) -> NDArray[np.bool_]:
    """Returns (n, size): which places belong to a stretch of random length, up to a part of them, at a random place."""
    part, place = draws.uniform(2).T[:, :, None]
    length = np.rint(part * largest * size)
    start = np.floor(place * (size - length + 1))
    places = np.arange(size)
    inside: NDArray[np.bool_] = (places >= start) & (places < start + length)
    return inside


SOUND: Mapping[str, Callable[[Sounds, Any], Clips]] = {
    "time_shift": _time_shift,
    "speed": _speed,
    "gain": _gain,
    "background": _background,
    "time_mask": _time_mask,
    "band_mask": _band_mask,
}
"""step -> (clips, section of the recipe) -> changed clips"""
