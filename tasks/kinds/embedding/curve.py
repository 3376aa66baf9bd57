"""Curves of scored pairs: how many of the same identity are accepted at the cost of how many others; numpy only.

Every threshold is a score of a pair, and equal scores are accepted together. Pairs have weights, so that resampled data
sets are other weights of the same pairs.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.kinds.contract import Floats, Rows

Booleans = NDArray[np.bool_]
NOISE = 1e-12
"""of sums of weights, that a rate may be above its limit by"""


@dataclass(frozen=True)
class Curve:
    """Rates of m data sets (m, thresholds + 1), from the threshold that accepts nothing to the one that accepts all.

    Attributes:
        far: false accept rate.
        tar: true accept rate.
        scores: (thresholds,) from the highest on.
    """

    far: Floats
    tar: Floats
    scores: Floats

    @classmethod
    def of(cls, score: Floats, same: Booleans, weights: Floats) -> "Curve":
        """Returns the curves of pairs (p,) with weights (m, p); NaN where a data set lacks a sort of pairs."""
        order = np.argsort(-score, kind="stable")
        ordered, same, weights = score[order], same[order], weights[:, order]
        ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
        tar, far = (_rates(weights * sort, ends) for sort in (same, ~same))
        return cls(far, tar, ordered[ends])

    def auc(self) -> Floats:
        """Returns the area (m,) under TAR over FAR: how often a pair of one identity is more alike than another."""
        area: Floats = (np.diff(self.far, axis=1) * (self.tar[:, 1:] + self.tar[:, :-1]) / 2).sum(axis=1)
        return area

    def eer(self) -> Floats:
        """Returns the rate (m,) at which false accepts and false rejects are equal, between thresholds by a line."""
        rows = np.arange(len(self.far))
        surplus = self.far + self.tar - 1  # rises from -1 to 1
        after = np.argmax(surplus >= 0, axis=1)
        before = np.maximum(after - 1, 0)
        low, high = surplus[rows, before], surplus[rows, after]
        part = np.where(high > low, -low / np.where(high > low, high - low, 1), 0)
        rate: Floats = self.far[rows, before] + part * (self.far[rows, after] - self.far[rows, before])
        return rate

    def tar_at(self, far: float) -> Floats:
        """Returns the largest true accept rate (m,) of a threshold whose false accept rate is at most `far`."""
        allowed = np.maximum((self.far <= far + NOISE).sum(axis=1) - 1, 0)
        rate: Floats = self.tar[np.arange(len(self.tar)), allowed]
        return rate

    def best_threshold(self) -> float:
        """Returns the score from which on to accept, of the first data set, for the highest verification accuracy."""
        return float(self.scores[max(int(np.argmax((self.tar - self.far)[0])) - 1, 0)])


def _rates(weights: Floats, ends: Rows) -> Floats:
    sums = np.cumsum(weights, axis=1)
    with np.errstate(invalid="ignore"):
        rates = sums[:, ends] / sums[:, -1:]
    return np.concatenate([np.where(np.isnan(rates[:, :1]), np.nan, 0), rates], axis=1)
