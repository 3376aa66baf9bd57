"""Average precision of data sets that hold pictures several times, as COCO defines it; numpy only."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

RECALLS = np.linspace(0, 1, 101)
"""at which precision is read"""
AT_ONCE = 2_000_000
"""numbers of boxes times data sets that are in memory together"""
TINY = np.spacing(1)
Doubles = NDArray[np.float64]
Flags = NDArray[np.bool_]


def average(weights: Doubles, right: Flags, counted: Flags, positives: Doubles) -> Doubles:
    """Returns the average precision (m,) of m data sets; NaN where there is nothing to find.

    Args:
        weights: (m, n) how often each data set holds each box; boxes by falling score.
        right: (n,) boxes that are right.
        counted: (n,) boxes that are right or wrong.
        positives: (m,) what there is to find.
    """
    step = max(1, AT_ONCE // max(weights.shape[1], 1))
    parts = [
        _interpolated(weights[start : start + step], right, counted, positives[start : start + step]).mean(axis=1)
        for start in range(0, len(weights), step)
    ]
    return np.where(positives > 0, np.concatenate(parts), np.nan)


def curve(right: Flags, counted: Flags, positives: float) -> Doubles:
    """Returns the interpolated precision (101,) at each of `RECALLS`, of one data set; see `average`."""
    one: Doubles = _interpolated(np.ones((1, len(right))), right, counted, np.array([positives]))[0]
    return one


def _interpolated(weights: Doubles, right: Flags, counted: Flags, positives: Doubles) -> Doubles:
    """Returns (m, 101) the highest precision at a recall of at least so much; 0 where recall does not get there."""
    kept = np.flatnonzero(counted)
    if not len(kept):
        return np.zeros((len(weights), len(RECALLS)))
    found = np.cumsum(weights[:, kept] * right[kept], axis=1)
    every = np.cumsum(weights[:, kept], axis=1)
    precision = found / (every + TINY)
    precision = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    recall = found / np.maximum(positives, TINY)[:, None]
    padded = np.concatenate([precision, np.zeros((len(precision), 1))], axis=1)
    return np.stack([row[places] for row, places in zip(padded, _places(recall), strict=True)])


def _places(recall: Doubles) -> Iterator[NDArray[np.int64]]:
    for row in recall:
        yield np.searchsorted(row, RECALLS, side="left")
