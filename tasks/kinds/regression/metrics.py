"""Metrics of a regression, from the number of each sample and what was answered; numpy only.

R squared decides: it has no unit, so limits on it mean the same whatever is measured.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, sqrt

import numpy as np
from numpy.typing import NDArray

from tasks.contracts.metrics import Metric
from tasks.contracts.targets import TargetCard, Targets
from tasks.kinds.contract import Arrays, Constant, Floats, OperatingCurve, Rows, ScoredPairs
from tasks.kinds.regression.bins import (
    expected,
    interval,
    log_probabilities,
    needed_interval,
    range_of,
    shared,
    values_of,
)
from tasks.kinds.regression.names import (
    INTERVAL,
    LOGITS,
    RANGES,
    VALUE,
    bins_of,
    interval_of,
    range_names,
    tolerance_of,
)

CERTAIN = 3.0
"""standard errors by which a correlation must be above 0"""
MUCH = 0.2
"""by so much R squared must rise with another reading of the answers before that reading is believed"""
TRUSTED = 0.5
"""R squared that answers must reach when read otherwise: one that knows little is weak on any range"""
STILL = 0.02
"""of the deviation of the numbers: answers that differ less from each other are one answer"""
SQUARED, ABSOLUTE, ROOT, WITHIN, OF_RANGE, LOSS = "r2", "mae", "rmse", "within_tolerance", "range_mae", "loss"
COVERED, WIDTH = "in_interval", "interval_width"
PARTS = 1 / (1 + np.exp(-np.arange(-200, 601) / 50))
"""of the distribution, that are tried for the interval: evenly by log odds, up to one less six millionths"""
_COLUMNS = ("predicted", "true", "loss", "right", "covered", "width", "needed", "part")


@dataclass(frozen=True)
class Estimates:
    """What became of each sample (n,).

    Attributes:
        predicted: the mean of the distribution.
        true: the number.
        loss: cross-entropy with the number shared between two bins, in nats.
        right: whether the two are no farther apart than the tolerance.
        covered: whether the number is inside the interval that is told with the answer.
        width: of that interval.
        needed: the part of the distribution that an interval must hold to hold the number.
        part: of the range, which the number is in.
        ranges: the names of these parts.
    """

    predicted: Floats
    true: Floats
    loss: Floats
    right: NDArray[np.bool_]
    covered: NDArray[np.bool_]
    width: Floats
    needed: Floats
    part: Rows
    ranges: tuple[str, ...]


class RegressionMetrics:
    """The part of the kind."""

    metrics = (
        Metric(SQUARED, "R squared", low=-inf, unit="number"),
        Metric(ABSOLUTE, "mean absolute error", "lower", high=inf, unit="number"),
        Metric(ROOT, "root mean squared error", "lower", high=inf, unit="number"),
        Metric(WITHIN, "within the tolerance"),
        Metric(OF_RANGE, "mean absolute error", "lower", 0, inf, "range", False, False, "number"),
        Metric(COVERED, "numbers inside their interval", each_epoch=False, in_summary=False, threshold="lowest"),
        Metric(WIDTH, "width of an interval", "lower", 0, inf, None, False, False, "number"),
        Metric(LOSS, "cross-entropy", "lower", high=inf, in_summary=False, unit="number"),
    )

    def evidence(self, outputs: Arrays, targets: Targets, card: TargetCard) -> Estimates:
        """Returns what became of each sample of a batch."""
        logits, true = outputs[LOGITS], np.asarray(targets[VALUE], dtype=np.float64)
        predicted, ends, needed = expected(logits, card), interval(logits, card), needed_interval(logits, true, card)
        return Estimates(
            predicted,
            true,
            _losses(logits, true, card),
            np.abs(predicted - true) <= tolerance_of(card),
            needed <= interval_of(card),
            ends[:, 1] - ends[:, 0],
            needed,
            range_of(true, card),
            range_names(card),
        )

    def joined(self, parts: Sequence[Estimates]) -> Estimates:
        """Returns the samples of several batches as one."""
        columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS}
        return Estimates(**columns, ranges=parts[0].ranges)

    def take(self, evidence: Estimates, rows: Rows) -> Estimates:
        """Returns some samples."""
        columns = {name: getattr(evidence, name)[rows] for name in _COLUMNS}
        return Estimates(**columns, ranges=evidence.ranges)

    def tally(self, evidence: Estimates, counts: Rows) -> Mapping[str, Floats]:
        """Returns every metric; R squared of a data set of one number alone is 1 where all is right, else 0.

        So does scikit-learn. Of a part of the range without a sample in the data set there is NaN.
        """
        every, total = counts.astype(np.float64), counts.sum(axis=1)
        error, middle = evidence.predicted - evidence.true, evidence.true - evidence.true.mean()
        squares = every @ error**2
        spread = every @ middle**2 - (every @ middle) ** 2 / total
        known = spread > 1e-12 * np.maximum(every @ evidence.true**2, 1e-300)
        return {
            SQUARED: np.where(known, 1 - squares / np.where(known, spread, 1), (squares == 0).astype(np.float64)),
            ABSOLUTE: every @ np.abs(error) / total,
            ROOT: np.sqrt(squares / total),
            WITHIN: every @ evidence.right / total,
            COVERED: every @ evidence.covered / total,
            WIDTH: every @ evidence.width / total,
            LOSS: every @ evidence.loss / total,
            **_by_range(evidence, every, np.abs(error)),
        }

    def support(self, evidence: Estimates) -> Mapping[str, int]:
        """Returns how many samples each part of the range has."""
        counts = np.bincount(evidence.part, minlength=RANGES)
        return {name: int(count) for name, count in zip(evidence.ranges, counts, strict=True)}

    def right(self, evidence: Estimates) -> NDArray[np.bool_] | None:
        """Returns whether each answer is within the tolerance."""
        return evidence.right

    def units(self, evidence: Estimates) -> Rows | None:
        """Returns None: each sample is drawn by itself."""
        return None

    def pairs(self, evidence: Estimates) -> ScoredPairs | None:
        """Returns None: answers are not compared with each other."""
        return None

    def operating(self, evidence: Estimates) -> OperatingCurve:
        """Returns how many numbers are inside their interval, by the part of the distribution that it holds."""
        inside = np.searchsorted(np.sort(evidence.needed), PARTS, side="right") / max(len(evidence.needed), 1)
        return OperatingCurve(INTERVAL, "tells intervals that hold {} of what it believes", PARTS, {COVERED: inside})

    def agreement(self, outputs: Arrays, others: Arrays) -> Floats:
        """Returns one minus the difference of the two answers (batch,), as a part of the range."""
        places = np.linspace(0, 1, outputs[LOGITS].shape[1])
        ours, theirs = (np.exp(log_probabilities(side[LOGITS])) @ places for side in (outputs, others))
        alike: Floats = 1 - np.abs(ours - theirs)
        return alike

    def constant(self, trained: Iterable[Targets], card: TargetCard) -> Constant:
        """Returns the mean of all numbers, as their distribution: its squared error is the smallest there is."""
        sums = np.full(bins_of(card), 1e-6)  # the logarithm of nothing is no number
        for targets in trained:
            lower, part = shared(np.asarray(targets[VALUE], dtype=np.float64), card)
            sums += np.bincount(lower, 1 - part, len(sums)) + np.bincount(lower + 1, part, len(sums))
        mean = float(sums @ values_of(card) / sums.sum())
        return Constant(f"always answering {mean:.4g}", {LOGITS: np.log(sums / sums.sum())[np.newaxis]})

    def suspicions(self, evidence: Estimates, card: TargetCard) -> tuple[str, ...]:
        """Returns how else the answers must be read to be far nearer: in falling order, or on another range."""
        found = (_still(evidence), _mirrored(evidence, card), _elsewhere(evidence, card))
        return tuple(filter(None, found))[:1]

    def at_chance(self, evidence: Estimates) -> str:
        """Returns in words that larger answers do not go with larger numbers, at three standard errors."""
        correlation, samples = _correlation(evidence), len(evidence.true)
        if correlation > CERTAIN / sqrt(max(samples, 1)):
            return ""
        return f"a correlation of {correlation:.2f} with the numbers of {samples:,} samples, where chance alone gives 0"


def _losses(logits: NDArray[np.floating], true: Floats, card: TargetCard) -> Floats:
    logarithms, (lower, part) = log_probabilities(logits), shared(true, card)
    rows = np.arange(len(true))
    loss: Floats = -((1 - part) * logarithms[rows, lower] + part * logarithms[rows, lower + 1])
    return loss


def _by_range(evidence: Estimates, every: Floats, error: Floats) -> dict[str, Floats]:
    found = {}
    for place in np.unique(evidence.part):
        there = every[:, evidence.part == place]
        total = there.sum(axis=1)
        mean = there @ error[evidence.part == place] / np.maximum(total, 1)
        found[f"{OF_RANGE}/{evidence.ranges[place]}"] = np.where(total > 0, mean, np.nan)
    return found


def _correlation(evidence: Estimates) -> float:
    if min(np.ptp(evidence.predicted), np.ptp(evidence.true)) <= 0:
        return 0.0
    return float(np.corrcoef(evidence.predicted, evidence.true)[0, 1])


def _squared(predicted: Floats, true: Floats) -> float:
    return float(1 - ((predicted - true) ** 2).sum() / max(((true - true.mean()) ** 2).sum(), 1e-300))


def _still(evidence: Estimates) -> str:
    if len(evidence.true) < 2 or evidence.predicted.std() > STILL * evidence.true.std():
        return ""
    got = f"{evidence.predicted.mean():.4g} of nearly all"
    return f"expected answers that differ from sample to sample, got {got}; is it fed as it was trained?"


def _mirrored(evidence: Estimates, card: TargetCard) -> str:
    ends = values_of(card)
    mirrored = ends[0] + ends[-1] - evidence.predicted
    as_is, other = _squared(evidence.predicted, evidence.true), _squared(mirrored, evidence.true)
    if other - as_is <= MUCH or other < TRUSTED:
        return ""
    got = f"an R squared of {as_is:.2f}, but {other:.2f} if its outputs are read from the last to the first"
    return f"expected outputs that stand for values in rising order, got {got}; turn its outputs round"


def _elsewhere(evidence: Estimates, card: TargetCard) -> str:
    correlation, as_is = _correlation(evidence), _squared(evidence.predicted, evidence.true)
    if correlation <= 0 or correlation**2 - as_is <= MUCH or correlation**2 < TRUSTED:
        return ""
    slope = correlation * evidence.true.std() / evidence.predicted.std()
    start = evidence.true.mean() - slope * evidence.predicted.mean()
    low, high = (start + slope * float(values_of(card)[place]) for place in (0, -1))
    got = f"an R squared of {as_is:.2f}, but {correlation**2:.2f} if they stand for values from {low:.4g} to {high:.4g}"
    do = "are `data.regression.low` and `high` those of the teacher?"
    return f"expected outputs for values from {values_of(card)[0]:.4g} to {values_of(card)[-1]:.4g}, got {got}; {do}"


PART = RegressionMetrics()
