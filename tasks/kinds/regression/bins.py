"""Numbers as distributions over evenly spaced values, and back; numpy only."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.contracts.targets import TargetCard
from tasks.kinds.contract import Floats, Rows
from tasks.kinds.regression.decode import edges_of, interval_ends
from tasks.kinds.regression.names import RANGES, bins_of, high_of, interval_of, low_of


def values_of(card: TargetCard) -> Floats:
    """Returns the values (bins,) that the distribution is over."""
    return np.linspace(low_of(card), high_of(card), bins_of(card))


def log_probabilities(logits: NDArray[Any]) -> Floats:
    """Returns the logarithm of the distribution of each sample (n, bins), in float64, without overflow."""
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    found: Floats = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return found


def expected(logits: NDArray[Any], card: TargetCard) -> Floats:
    """Returns the mean (n,) of each distribution: Rothe, Timofte and Van Gool 2015 (ICCV workshops), equation 3."""
    mean: Floats = np.exp(log_probabilities(logits)) @ values_of(card)
    return mean


def interval(logits: NDArray[Any], card: TargetCard) -> Floats:
    """Returns (n, 2) the numbers between which the stated part of each distribution lies, as a device tells them."""
    parts, values, inside = np.exp(log_probabilities(logits)), values_of(card), interval_of(card)
    return np.array([interval_ends(row, values, inside) for row in parts]).reshape(-1, 2)


def needed_interval(logits: NDArray[Any], numbers: Floats, card: TargetCard) -> Floats:
    """Returns the smallest part (n,) of each distribution that an interval must hold to hold the number."""
    parts, edges = np.exp(log_probabilities(logits)), edges_of(values_of(card))
    pairs = zip(np.cumsum(parts, axis=1), numbers, strict=True)
    below = np.array([np.interp(number, edges, np.concatenate([[0.0], row])) for row, number in pairs])
    needed: Floats = np.abs(2 * below - 1)
    return needed


def shared(numbers: Floats, card: TargetCard) -> tuple[Rows, Floats]:
    """Returns the lower neighbouring bin (n,) of each number, and the part (n,) that belongs to the upper one.

    A number beyond the range belongs to the last bin of its side.
    """
    steps = bins_of(card) - 1
    place = np.clip((numbers - low_of(card)) / (high_of(card) - low_of(card)), 0, 1) * steps
    lower = np.minimum(place.astype(np.int64), steps - 1)
    return lower, place - lower


def range_of(numbers: Floats, card: TargetCard) -> Rows:
    """Returns the part of the range (n,) that each number is in, from 0 on; one beyond is in the nearest."""
    place = RANGES * (numbers - low_of(card)) / (high_of(card) - low_of(card))
    return np.clip(place, 0, RANGES - 1).astype(np.int64)
