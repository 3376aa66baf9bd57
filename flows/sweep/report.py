"""What there is to see of a sweep: its front as a picture, and its students as rows."""

import json
from collections.abc import Sequence
from typing import Any

from flows.sweep.ranking import RankedTrial
from tasks.contracts.metrics import Metric
from tasks.contracts.scores import Score
from tasks.core.record import Artefact
from tasks.evaluate.figures.front import draw_front
from tasks.tracking.runs import StageRun


def log_front(run: StageRun, metric: Metric, ranking: Sequence[RankedTrial], teacher: Score) -> Artefact:
    """Draws all students and their teacher, keeps picture and numbers with a run, and returns the picture.

    `metric` is the one that decides.
    """
    scores = [one.score.model_copy(update={"name": one.variant.label}) for one in ranking]
    drawing = draw_front(metric, [*scores, teacher], scores[0].name, "validation", "is best")
    picture, numbers = run.scratch / "front.svg", run.scratch / "students.json"
    picture.write_bytes(drawing.svg)
    numbers.write_text(json.dumps(rows(metric, ranking), indent=1))
    run.keep(numbers)
    return run.keep(picture)


def rows(metric: Metric, ranking: Sequence[RankedTrial]) -> list[dict[str, Any]]:
    """Returns a row per student, the best first."""
    return [
        {
            **one.variant.values,
            metric.name: one.score.metrics[metric.name].value,
            "p50_ms": one.score.p50_ms,
            "p95_ms": one.score.p95_ms,
            "bytes": one.score.size,
            "refusals": "; ".join(one.refusals),
        }
        for one in ranking
    ]
