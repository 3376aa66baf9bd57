"""The quality of one model on the test split, from its logits."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from params.evaluate import Evaluate
from tasks.evaluate.entrant import Entrant
from tasks.evaluate.intervals import bootstrap, proportion, unless_certain
from tasks.kinds.kind import TaskKind
from tasks.scores import Interval, Score

Logits = NDArray[np.floating[Any]]
ITSELF = Interval(value=1.0, low=1.0, high=1.0)
"""how far the reference agrees with itself"""


@dataclass(frozen=True)
class Exam:
    """What is the same for every model that is judged."""

    params: Evaluate
    kind: TaskKind
    classes: tuple[str, ...]
    labels: NDArray[np.int64]
    reference: Logits
    seed: int


def score(exam: Exam, name: str, entrant: Entrant, logits: Logits, times: NDArray[np.float64]) -> Score:
    """Returns all numbers of one model.

    Args:
        exam: labels, reference and the rest.
        name: of the model.
        entrant: its file.
        logits: (n, outputs) of the test split.
        times: (repeats,) milliseconds of one prediction.
    """
    kind, params = exam.kind, exam.params
    quality = _quality(exam, logits)
    same = kind.agrees(logits, exam.reference)
    right = kind.further_correct(logits, exam.labels)
    return Score(
        name=name,
        accuracy=quality["accuracy"],
        macro_recall=quality["macro_recall"],
        macro_f1=quality["macro_f1"],
        classes=kind.class_scores(logits, exam.labels, exam.classes),
        agreement=ITSELF if logits is exam.reference else proportion(same, params, exam.seed),
        calibration_error=kind.calibration_error(logits, exam.labels, params.calibration_bins),
        parameters=entrant.parameters,
        size=entrant.onnx.size,
        p50_ms=float(np.percentile(times, 50)),
        p95_ms=float(np.percentile(times, 95)),
        parity=entrant.parity,
        heads={name: proportion(hits, params, exam.seed) for name, hits in right.items()},
    )


def _quality(exam: Exam, logits: Logits) -> dict[str, Interval]:
    outcomes, counts = np.unique(exam.kind.outcomes(logits, exam.labels), return_counts=True)
    outputs = exam.kind.outputs(exam.classes)
    intervals = bootstrap(counts, lambda c: exam.kind.tally(outcomes, c, outputs), exam.params, exam.seed)
    return {name: unless_certain(interval, len(exam.labels), exam.params) for name, interval in intervals.items()}
