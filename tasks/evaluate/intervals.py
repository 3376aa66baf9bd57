"""Confidence intervals of any metric, by the percentile bootstrap over test samples (Efron 1979).

Where samples come in units, such as several of one person, units are drawn: their samples are no independent draws.

A resampled data set holds sample i so many times, and the kind of task tallies its evidence by these counts. The data
sets are drawn once for all models, so the difference of two models in each of them is a paired difference.

A metric at an end of its range has no spread to resample, and its bootstrap interval would be a point. Wilson's
interval (1927) is taken there: 90 of 90 right does not mean that the next one must be.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite, nan

import numpy as np
from numpy.typing import NDArray

from params.evaluate import Evaluate
from tasks.contracts.metrics import Interval, Metric, split_name, wilson
from tasks.training.seeds import generator

CELLS = 4_000_000
"""counts held in memory at once"""
Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Tally = Callable[[Counts], Mapping[str, Floats]]
"""counts (m, n) of n samples in m data sets -> values (m,) by name"""


@dataclass(frozen=True)
class Resampled:
    """The values of one model by name: of the samples as they are, and of each resampled data set (m,)."""

    values: Mapping[str, float]
    drawn: Mapping[str, Floats]


def resample(
    tallies: Mapping[str, Tally], samples: int, params: Evaluate, seed: int, units: Counts | None = None
) -> dict[str, Resampled]:
    """Returns what each tally makes of the same resampled data sets; equal seeds resample alike.

    Args:
        tallies: of each model.
        samples: how many there are.
        params: how many data sets.
        seed: of the draws.
        units: (samples,) the number, from 0 on, of what is drawn whole; None where samples are drawn one by one.
    """
    parts: dict[str, list[Mapping[str, Floats]]] = {name: [] for name in tallies}
    for counts in _draws(samples, params.resamples, seed, units):
        for name, tally in tallies.items():
            parts[name].append(tally(counts))
    once = np.ones((1, samples), dtype=np.int64)
    return {name: Resampled(_single(tally(once)), _joined(parts[name])) for name, tally in tallies.items()}


def intervals(
    found: Resampled, metrics: Mapping[str, Metric], samples: int, support: Mapping[str, int], params: Evaluate
) -> dict[str, Interval]:
    """Returns every value with its interval.

    Args:
        found: the values of a model.
        metrics: what each name before its group is, for the range of its values.
        samples: how many there are.
        support: group -> how many of them are of it.
        params: the confidence.
    """
    result = {}
    for name, value in found.values.items():
        low, high = _ends(found.drawn[name], params.confidence)
        base, group = split_name(name)
        interval = Interval(value=value, low=low, high=high)
        result[name] = _unless_certain(interval, metrics[base], support.get(group, samples), params.confidence)
    return result


def gains(
    ours: Resampled, theirs: Resampled, metrics: Mapping[str, Metric], samples: int, params: Evaluate
) -> dict[str, Interval]:
    """Returns each metric of `ours` minus that of `theirs`, of metrics that are not per group.

    Where no data set tells the two apart, the ends are those of Wilson's interval for a sample to come that does, on
    either side.
    """
    result = {}
    for name in ours.values.keys() & metrics.keys() & theirs.values.keys():
        drawn = ours.drawn[name] - theirs.drawn[name]
        value, (low, high) = ours.values[name] - theirs.values[name], _ends(drawn, params.confidence)
        width = metrics[name].high - metrics[name].low
        if not drawn.any() and value == 0 and isfinite(width):
            high = width * wilson(0, samples, params.confidence)[1]
            low = -high
        result[name] = Interval(value=value, low=low, high=high)
    return {name: result[name] for name in metrics if name in result}


def mcnemar(ours: NDArray[np.bool_], theirs: NDArray[np.bool_]) -> float:
    """Returns the p-value of McNemar's test (1947) that two models err equally often on the same samples (n,).

    The exact one: of the samples that only one of the two has right, each is as likely to be ours as theirs.
    """
    from scipy.stats import binomtest  # takes 0.5 s to import

    apart = int((ours != theirs).sum())
    return float(binomtest(int((ours & ~theirs).sum()), apart).pvalue) if apart else 1.0


def independent(samples: int, units: Counts | None) -> int:
    """Returns how many independent draws so many samples are."""
    return samples if units is None else int(units.max(initial=-1)) + 1


def _draws(samples: int, resamples: int, seed: int, units: Counts | None) -> Iterator[Counts]:
    """Yields the counts (m, samples) of resampled data sets, as many at once as fit."""
    draws, at_once, drawn = generator(seed), max(1, CELLS // samples), independent(samples, units)
    for start in range(0, resamples, at_once):
        size = min(at_once, resamples - start)
        rows = draws.integers(0, drawn, (size, drawn)) + drawn * np.arange(size)[:, np.newaxis]
        counts = np.bincount(rows.ravel(), minlength=size * drawn).reshape(size, drawn)
        yield counts if units is None else counts[:, units]


def _single(values: Mapping[str, Floats]) -> dict[str, float]:
    return {name: float(value[0]) for name, value in values.items()}


def _joined(parts: list[Mapping[str, Floats]]) -> dict[str, Floats]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _ends(drawn: Floats, confidence: float) -> tuple[float, float]:
    """Returns the tails, of the data sets that say something; NaN where none does, as none has a sample of a group."""
    known = drawn[~np.isnan(drawn)]
    if not len(known):
        return nan, nan
    low, high = np.percentile(known, (50 * (1 - confidence), 50 * (1 + confidence)))
    return float(low), float(high)


def _unless_certain(interval: Interval, metric: Metric, samples: int, confidence: float) -> Interval:
    width = metric.high - metric.low
    certain = interval.low == interval.high and interval.value in (metric.low, metric.high)
    if not certain or not isfinite(width):
        return interval
    low, high = wilson(round((interval.value - metric.low) / width * samples), samples, confidence)
    return Interval(value=interval.value, low=metric.low + width * low, high=metric.low + width * high)
