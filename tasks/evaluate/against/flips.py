"""What a release breaks: samples that the champion has right and the release has not.

Where a sample is simply right or wrong, a flip counts 1. For other kinds of task a sample counts as much as its loss
rose or fell. Wilson's interval is taken where no sample flips (see `intervals`).
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from params.evaluate import Evaluate
from tasks.contracts.metrics import Interval, Metric
from tasks.contracts.scores import Flips, FlipUnit, SliceFlips
from tasks.evaluate.intervals import CELLS, Counts, Floats, Tally, independent, intervals, resample
from tasks.evaluate.score import EvalContext
from tasks.evaluate.slices import Slice

LOSS = "loss"
SHOWN = 20
"""samples that are named, those that got worst first"""
WRONG, RIGHT = "newly_wrong", "newly_right"


def flips_of(
    context: EvalContext,
    challenger: str,
    champion: str,
    pieces: tuple[Slice, ...],
    names: Callable[[NDArray[np.int64]], list[str]],
    seed: int,
) -> Flips:
    """Returns what one model breaks and repairs against another.

    Args:
        context: both models on one split.
        challenger: the name of the one that is new.
        champion: the name of the other.
        pieces: slices of the split that are looked at one by one.
        names: returns the ids of the samples at some rows.
        seed: of the resampled data sets.
    """
    unit, better = _changes(context, challenger, champion)
    worst = np.argsort(better, kind="stable")[:SHOWN]
    whole = _intervals(better, unit, context.params, seed, context.units)
    cut = [
        (piece, _intervals(better[piece.rows], unit, context.params, seed, _within(context.units, piece)))
        for piece in pieces
    ]
    return Flips(
        unit=unit,
        newly_wrong=whole[WRONG],
        newly_right=whole[RIGHT],
        slices=tuple(
            SliceFlips(column=piece.column, value=piece.value, samples=int(piece.rows.sum()), **found)
            for piece, found in cut
        ),
        samples=tuple(names(worst[better[worst] < 0])),
    )


def _changes(context: EvalContext, challenger: str, champion: str) -> tuple[FlipUnit, Floats]:
    """Returns how much better each sample (n,) got; -1, 0 or 1 where samples are right or wrong."""
    ours, theirs = (context.evidence[name].evidence for name in (challenger, champion))
    right = context.measuring.part.right
    now, before = right(ours), right(theirs)
    if now is not None and before is not None:
        return "samples", now.astype(np.float64) - before
    return "loss", _losses(context, theirs) - _losses(context, ours)


def _losses(context: EvalContext, evidence: object) -> Floats:
    """Returns the loss (n,) of each sample: that of a data set that holds nothing else."""
    count, at_once = context.samples, max(1, CELLS // context.samples)
    tally, parts = context.measuring.part.tally, []
    for start in range(0, count, at_once):
        alone = np.eye(min(at_once, count - start), count, start, dtype=np.int64)
        parts.append(tally(evidence, alone)[LOSS])
    return np.concatenate(parts)


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
