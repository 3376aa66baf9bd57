"""A release on samples that came after it was made: its own bundle, in the runtime, against their labels."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.contracts.records import DatasetCard
from tasks.contracts.scores import FreshScore
from tasks.kinds.kind import find_kind
from tasks.runtime.bundle.session import Session

Batches = Iterable[tuple[NDArray[Any], NDArray[np.int64] | None, tuple[str, ...]]]
"""inputs (n, *sample shape), frames (n,) of sequences, labels of the first head"""


def score_fresh(bundle: Path, made_of: DatasetCard, batches: Batches, bins: int) -> FreshScore | None:
    """Returns how good a bundle is on samples that it has not seen; None if there are none.

    Args:
        bundle: its folder.
        made_of: the data that it was made of; says what its outputs are.
        batches: the samples. A class that the bundle does not know is one it cannot have right.
        bins: of the calibration error.

    Raises:
        RuntimeBundleError: the bundle is not what it should be, or does not run.
    """
    session, kind = Session.from_bundle(bundle), find_kind(made_of)
    answers: list[NDArray[np.float32]] = []
    names: list[str] = []
    for inputs, lengths, labels in batches:
        answers.append(session.predict(inputs, lengths))
        names += labels
    if not names:
        return None
    classes = (*made_of.classes, *sorted({*names} - {*made_of.classes}))
    logits = np.concatenate(answers)
    right = np.array([classes.index(name) for name in names])
    if len(kind.head_names) > 1:
        right = np.stack([right, *(np.zeros_like(right) for _ in kind.head_names[1:])], axis=1)
    return FreshScore(
        samples=len(names),
        accuracy=float(kind.correct(logits, right).mean()),
        classes=kind.class_scores(logits, right, classes),
        calibration_error=kind.calibration_error(kind.confidence_bins(logits, right, bins)),
    )
