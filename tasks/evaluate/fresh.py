"""A release on samples that came after it was made: its own bundle, in the runtime, against their targets."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import chain
from pathlib import Path

from tasks.contracts.metrics import finite
from tasks.contracts.records import DatasetCard
from tasks.contracts.scores import FreshScore
from tasks.contracts.targets import TargetCard, Targets
from tasks.kinds.contract import Arrays
from tasks.runtime.bundle.session import MODEL, Session
from tasks.runtime.bundle.verify import read_verified
from tasks.training.measure import Measuring

Batches = Iterable[tuple[Arrays, Targets]]
"""named inputs (n, ...) and targets"""


def score_fresh(bundle: Path, made_of: DatasetCard, batches: Batches) -> FreshScore | None:
    """Returns how good a bundle is on samples that it has not seen; None if there are none.

    Args:
        bundle: its folder.
        made_of: the data that it was made of; says what its outputs are.
        batches: the samples. What the bundle does not know it cannot have right.

    Raises:
        RuntimeBundleError: the bundle is not what it should be, or does not run.
    """
    contents = read_verified(bundle)
    session = Session(contents.file(MODEL), contents.manifest.target.threads)
    told = TargetCard.model_validate(contents.manifest.targets)  # as a device reads it, with a threshold of its own
    measuring = replace(Measuring.of(made_of), card=told)
    answered = ((session.predict(inputs), targets) for inputs, targets in batches)
    if not (first := next(answered, None)):
        return None
    seen = measuring.seen(chain([first], answered))
    metrics, support = finite(measuring.values(seen)), dict(measuring.part.support(seen.evidence))
    return FreshScore(samples=seen.samples, metrics=metrics, support=support)
