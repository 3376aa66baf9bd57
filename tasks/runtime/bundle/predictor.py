"""A release in memory, ready to answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, inf
from typing import Any

import numpy as np

from ..errors import ManifestError, ModelError
from ..update.receipts import Receipt
from .manifest import MANIFEST, Manifest
from .session import MODEL, Arrays, Session
from .verify import Contents

TASKS = ("classification",)


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the model says of one sample."""

    label: str
    confidence: float
    """the label's probability"""
    probabilities: Mapping[str, float]
    heads: Mapping[str, "Prediction"]
    """the answers to further questions, by name"""

    def to_json(self) -> dict[str, Any]:
        """Returns plain values; `heads` is left out where there are none."""
        content = {"label": self.label, "confidence": self.confidence, "probabilities": self.probabilities}
        heads = {name: head.to_json() for name, head in self.heads.items()}
        return content | {"heads": heads} if heads else content


class Predictor:
    """One loaded release; may be asked from several threads."""

    def __init__(self, contents: Contents, receipt: Receipt) -> None:
        self.manifest, self.receipt = contents.manifest, receipt
        self.session = Session(contents.file(MODEL), self.manifest.target.threads)
        self.problem: str | None = None
        """why this release answers in place of the current one; None where it is that"""
        _require_known(self.manifest, self.session)

    def predict(self, inputs: Arrays) -> list[Prediction]:
        """Returns one prediction per sample; `inputs` as `Session.predict` takes them.

        Raises:
            WrongInputError: the inputs are not what the model takes.
            ModelError: the model fails on an input of the right shape, or its logits are no numbers.
        """
        outputs = self.session.predict(inputs)
        return [self._prediction(row) for row in np.concatenate(list(outputs.values()), axis=1).tolist()]

    def _prediction(self, row: list[float]) -> Prediction:
        start, heads = len(self.manifest.classes), {}
        for head in self.manifest.heads:
            heads[head.name] = _answer(row[start : start + len(head.classes)], head.classes, {})
            start += len(head.classes)
        return _answer(row, self.manifest.classes, heads)


def softmax(logits: Sequence[float]) -> list[float]:
    """Returns the probabilities of one sample's logits; without NumPy, whose calls cost more than a few classes do.

    Raises:
        ModelError: a logit is infinite or not a number.
    """
    largest = max(logits)
    powers = [exp(logit - largest) for logit in logits]
    total = sum(powers)
    if not total < inf:  # so that NaN fails
        raise ModelError(f"`{MODEL}`: expected finite logits, got {logits[:8]}; check the sample, or roll back")
    return [power / total for power in powers]


def _answer(logits: list[float], classes: tuple[str, ...], heads: Mapping[str, Prediction]) -> Prediction:
    own = logits[: len(classes)]
    probabilities = softmax(own)
    place = own.index(max(own))
    return Prediction(classes[place], probabilities[place], dict(zip(classes, probabilities, strict=True)), heads)


def _require_known(manifest: Manifest, session: Session) -> None:
    if manifest.task not in TASKS:
        raise ManifestError(f"`{MANIFEST}`: `task`: expected {TASKS}, got {manifest.task}; update the runtime")
    classes = len(manifest.classes) + sum(len(head.classes) for head in manifest.heads)
    shapes = [output.shape[-1] for output in session.outputs.values()]
    if None not in shapes and sum(filter(None, shapes)) != classes:
        shape = tuple(shapes)
        raise ManifestError(f"`{MANIFEST}`: `classes`: expected one per logit {shape}, got {classes}; write it again")
