"""All numbers of models on one split: metrics with intervals, on the whole and on its slices, and what they cost."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from params.evaluate import Evaluate
from tasks.contracts.metrics import Interval, Metric
from tasks.contracts.scores import Score, SliceScore
from tasks.contracts.thresholds import OperatingPoint
from tasks.evaluate.evidence import AGREEMENT, ModelEvidence
from tasks.evaluate.intervals import Counts, Resampled, gains, independent, intervals, resample
from tasks.evaluate.model_under_test import ModelUnderTest
from tasks.evaluate.slices import Slice
from tasks.evaluate.timing import Timing
from tasks.training.measure import Measuring

ITSELF = Interval(value=1.0, low=1.0, high=1.0)
"""how far the reference agrees with itself"""


@dataclass(frozen=True)
class EvalContext:
    """Models on one split, and the same resampled data sets for all of them."""

    params: Evaluate
    measuring: Measuring
    reference: str
    samples: int
    units: Counts | None
    """(samples,) what is drawn whole; None where samples are drawn one by one"""
    evidence: Mapping[str, ModelEvidence]
    resampled: Mapping[str, Resampled]
    slices: Mapping[str, tuple[SliceScore, ...]]
    points: Mapping[str, OperatingPoint]
    """where each works, if the recipe asks for a limit"""

    @classmethod
    def of(
        cls,
        params: Evaluate,
        measuring: Measuring,
        reference: str,
        evidence: Mapping[str, ModelEvidence],
        pieces: tuple[Slice, ...],
        seed: int,
        points: Mapping[str, OperatingPoint],
    ) -> "EvalContext":
        """Resamples the split and each of its slices."""
        samples = len(evidence[reference].agreement)
        units = measuring.part.units(evidence[reference].evidence)
        tallies = {name: found.tally(measuring) for name, found in evidence.items()}
        cut = [_slice_scores(params, measuring, evidence, piece, seed) for piece in pieces]
        slices = {name: tuple(scores[name] for scores in cut) for name in evidence}
        resampled = resample(tallies, samples, params, seed, units)
        return cls(params, measuring, reference, samples, units, evidence, resampled, slices, points)

    def score(self, name: str, model: ModelUnderTest, timing: Timing) -> Score:
        """Returns all numbers of one model; `timing` is what it costs where it runs."""
        found = self._intervals(name)
        agreement = found.pop(AGREEMENT)
        p50, p95, p99 = (float(np.percentile(timing.single, part)) for part in (50, 95, 99))
        return Score(
            name=name,
            metrics=found,
            support=self._support(name),
            agreement=ITSELF if name == self.reference else agreement,
            parameters=model.parameters,
            size=model.onnx.size,
            p50_ms=p50,
            p95_ms=p95,
            p99_ms=p99,
            parity=model.parity,
            slices=self.slices[name],
            batch=timing.batch,
            footprint=timing.footprint,
        )

    def metrics(self, name: str) -> dict[str, Interval]:
        """Returns all metrics of one model, or of something that answers without being one."""
        return {metric: found for metric, found in self._intervals(name).items() if metric != AGREEMENT}

    def _intervals(self, name: str) -> dict[str, Interval]:
        ranges, support = _ranges(self.measuring), self._support(name)
        return intervals(self.resampled[name], ranges, self.independent, support, self.params)

    def _support(self, name: str) -> dict[str, int]:
        return dict(self.measuring.part.support(self.evidence[name].evidence))

    def gains(self, ours: str, theirs: str) -> dict[str, Interval]:
        """Returns each metric of one model minus that of another, on the same samples."""
        metrics = {metric.name: metric for metric in self.measuring.part.metrics}
        return gains(self.resampled[ours], self.resampled[theirs], metrics, self.independent, self.params)

    @property
    def independent(self) -> int:
        """How many independent draws the samples are."""
        return independent(self.samples, self.units)


def _slice_scores(
    params: Evaluate, measuring: Measuring, evidence: Mapping[str, ModelEvidence], piece: Slice, seed: int
) -> dict[str, SliceScore]:
    rows = np.flatnonzero(piece.rows)
    taken = {
        name: ModelEvidence(measuring.part.take(found.evidence, rows), found.agreement[rows])
        for name, found in evidence.items()
    }
    units = measuring.part.units(next(iter(taken.values())).evidence)
    tallies = {name: found.tally(measuring) for name, found in taken.items()}
    resampled = resample(tallies, len(rows), params, seed, units)
    plain = {metric.name for metric in measuring.part.metrics if not metric.per_group}
    scores = {}
    for name, found in resampled.items():
        whole = intervals(found, _ranges(measuring), independent(len(rows), units), {}, params)
        metrics = {metric: interval for metric, interval in whole.items() if metric in plain}
        scores[name] = SliceScore(column=piece.column, value=piece.value, samples=len(rows), metrics=metrics)
    return scores


def _ranges(measuring: Measuring) -> dict[str, Metric]:
    return {metric.name: metric for metric in (*measuring.part.metrics, Metric(AGREEMENT, AGREEMENT))}
