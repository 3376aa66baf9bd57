"""Whether the latencies of two files can be told apart, from rounds in which both were timed."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

TIE = 1.03
"""a ratio of latencies up to this is no difference that a product notices"""
Z = 1.96
"""standard normal quantile of a two-sided interval of 95 %"""
Times = NDArray[np.float64]
"""(rounds,) milliseconds"""


def ties(times: Mapping[str, Times]) -> dict[str, tuple[str, ...]]:
    """Returns for each file those whose latency cannot be told from its own."""
    return {
        one: tuple(other for other in times if other != one and not told_apart(times[one], times[other]))
        for one in times
    }


def told_apart(one: Times, other: Times) -> bool:
    """Says whether two files differ by more than `TIE` and by more than noise.

    Rounds are paired, so a busy moment of the machine slows both down. The interval of the median ratio is that of
    order statistics, which asks for no distribution: ranks n/2 +- Z sqrt(n)/2 (Conover, Practical Nonparametric
    Statistics, 1999, section 3.2).
    """
    ratios = np.sort(one / other)
    half = Z * np.sqrt(len(ratios)) / 2
    low = ratios[max(int(np.floor(len(ratios) / 2 - half)), 0)]
    high = ratios[min(int(np.ceil(len(ratios) / 2 + half)), len(ratios) - 1)]
    median = float(np.median(ratios))
    return bool(max(median, 1 / median) > TIE and not low <= 1 <= high)
