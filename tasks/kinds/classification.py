"""One label out of several per sample. Soft labels are the teacher's logits, one per class.

Metrics are taken in float64 whatever the logits come in: a float32 softmax would move the loss in its sixth digit.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from tasks.records import ClassScore

Logits = NDArray[np.floating[Any]]
Labels = NDArray[np.integer[Any]]
Floats = NDArray[np.float64]


class Classification:
    """Labels are int64 in 0..classes-1; the head has one logit per class."""

    name = "classification"
    primary = "accuracy"

    def outputs(self, classes: Sequence[str]) -> int:
        """Returns one logit per class."""
        return len(classes)

    def hard_loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Returns the cross-entropy (), mean over the batch, of logits (batch, classes) and labels (batch,)."""
        loss: Tensor = functional.cross_entropy(logits, labels)
        return loss

    def confidence(self, logits: Tensor) -> Tensor:
        """Returns the largest probability (batch,) at temperature 1."""
        return functional.softmax(logits, dim=1).amax(dim=1)

    def predict(self, logits: Logits) -> NDArray[np.int64]:
        """Returns the class (n,) of the largest logit; of equal ones the first."""
        labels: NDArray[np.int64] = np.argmax(logits, axis=1).astype(np.int64)
        return labels

    def quick_scores(self, logits: Logits, labels: Labels) -> dict[str, float]:
        """Returns accuracy and mean cross-entropy in nats."""
        hits = self.correct(logits, labels)
        picked = np.take_along_axis(log_softmax(logits), labels[:, None].astype(np.int64), axis=1)
        return {"accuracy": float(hits.mean()), "loss": float(-picked.mean())}

    def correct(self, logits: Logits, labels: Labels) -> NDArray[np.bool_]:
        """Returns for each sample (n,) whether its class is the predicted one."""
        right: NDArray[np.bool_] = self.predict(logits) == labels
        return right

    def outcomes(self, logits: Logits, labels: Labels) -> NDArray[np.int64]:
        """Returns the cell of the confusion matrix (n,) each sample falls into: label * classes + prediction."""
        cells: NDArray[np.int64] = labels.astype(np.int64) * logits.shape[1] + self.predict(logits)
        return cells

    def tally(self, outcomes: NDArray[np.int64], counts: NDArray[np.int64], outputs: int) -> dict[str, Floats]:
        """Returns accuracy, macro recall and macro F1 from how often each cell of the confusion matrix is met.

        The macro means are over the classes that are there: a data set without a class says nothing about it.
        """
        label, predicted = outcomes // outputs, outcomes % outputs
        every = counts.astype(np.float64)
        real, claimed = every @ _one_hot(label, outputs), every @ _one_hot(predicted, outputs)
        right = every @ (_one_hot(label, outputs) * (label == predicted)[:, None])
        there = real > 0
        return {
            "accuracy": right.sum(axis=1) / every.sum(axis=1),
            "macro_recall": _mean_where(there, right / np.maximum(real, 1)),
            "macro_f1": _mean_where(there, 2 * right / np.maximum(real + claimed, 1)),
        }

    def class_scores(self, logits: Logits, labels: Labels, classes: Sequence[str]) -> tuple[ClassScore, ...]:
        """Returns recall, precision, F1 and the number of samples per class; 0 where a quotient is 0/0."""
        from sklearn.metrics import precision_recall_fscore_support  # takes 0.6 s to import

        precision, recall, f1, samples = precision_recall_fscore_support(
            labels, self.predict(logits), labels=range(len(classes)), zero_division=0
        )
        return tuple(
            ClassScore(label=name, recall=float(r), precision=float(p), f1=float(f), samples=int(n))
            for name, r, p, f, n in zip(classes, recall, precision, f1, samples, strict=True)
        )

    def calibration_error(self, logits: Logits, labels: Labels, bins: int) -> float:
        """Returns the expected calibration error (Guo et al. 2017, arXiv:1706.04599, equation 3).

        That is `sum_m |B_m| / n * |acc(B_m) - conf(B_m)|` over `bins` bins ((m-1)/bins, m/bins] of equal width.
        """
        confidence = np.exp(log_softmax(logits).max(axis=1))
        hits = self.correct(logits, labels)
        place = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
        gaps = np.bincount(place, weights=hits - confidence, minlength=bins)
        return float(np.abs(gaps).sum() / len(labels))

    def agrees(self, logits: Logits, others: Logits) -> NDArray[np.bool_]:
        """Returns for each sample (n,) whether both models predict the same class."""
        same: NDArray[np.bool_] = self.predict(logits) == self.predict(others)
        return same

    def golden(self, labels: Labels, count: int = 8) -> NDArray[np.int64]:
        """Returns rows in turn from each class, the first of each, then the second, until there are `count`."""
        order = np.argsort(labels, kind="stable")
        ordered = labels[order]
        turn = np.arange(len(labels)) - np.searchsorted(ordered, ordered, side="left")
        chosen = order[np.lexsort((ordered, turn))][:count]
        return chosen.astype(np.int64)


def log_softmax(logits: Logits) -> Floats:
    """Returns the logarithm of the softmax over the last axis, in float64, without overflow."""
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    result: Floats = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result


def _one_hot(indices: NDArray[np.int64], width: int) -> Floats:
    hot: Floats = (indices[:, None] == np.arange(width)).astype(np.float64)
    return hot


def _mean_where(there: NDArray[np.bool_], values: Floats) -> Floats:
    mean: Floats = np.where(there, values, 0).sum(axis=1) / there.sum(axis=1)
    return mean
