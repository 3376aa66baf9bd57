"""The names that the parts of this kind share, and what is known of the range of numbers."""

from typing import cast

from params.section import LABEL
from tasks.contracts.targets import TargetCard

LOGITS = "logits"
"""the only output: (batch, bins)"""
VALUE = "value"
"""the column of the target: float64"""
INTERVAL = "interval"
"""of the facts"""
RANGES = 5
"""parts of equal length that errors are looked at by"""

__all__ = [
    "INTERVAL",
    "LABEL",
    "LOGITS",
    "RANGES",
    "VALUE",
    "bins_of",
    "high_of",
    "interval_of",
    "low_of",
    "range_names",
    "tolerance_of",
]


def low_of(card: TargetCard) -> float:
    """Returns the smallest number there can be."""
    return float(cast(float, card.facts["low"]))


def high_of(card: TargetCard) -> float:
    """Returns the largest number there can be."""
    return float(cast(float, card.facts["high"]))


def bins_of(card: TargetCard) -> int:
    """Returns over how many evenly spaced values there is a distribution."""
    return cast(int, card.facts["bins"])


def interval_of(card: TargetCard) -> float:
    """Returns the part of a distribution that is inside the interval told with an answer."""
    return float(cast(float, card.facts[INTERVAL]))


def tolerance_of(card: TargetCard) -> float:
    """Returns how far off a number may be and still counts as right."""
    return float(cast(float, card.facts["tolerance"]))


def range_names(card: TargetCard) -> tuple[str, ...]:
    """Returns what the parts of the range are called, lowest first."""
    low, width = low_of(card), (high_of(card) - low_of(card)) / RANGES
    ends = [low + place * width for place in range(RANGES + 1)]
    return tuple(f"{ends[place]:.6g} to {ends[place + 1]:.6g}" for place in range(RANGES))
