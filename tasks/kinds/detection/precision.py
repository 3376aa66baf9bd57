"""What scores come to as thresholds, and average precision of data sets that hold pictures several times, as COCO
defines it; numpy only.

Precision is read at 101 recalls, each time the highest one at that recall or beyond. Both rise at right boxes alone, so
only those are looked at: how many right boxes there are up to each of them, of how many.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

RECALLS = np.linspace(0, 1, 101)
"""at which precision is read"""
AT_ONCE = 2_000_000
"""numbers of boxes times data sets that are in memory together"""
TINY = np.spacing(1)
Doubles = NDArray[np.float64]
Flags = NDArray[np.bool_]


def told_from(
    scores: NDArray[np.float32], right: Flags, false: Flags, least: float
) -> tuple[Doubles, Doubles, Doubles]:
    """Returns thresholds (m,), rising, and how many right and false boxes (m,) have at least that score.

    Each lies in the middle between two scores that are there, the first between `least` and the lowest, the last above
    all: what rounding makes of a score on another machine changes nothing.

    Args:
        scores: (n,) from `least` to 1.
        right: (n,) boxes that are right.
        false: (n,) boxes that are wrong.
        least: boxes with a lower score were not looked at.
    """
    levels, of = np.unique(scores, return_inverse=True)
    edges = np.concatenate([[least], levels.astype(np.float64), [1.0]])
    middles = (edges[:-1] + edges[1:]) / 2
    able = middles < 1  # a logit can be so high that its score is 1
    counts = [np.bincount(of[some], minlength=len(levels)) for some in (right, false)]
    totals = [np.append(np.cumsum(count[::-1])[::-1], 0).astype(np.float64)[able] for count in counts]
    return middles[able], totals[0], totals[1]


@dataclass
class WeighedBoxes:
    """Boxes of one class (n,) by falling score, and how often each of m data sets holds them (m, n)."""

    weights: Doubles
    _totals: dict[bytes, Doubles] = field(default_factory=dict)

    def average(self, right: Flags, counted: Flags, positives: Doubles) -> Doubles:
        """Returns the average precision (m,); NaN where there is nothing to find.

        Args:
            right: (n,) boxes that are right.
            counted: (n,) boxes that are right or wrong.
            positives: (m,) what there is to find.
        """
        best, recalls = self._steps(right, counted, positives)
        return np.where(positives > 0, (best * recalls).sum(axis=1) / len(RECALLS), np.nan)

    def curve(self, right: Flags, counted: Flags, positives: Doubles) -> Doubles:
        """Returns the precision (101,) at each of `RECALLS`, of the first data set; see `average`."""
        best, recalls = self._steps(right, counted, positives)
        values = np.repeat(best[0], recalls[0])
        return np.concatenate([values, np.zeros(len(RECALLS) - len(values))])

    def _steps(self, right: Flags, counted: Flags, positives: Doubles) -> tuple[Doubles, NDArray[np.int64]]:
        """Returns (m, right boxes): the highest precision there or beyond, and at how many of `RECALLS` it is read."""
        places = np.flatnonzero(right)
        found = np.cumsum(self.weights[:, places], axis=1)
        precision = found / (self._total(counted)[:, places] + TINY)
        best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        recall = found / np.maximum(positives, TINY)[:, None]
        reached = np.searchsorted(RECALLS, recall.ravel(), side="right").reshape(recall.shape)
        return best, np.diff(reached, axis=1, prepend=0)

    def _total(self, counted: Flags) -> Doubles:
        """Returns (m, n) how many boxes are counted up to each; mostly the same for all overlaps, so it is kept."""
        key = counted.tobytes()
        if key not in self._totals:
            if len(self._totals) * self.weights.size > AT_ONCE:
                self._totals.clear()
            self._totals[key] = np.cumsum(self.weights * counted, axis=1)
        return self._totals[key]
