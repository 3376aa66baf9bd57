"""A release in memory, ready to answer."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import ManifestError
from .manifest import MANIFEST, Manifest
from .receipts import Receipt
from .session import MODEL, Session
from .verify import Contents

TASKS = ("classification",)


@dataclass(frozen=True)
class Answer:
    """What one head says of one sample."""

    label: str
    confidence: float
    """the label's probability"""
    probabilities: Mapping[str, float]


@dataclass(frozen=True)
class Prediction(Answer):
    """What the model says of one sample; `heads` are the further questions that it answers, by name."""

    heads: Mapping[str, Answer]

    def to_json(self) -> dict[str, Any]:
        """Returns plain values; `heads` is left out where there are none."""
        content = asdict(self)
        if not self.heads:
            del content["heads"]
        return content


class Predictor:
    """One loaded release; may be asked from several threads."""

    def __init__(self, contents: Contents, receipt: Receipt) -> None:
        self.manifest, self.receipt = contents.manifest, receipt
        self.session = Session(contents.file(MODEL), self.manifest.target.threads)
        self.logits = self.session.predict
        _require_known(self.manifest, self.session)

    def predict(self, inputs: NDArray[Any], lengths: NDArray[Any] | None = None) -> list[Prediction]:
        """Returns one prediction per sample.

        Args:
            inputs: (batch, *sample shape) in the data's own dtype and scale.
            lengths: (batch,) int64, the number of frames that are there; all of them when left out.

        Raises:
            WrongInputError: dtype, shape or lengths are not what the model takes.
            ModelError: the model fails on an input of the right shape.
        """
        logits, answers, start = self.logits(inputs, lengths), {}, 0
        heads = {"": self.manifest.classes, **{head.name: head.classes for head in self.manifest.heads}}
        for name, classes in heads.items():
            answers[name] = _answers(logits[:, start : start + len(classes)], classes)
            start += len(classes)
        first = answers.pop("")
        return [_joined(answer, {name: row[n] for name, row in answers.items()}) for n, answer in enumerate(first)]


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Returns probabilities (batch, classes) of logits (batch, classes)."""
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    probabilities: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return probabilities


def _answers(logits: NDArray[np.float32], classes: tuple[str, ...]) -> list[Answer]:
    rows, best = softmax(logits).tolist(), logits.argmax(axis=1).tolist()
    pairs = zip(rows, best, strict=True)
    return [Answer(classes[place], row[place], dict(zip(classes, row, strict=True))) for row, place in pairs]


def _joined(first: Answer, others: Mapping[str, Answer]) -> Prediction:
    return Prediction(first.label, first.confidence, first.probabilities, others)


def _require_known(manifest: Manifest, session: Session) -> None:
    if manifest.task not in TASKS:
        raise ManifestError(f"`{MANIFEST}`: `task`: expected {TASKS}, got {manifest.task}; update the runtime")
    classes = len(manifest.classes) + sum(len(head.classes) for head in manifest.heads)
    if session.outputs["logits"].shape[-1] not in (None, classes):
        shape = session.outputs["logits"].shape
        raise ManifestError(f"`{MANIFEST}`: `classes`: expected one per logit {shape}, got {classes}; write it again")
