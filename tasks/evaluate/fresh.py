"""A release on samples that came after it was made: its own bundle, in the runtime, against their labels."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from tasks.contracts.records import DatasetCard
from tasks.contracts.scores import FreshScore
from tasks.contracts.targets import Targets, joined
from tasks.kinds.contract import Arrays
from tasks.kinds.kind import find_kind
from tasks.runtime.bundle.session import Session
from tasks.training.predict import side_by_side

Batches = Iterable[tuple[Arrays, Targets]]
"""named inputs (n, ...) and targets"""


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
    parts = [(side_by_side(session.predict(inputs)), targets) for inputs, targets in batches]
    if not parts:
        return None
    logits, targets = np.concatenate([answers for answers, _ in parts]), joined([some for _, some in parts])
    right = np.stack(list(targets.columns.values()), axis=1)
    right, first = (right[:, 0], right[:, 0]) if right.shape[1] == 1 else (right, right[:, 0])
    new = range(int(first.max()) + 1 - len(made_of.targets.names))
    classes = (*made_of.targets.names, *(f"new class {number + 1}" for number in new))
    return FreshScore(
        samples=len(targets),
        accuracy=float(kind.correct(logits, right).mean()),
        classes=kind.class_scores(logits, right, classes),
        calibration_error=kind.calibration_error(kind.confidence_bins(logits, right, bins)),
    )
