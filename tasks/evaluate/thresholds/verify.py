"""The cosine from which on a device takes two samples for the same, and what it comes to.

The threshold keeps a false accept rate on the pairs of validation samples, never on those that are judged.
"""

from collections.abc import Mapping
from math import ceil

import numpy as np
from numpy.typing import NDArray

from params.evaluate import Evaluate
from tasks.contracts.metrics import Interval, Metric
from tasks.contracts.thresholds import Verification
from tasks.core.errors import RecipeError, mismatch
from tasks.evaluate.intervals import CELLS, Counts, Floats, Tally, intervals, resample
from tasks.kinds.contract import ScoredPairs
from tasks.runtime.bundle.latency import Predicts
from tasks.training.arrays import SplitArrays, open_split
from tasks.training.network import PreparedData

TRUE, FALSE = "true accepts", "false accepts"
SEED = 0
Booleans = NDArray[np.bool_]


def verification(params: Evaluate, session: Predicts, data: PreparedData) -> Verification:
    """Returns the threshold that validation gives, and what it comes to on the test split.

    Args:
        params: the false accept rate to keep.
        session: the file that ships.
        data: the splits.

    Raises:
        RecipeError: answers of this kind of task are not compared with each other.
    """
    assert params.verify is not None, "asked for where it is there"
    found = _scored(session, data, open_split(data.directory, "validation"))
    threshold = threshold_at(found.score[~found.same], params.verify.far)
    rates = {}
    if threshold is not None:
        rates = accepts(_scored(session, data, open_split(data.directory, "test")), threshold, params)
    return Verification(
        far=params.verify.far,
        threshold=threshold,
        impostors=int((~found.same).sum()),
        needed=fewest_impostors(params.verify.far),
        true_accepts=rates.get(TRUE),
        false_accepts=rates.get(FALSE),
    )


def threshold_at(impostors: Floats, far: float) -> float | None:
    """Returns the lowest threshold that at most the part `far` of scores (n,) reach; None where n is too small to tell.

    It is a float32, as devices compute scores, and not below 0: vectors at a right angle are alike in nothing.
    """
    if len(impostors) < fewest_impostors(far):
        return None
    highest = np.sort(impostors)[::-1]
    first_refused = highest[int(far * len(impostors) + 1e-9)]
    return max(0.0, float(np.nextafter(np.float32(first_refused), np.float32(2))))


def fewest_impostors(far: float) -> int:
    """Returns how many pairs that are not the same can show a rate: one of them may be taken for the same."""
    return ceil(1 / far - 1e-9)


def accepts(pairs: ScoredPairs, threshold: float, params: Evaluate) -> dict[str, Interval]:
    """Returns the part of the pairs that are the same, and of those that are not, that reach the threshold.

    A sort of pairs that is not there has no part. Intervals resample units.
    """
    units = int(pairs.units.max(initial=-1)) + 1
    sorts = {TRUE: pairs.same, FALSE: ~pairs.same}
    there = {name: sort for name, sort in sorts.items() if sort.any()}
    if not there:
        return {}
    tally = _tally(pairs, pairs.score >= threshold, there)
    drawn = resample({"pairs": tally}, units, params, SEED)["pairs"]
    return intervals(drawn, {name: Metric(name, name) for name in there}, units, {}, params)


def _tally(pairs: ScoredPairs, accepted: Booleans, sorts: Mapping[str, Booleans]) -> Tally:
    def tallied(counts: Counts) -> Mapping[str, Floats]:
        at_once = max(1, CELLS // max(len(pairs.score), 1))
        parts = [
            _rates(pairs.weights(counts[start : start + at_once]), accepted, sorts)
            for start in range(0, len(counts), at_once)
        ]
        return {name: np.concatenate([part[name] for part in parts]) for name in sorts}

    return tallied


def _rates(weights: Floats, accepted: Booleans, sorts: Mapping[str, Booleans]) -> dict[str, Floats]:
    with np.errstate(invalid="ignore"):  # a data set without a pair of a sort says nothing: NaN
        return {name: weights @ (sort & accepted) / (weights @ sort) for name, sort in sorts.items()}


def _scored(session: Predicts, data: PreparedData, split: SplitArrays) -> ScoredPairs:
    measuring = data.measuring
    seen = measuring.seen((session.predict(batch.inputs), batch.targets) for batch in split.batches())
    pairs = measuring.part.pairs(seen.evidence)
    if pairs is None:
        got = f"{data.card.task}, whose answers are not compared"
        expected = "a kind of task whose answers are compared with each other"
        raise RecipeError([mismatch("recipe", "evaluate.verify", expected, got, "remove it")])
    return pairs
