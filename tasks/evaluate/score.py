"""The quality of one model on the test split, from its logits."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from params.evaluate import Evaluate
from tasks.contracts.metrics import Interval
from tasks.contracts.scores import Score, SliceScore
from tasks.evaluate.intervals import bootstrap, proportion, unless_certain
from tasks.evaluate.model_under_test import ModelUnderTest
from tasks.evaluate.slices import Slice
from tasks.evaluate.timing import Timing
from tasks.kinds.kind import TaskKind

Logits = NDArray[np.floating[Any]]
ITSELF = Interval(value=1.0, low=1.0, high=1.0)
"""how far the reference agrees with itself"""


@dataclass(frozen=True)
class EvalContext:
    """What is the same for every model that is judged."""

    params: Evaluate
    kind: TaskKind
    classes: tuple[str, ...]
    labels: NDArray[np.int64]
    reference: Logits
    slices: tuple[Slice, ...]
    seed: int


def score(context: EvalContext, name: str, model: ModelUnderTest, logits: Logits, timing: Timing) -> Score:
    """Returns all numbers of one model.

    Args:
        context: labels, reference and the rest.
        name: of the model.
        model: its file.
        logits: (n, outputs) of the test split.
        timing: what it costs where it runs.
    """
    kind, params = context.kind, context.params
    quality = _quality(context, logits)
    same = kind.agrees(logits, context.reference)
    right = kind.further_correct(logits, context.labels)
    sure = kind.confidence_bins(logits, context.labels, params.calibration_bins)
    p50, p95, p99 = (float(np.percentile(timing.single, part)) for part in (50, 95, 99))
    return Score(
        name=name,
        accuracy=quality["accuracy"],
        macro_recall=quality["macro_recall"],
        macro_f1=quality["macro_f1"],
        classes=kind.class_scores(logits, context.labels, context.classes),
        agreement=ITSELF if logits is context.reference else proportion(same, params, context.seed),
        calibration_error=kind.calibration_error(sure),
        parameters=model.parameters,
        size=model.onnx.size,
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
        parity=model.parity,
        heads={name: proportion(hits, params, context.seed) for name, hits in right.items()},
        slices=_slices(context, kind.correct(logits, context.labels)),
        confidence=sure,
        batch=timing.batch,
        footprint=timing.footprint,
    )


def _slices(context: EvalContext, hits: NDArray[np.bool_]) -> tuple[SliceScore, ...]:
    return tuple(
        SliceScore(
            column=piece.column,
            value=piece.value,
            samples=int(piece.rows.sum()),
            accuracy=proportion(hits[piece.rows], context.params, context.seed),
        )
        for piece in context.slices
    )


def _quality(context: EvalContext, logits: Logits) -> dict[str, Interval]:
    outcomes, counts = np.unique(context.kind.outcomes(logits, context.labels), return_counts=True)
    outputs = context.kind.outputs(context.classes)
    intervals = bootstrap(counts, lambda c: context.kind.tally(outcomes, c, outputs), context.params, context.seed)
    return {name: unless_certain(interval, len(context.labels), context.params) for name, interval in intervals.items()}
