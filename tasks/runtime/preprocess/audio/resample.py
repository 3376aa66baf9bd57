"""Other rates of sound: a polyphase filter, which may be fed in pieces and then remembers little.

Each sample of the new rate is a sum of old ones, weighted by a sinc that is cut by a Kaiser window and lets through
only what both rates can hold (Crochiere and Rabiner 1983, Multirate Digital Signal Processing, chapter 4). The filter
is that of `scipy.signal.resample_poly`, which a device does not have.
"""

from functools import cache
from math import gcd

import numpy as np
from numpy.typing import NDArray

from .wav import Samples

HALF = 10
"""zero crossings of the sinc on each side, at the lower of both rates"""
BETA = 5.0
"""of the Kaiser window"""
AT_ONCE = 2_048
"""samples made at a time, so that memory does not grow with a clip"""


class Resampler:
    """Turns sound of one rate into another, piece by piece; equal pieces or one whole clip give equal samples."""

    def __init__(self, rate: int, wanted: int) -> None:
        common = gcd(rate, wanted)
        self._up, self._down = wanted // common, rate // common
        self._filter = _filter(self._up, self._down)
        self._reach = HALF * max(self._up, self._down) // self._up + 1
        """old samples on each side that a new one may need"""
        self._old: Samples = np.zeros(self._reach, np.float32)
        self._first = -self._reach
        """which old sample, from 0, the first of `_old` is"""
        self._made = 0
        self._taken = 0

    def feed(self, samples: Samples) -> Samples:
        """Returns the new samples that can be made by now."""
        self._taken += len(samples)
        self._old = np.concatenate([self._old, samples])
        return self._up_to((self._taken - self._reach) * self._up // self._down)

    def finish(self) -> Samples:
        """Returns the last new samples; behind the end is silence."""
        self._old = np.concatenate([self._old, np.zeros(2 * self._reach, np.float32)])
        return self._up_to(-(-self._taken * self._up // self._down))

    def _up_to(self, end: int) -> Samples:
        parts = []
        while self._made < end:
            stop = min(end, self._made + AT_ONCE)
            parts.append(self._some(np.arange(self._made, stop)))
            self._made = stop
        self._forget()
        return np.concatenate(parts) if parts else np.empty(0, np.float32)

    def _some(self, numbers: NDArray[np.int64]) -> Samples:
        """Returns new samples by their numbers.

        The new sample n lies at n * down on a time line where old ones are `up` apart, so it reads the old samples
        around n * down // up with the taps of the phase n * down % up.
        """
        whole, phase = np.divmod(numbers * self._down, self._up)
        near = np.arange(-self._reach, self._reach + 1)
        taps = self._filter[np.clip(phase[:, None] - near * self._up + len(self._filter) // 2, 0, None)]
        old = self._old[whole[:, None] + near - self._first]
        new: Samples = np.einsum("ij,ij->i", taps, old.astype(np.float64)).astype(np.float32)
        return new

    def _forget(self) -> None:
        """Drops old samples that no later new one needs."""
        needed = self._made * self._down // self._up - self._reach
        if needed > self._first:
            self._old, self._first = self._old[needed - self._first :].copy(), needed


def resampled(samples: Samples, rate: int, wanted: int) -> Samples:
    """Returns a whole clip at another rate; as it is where the rates are equal."""
    if rate == wanted:
        return samples
    resampler = Resampler(rate, wanted)
    return np.concatenate([resampler.feed(samples), resampler.finish()])


@cache
def _filter(up: int, down: int) -> NDArray[np.float64]:
    """Returns the taps, with zeros on both sides for places that lie outside."""
    half, most = HALF * max(up, down), max(up, down)
    places = np.arange(-half, half + 1)
    taps = np.sinc(places / most) * np.kaiser(len(places), BETA)
    outside = 2 * most + up
    return np.pad(taps / taps.sum() * up, outside)
