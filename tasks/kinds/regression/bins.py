"""Numbers as distributions over evenly spaced values, and back; numpy only."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.contracts.targets import TargetCard
from tasks.kinds.contract import Floats, Rows
from tasks.kinds.regression.decode import SPREAD
from tasks.kinds.regression.names import RANGES, bins_of, high_of, low_of


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
    """Returns (n, 2) the numbers that `SPREAD` of each distribution lie below, a bin being as wide as its step."""
    values = values_of(card)
    edges = np.concatenate([values[:1], (values[1:] + values[:-1]) / 2, values[-1:]])
    below = np.cumsum(np.exp(log_probabilities(logits)), axis=1)
    return np.array([np.interp(SPREAD, np.concatenate([[0.0], row]), edges) for row in below]).reshape(-1, 2)


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
