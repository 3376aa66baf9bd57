"""Confidence intervals by the percentile bootstrap over test samples (Efron 1979).

Samples with the same outcome count alike, so drawing n samples with replacement is one multinomial draw over the
distinct outcomes: exact, and memory grows with the outcomes, not with the samples.

A proportion of 0 or 1 has no spread to resample and its bootstrap interval would be a point. Wilson's interval (1927)
stands there instead: 90 of 90 right does not mean that the next one must be.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from params.evaluate import Evaluate
from tasks.contracts.metrics import Interval
from tasks.training.seeds import generator

CELLS = 4_000_000
"""counts held in memory at once"""
Statistic = Callable[[NDArray[np.int64]], Mapping[str, NDArray[np.float64]]]
"""counts (m, k) of k distinct outcomes -> values (m,) by name"""


def bootstrap(counts: NDArray[np.int64], statistic: Statistic, params: Evaluate, seed: int) -> dict[str, Interval]:
    """Returns every value of a statistic with its interval.

    Args:
        counts: (k,) how often each distinct outcome occurs among the samples.
        statistic: gives the values for many data sets at once.
        params: confidence and number of resamples.
        seed: of the draws; equal seeds resample alike.
    """
    values = statistic(counts[np.newaxis])
    drawn = _resampled(counts, statistic, params.resamples, seed)
    tails = 50 * (1 - params.confidence), 50 * (1 + params.confidence)
    intervals = {}
    for name, value in values.items():
        low, high = np.percentile(drawn[name], tails)
        intervals[name] = Interval(value=float(value[0]), low=float(low), high=float(high))
    return intervals


def proportion(hits: NDArray[np.bool_], params: Evaluate, seed: int) -> Interval:
    """Returns the part of true among `hits` (n,); by Wilson where it is 0 or 1."""
    counts = np.bincount(hits, minlength=2)
    interval = bootstrap(counts, lambda c: {"part": c[:, 1] / c.sum(axis=1)}, params, seed)["part"]
    return unless_certain(interval, len(hits), params)


def paired_difference(ours: NDArray[np.bool_], theirs: NDArray[np.bool_], params: Evaluate, seed: int) -> Interval:
    """Returns accuracy of `ours` minus that of `theirs`, on the same samples (n,).

    Where no sample tells the two apart, the ends are those of Wilson's interval for such a sample to come, on either
    side.
    """
    counts = np.bincount(1 + ours.astype(np.int64) - theirs.astype(np.int64), minlength=3)
    if counts[1] == len(ours):
        reach = _wilson(0, len(ours), params.confidence)[1]
        return Interval(value=0.0, low=-reach, high=reach)
    return bootstrap(counts, lambda c: {"gain": (c[:, 2] - c[:, 0]) / c.sum(axis=1)}, params, seed)["gain"]


def mcnemar(ours: NDArray[np.bool_], theirs: NDArray[np.bool_]) -> float:
    """Returns the p-value of McNemar's test (1947) that two models err equally often on the same samples (n,).

    The exact one: of the samples that only one of the two has right, each is as likely to be ours as theirs.
    """
    from scipy.stats import binomtest  # takes 0.5 s to import

    apart = int((ours != theirs).sum())
    return float(binomtest(int((ours & ~theirs).sum()), apart).pvalue) if apart else 1.0


def unless_certain(interval: Interval, samples: int, params: Evaluate) -> Interval:
    """Returns the interval, or Wilson's for `samples` samples where its value is 0 or 1."""
    if interval.value not in (0.0, 1.0):
        return interval
    low, high = _wilson(round(interval.value * samples), samples, params.confidence)
    return Interval(value=interval.value, low=low, high=high)


def _resampled(counts: NDArray[np.int64], statistic: Statistic, resamples: int, seed: int) -> dict[str, Any]:
    draws, samples = generator(seed), int(counts.sum())
    at_once = max(1, CELLS // len(counts))
    parts = [
        statistic(draws.multinomial(samples, counts / samples, size=min(at_once, resamples - start)))
        for start in range(0, resamples, at_once)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _wilson(hits: int, samples: int, confidence: float) -> tuple[float, float]:
    from scipy.stats import binomtest  # takes 0.5 s to import

    ends = binomtest(hits, samples).proportion_ci(confidence, method="wilson")
    return float(ends.low), float(ends.high)
