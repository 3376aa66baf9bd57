"""What a release breaks: samples that the champion has right and the release has not.

Where a sample is simply right or wrong, a flip counts 1. For other kinds of task a sample counts as much as its loss
rose or fell. Wilson's interval is taken where no sample flips (see `intervals`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from params.evaluate import Evaluate
from tasks.contracts.metrics import Interval, Metric
from tasks.contracts.scores import FlippedSample, Flips, FlipUnit, SliceFlips
from tasks.evaluate.intervals import Counts, Floats, Tally, independent, intervals, resample
from tasks.evaluate.score import EvalContext
from tasks.evaluate.slices import Slice
from tasks.kinds.contract import Rows

NAMED = 20
"""samples of each side that are named, those that changed most first"""
WRONG, RIGHT = "newly_wrong", "newly_right"


@dataclass(frozen=True)
class SampleChanges:
    """How much better each sample (n,) got; -1, 0 or 1 where samples are right or wrong (`unit`)."""

    unit: FlipUnit
    better: Floats

    @property
    def broken(self) -> Rows:
        """The rows of those that got worse, the worst first, `NAMED` at most."""
        return _first(self.better)

    @property
    def repaired(self) -> Rows:
        """The same of those that got better."""
        return _first(-self.better)


def _first(change: Floats) -> Rows:
    rows: Rows = np.argsort(change, kind="stable")[:NAMED]
    return rows[change[rows] < 0]


def flips_of(
    context: EvalContext,
    changes: SampleChanges,
    pieces: tuple[Slice, ...],
    broken: tuple[FlippedSample, ...],
    repaired: tuple[FlippedSample, ...],
    seed: int,
) -> Flips:
    """Returns what one model breaks and repairs against another.

    Args:
        context: both models on one split.
        changes: of its samples.
        pieces: slices of the split that are looked at one by one.
        broken: some of what got worse.
        repaired: some of what got better.
        seed: of the resampled data sets.
    """
    unit, better, params = changes.unit, changes.better, context.params
    whole = _intervals(better, unit, params, seed, context.units)
    cut = [
        (piece, _intervals(better[piece.rows], unit, params, seed, _within(context.units, piece))) for piece in pieces
    ]
    return Flips(
        unit=unit,
        newly_wrong=whole[WRONG],
        newly_right=whole[RIGHT],
        slices=tuple(
            SliceFlips(column=piece.column, value=piece.value, samples=int(piece.rows.sum()), **found)
            for piece, found in cut
        ),
        broken=broken,
        repaired=repaired,
    )


def changes_of(context: EvalContext, challenger: str, champion: str) -> SampleChanges:
    """Returns how much better each sample is answered by a model that is new than by another."""
    ours, theirs = (context.evidence[name].evidence for name in (challenger, champion))
    better, each_is_right_or_wrong = context.measuring.improvement(ours, theirs, context.samples)
    return SampleChanges("samples" if each_is_right_or_wrong else "loss", better)


def _within(units: Counts | None, piece: Slice) -> Counts | None:
    """Returns the units of a slice's samples, numbered from 0 on."""
    return None if units is None else np.unique(units[piece.rows], return_inverse=True)[1].astype(np.int64)


def _intervals(
    better: Floats, unit: FlipUnit, params: Evaluate, seed: int, units: Counts | None
) -> dict[str, Interval]:
    high = 1.0 if unit == "samples" else np.inf
    metrics = {name: Metric(name, name, high=high) for name in (WRONG, RIGHT)}
    sides = {WRONG: np.maximum(-better, 0), RIGHT: np.maximum(better, 0)}
    drawn = resample({"both": _tally(sides)}, len(better), params, seed, units)["both"]
    return intervals(drawn, metrics, independent(len(better), units), {}, params)


def _tally(sides: Mapping[str, Floats]) -> Tally:
    def tallied(counts: Counts) -> Mapping[str, Floats]:
        return {name: counts @ side / counts.sum(axis=1) for name, side in sides.items()}

    return tallied
