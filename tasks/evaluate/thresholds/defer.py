"""The confidence below which a model should leave a sample to somebody else, so that it keeps a limit by itself.

The threshold is found on validation data by fixed sequence testing (Angelopoulos et al. 2021, Learn then Test,
arXiv 2110.01052): thresholds are tried from the highest on, and the first that cannot be shown to keep the limit
ends the search. What shows it is the exact binomial test on the samples above the threshold, whose inversion is the
interval of Clopper and Pearson (1934).
"""

from math import ceil, exp, log

import numpy as np
from numpy.typing import NDArray

from params.evaluate import Evaluate
from tasks.contracts.metrics import Interval, wilson
from tasks.contracts.thresholds import Deferral
from tasks.core.errors import RecipeError, mismatch
from tasks.kinds.limits import CONFIDENCE
from tasks.runtime.bundle.decoder import kind_decoder
from tasks.runtime.bundle.latency import Predicts
from tasks.training.arrays import SplitArrays, open_split
from tasks.training.network import PreparedData

THRESHOLDS = tuple(1 / (1 + exp(-place / 10)) for place in range(120, -41, -1))
"""what is tried, evenly by log odds; not chosen by the data, or the test would not hold"""
Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]


def deferral(params: Evaluate, session: Predicts, data: PreparedData) -> Deferral:
    """Returns the threshold that validation gives, and what it comes to on the test split.

    Args:
        params: the limit to keep, and the risk that it is not kept.
        session: the file that ships.
        data: the splits.

    Raises:
        RecipeError: samples of this kind of task are not right or wrong, or its answers have no confidence.
    """
    ((metric, limit),) = params.defer.items()
    sure, right = answered(session, data, open_split(data.directory, "validation"))
    threshold = find_threshold(sure, right, limit, params.defer_risk)
    sure, right = answered(session, data, open_split(data.directory, "test"))
    taken = sure >= threshold if threshold is not None else np.zeros(len(sure), dtype=bool)
    return Deferral(
        metric=metric,
        limit=limit,
        risk=params.defer_risk,
        threshold=threshold,
        coverage=_part(taken, params.confidence),
        kept=_part(right[taken], params.confidence) if taken.any() else None,
        needed=fewest(limit, params.defer_risk),
    )


def find_threshold(sure: Floats, right: Booleans, limit: float, risk: float) -> float | None:
    """Returns the lowest threshold that keeps the limit but for a risk; None where there is none.

    Args:
        sure: (n,) the confidence in each answer.
        right: (n,) whether it is right.
        limit: the part of the answers at or above the threshold that are right, at least.
        risk: how likely that part may be lower, over draws of these n samples.
    """
    from scipy.stats import binom  # takes 0.5 s to import

    found = None
    for threshold in THRESHOLDS:
        taken = sure >= threshold
        if (count := int(taken.sum())) < fewest(limit, risk):
            continue  # so few show nothing, whatever they are
        if binom.cdf(int((~right[taken]).sum()), count, 1 - limit) > risk:
            break
        found = threshold
    return found


def fewest(limit: float, risk: float) -> int:
    """Returns how many samples, all of them right, show that a limit is kept."""
    return ceil(log(risk) / log(limit))


def answered(session: Predicts, data: PreparedData, split: SplitArrays) -> tuple[Floats, Booleans]:
    """Returns how sure the model is of each sample (n,), and whether it is right."""
    measuring, decoder = data.measuring, kind_decoder(data.card.task)
    card, sure, parts = data.card.targets.model_dump(mode="json"), [], []
    for batch in split.batches():
        outputs = session.predict(batch.inputs)
        sure += [answer.get(CONFIDENCE) for answer in decoder.decode(outputs, card)]
        parts.append(measuring.part.evidence(outputs, batch.targets, measuring.card))
    right = measuring.part.right(measuring.part.joined(parts))
    if right is None or None in sure:
        got = f"{data.card.task}, whose answers have none"
        expected = "a kind of task whose samples are right or wrong, with a confidence"
        raise RecipeError([mismatch("recipe", "evaluate.defer", expected, got, "remove it")])
    return np.array(sure, dtype=np.float64), right


def _part(hits: Booleans, confidence: float) -> Interval:
    low, high = wilson(int(hits.sum()), len(hits), confidence)
    return Interval(value=float(hits.mean()), low=low, high=high)
