"""The threshold that decides what of an answer a device tells, so that a limit is kept, such as one on false answers.

It is the score of a box from which on, or the part of a distribution that an interval holds. It is found on validation
data, for each model for itself: where they work, and not at a number that means one thing for one model and another for
the next, is where they are compared.
"""

from collections.abc import Mapping

import numpy as np

from params.evaluate import Evaluate
from tasks.contracts.metrics import Metric
from tasks.contracts.thresholds import OperatingPoint
from tasks.core.errors import RecipeError, mismatch
from tasks.evaluate.evidence import Answering
from tasks.kinds.contract import OperatingCurve
from tasks.training.arrays import open_split
from tasks.training.network import PreparedData


def operating_points(
    params: Evaluate, models: Mapping[str, Answering], data: PreparedData
) -> dict[str, OperatingPoint]:
    """Returns where each model keeps the limit; none where the recipe asks for no limit.

    Raises:
        RecipeError: answers of this kind of task depend on no threshold, or the metric does not.
    """
    return {
        name: _point(model, data, metric, limit)
        for metric, limit in params.operate.items()
        for name, model in models.items()
    }


def _point(model: Answering, data: PreparedData, name: str, limit: float) -> OperatingPoint:
    measuring, split = data.measuring, open_split(data.directory, "validation")
    seen = measuring.seen((model.predict(batch.inputs), batch.targets) for batch in split.batches())
    curve, metric = measuring.part.operating(seen.evidence), _metric(measuring.part.metrics, name)
    if curve is None or metric is None:
        expected, got = "a metric that a threshold of the answers decides", f"`{name}` of {data.card.task}"
        raise RecipeError([mismatch("recipe", "evaluate.operate", expected, got, "remove it")])
    return point_on(curve, metric, limit)


def _metric(metrics: tuple[Metric, ...], name: str) -> Metric | None:
    return next((metric for metric in metrics if metric.name == name and metric.threshold), None)


def point_on(curve: OperatingCurve, metric: Metric, limit: float) -> OperatingPoint:
    """Returns the point at which a limit is kept: the lowest or the highest such threshold, as the metric says."""
    values = curve.values[metric.name]
    kept = np.flatnonzero(metric.sign * values >= metric.sign * limit)
    place = None if not len(kept) else int(kept[0] if metric.threshold == "lowest" else kept[-1])
    return OperatingPoint(
        metric=metric.name,
        limit=limit,
        fact=curve.fact,
        words=curve.words,
        threshold=None if place is None else float(curve.thresholds[place]),
        value=None if place is None else float(values[place]),
    )
