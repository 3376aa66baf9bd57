"""One label out of several per sample, for one question or for several. Soft labels are the teacher's logits.

A question is a head: the first is that of the label, whose metrics decide; further ones (`heads` of the card) are
learned along. The logits of all heads stand side by side in their order, so to everything else a network with several
heads is one with more outputs; labels are (n,) for one head and (n, heads) for several.

Metrics are taken in float64 whatever the logits come in: a float32 softmax would move the loss in its sixth digit.
"""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from tasks.contracts.records import DatasetCard
from tasks.contracts.scores import ClassScore, ConfidenceBin
from tasks.kinds.classification.names import further_classes

Logits = NDArray[np.floating[Any]]
Labels = NDArray[np.integer[Any]]
Floats = NDArray[np.float64]
Array = TypeVar("Array", Tensor, NDArray[Any])
FIRST = "label"
"""the name of the first head"""


class Classification:
    """Labels are int64 in 0..classes-1; a head has one logit per class."""

    name = "classification"
    primary = "accuracy"

    def __init__(self, further: Mapping[str, Sequence[str]] | None = None) -> None:
        further = further or {}
        self.head_names: tuple[str, ...] = (FIRST, *further)
        self.further = tuple(len(classes) for classes in further.values())

    @classmethod
    def of(cls, card: DatasetCard) -> "Classification":
        """Returns the kind for prepared data, with its heads."""
        return cls({name: tuple(found) for name, found in further_classes(card.targets).items()})

    def outputs(self, classes: Sequence[str]) -> int:
        """Returns one logit per class of each head; `classes` are those of the first."""
        return len(classes) + sum(self.further)

    def heads(self, logits: Array) -> tuple[Array, ...]:
        """Returns the logits (..., classes of the head) of each head, as views of logits (..., outputs)."""
        if not self.further:
            return (logits,)
        ends: tuple[int, ...] = tuple(accumulate(self.further, initial=logits.shape[-1] - sum(self.further)))
        return tuple(logits[..., start:end] for start, end in zip((0, *ends[:-1]), ends, strict=True))

    def head_labels(self, labels: Array) -> tuple[Array, ...]:
        """Returns the labels (n,) of each head, of labels (n,) or (n, heads)."""
        if not self.further:
            return (labels,)
        return tuple(labels[:, head] for head in range(1 + len(self.further)))

    def hard_losses(self, logits: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
        """Returns the cross-entropy of each head (heads,), mean over the batch.

        `smoothing` is the part of the label that is spread evenly over all classes of the head (Szegedy et al. 2016,
        arXiv:1512.00567, section 7).
        """
        pairs = zip(self.heads(logits), self.head_labels(labels), strict=True)
        return torch.stack([functional.cross_entropy(ours, right, label_smoothing=smoothing) for ours, right in pairs])

    def hard_loss(
        self, logits: Tensor, labels: Tensor, smoothing: float = 0.0, weights: Tensor | None = None
    ) -> Tensor:
        """Returns the sum () of `hard_losses`, times `weights` (heads,) where they are given."""
        losses = self.hard_losses(logits, labels, smoothing)
        return (losses if weights is None else losses * weights).sum()

    def confidence(self, logits: Tensor) -> Tensor:
        """Returns the largest probability (batch,) of the first head at temperature 1."""
        return functional.softmax(self.heads(logits)[0], dim=1).amax(dim=1)

    def predict(self, logits: Logits) -> NDArray[np.int64]:
        """Returns the class (n,) of the first head's largest logit; of equal ones the first."""
        labels: NDArray[np.int64] = np.argmax(self.heads(logits)[0], axis=1).astype(np.int64)
        return labels

    def quick_scores(self, logits: Logits, labels: Labels) -> dict[str, float]:
        """Returns accuracy and mean cross-entropy in nats of the first head; `NAME_accuracy` of each further one."""
        hits = self.correct(logits, labels)
        first = self.head_labels(labels)[0]
        picked = np.take_along_axis(log_softmax(self.heads(logits)[0]), first[:, None].astype(np.int64), axis=1)
        further = self.further_correct(logits, labels).items()
        scores = {"accuracy": float(hits.mean()), "loss": float(-picked.mean())}
        return scores | {f"{name}_accuracy": float(right.mean()) for name, right in further}

    def correct(self, logits: Logits, labels: Labels) -> NDArray[np.bool_]:
        """Returns for each sample (n,) whether its class is the predicted one."""
        right: NDArray[np.bool_] = self.predict(logits) == self.head_labels(labels)[0]
        return right

    def further_correct(self, logits: Logits, labels: Labels) -> dict[str, NDArray[np.bool_]]:
        """Returns for each further head, and each sample (n,), whether its class is the predicted one."""
        trios = zip(self.head_names, self.heads(logits), self.head_labels(labels), strict=True)
        return {name: np.argmax(ours, axis=1) == right for name, ours, right in list(trios)[1:]}

    def outcomes(self, logits: Logits, labels: Labels) -> NDArray[np.int64]:
        """Returns the cell of the confusion matrix (n,) each sample falls into: label * outputs + prediction."""
        cells: NDArray[np.int64] = self.head_labels(labels)[0].astype(np.int64) * logits.shape[1] + self.predict(logits)
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
            self.head_labels(labels)[0], self.predict(logits), labels=range(len(classes)), zero_division=0
        )
        return tuple(
            ClassScore(label=name, recall=float(r), precision=float(p), f1=float(f), samples=int(n))
            for name, r, p, f, n in zip(classes, recall, precision, f1, samples, strict=True)
        )

    def confidence_bins(self, logits: Logits, labels: Labels, bins: int) -> tuple[ConfidenceBin, ...]:
        """Returns what a reliability diagram shows (Guo et al. 2017, arXiv:1706.04599): `bins` bins of equal width.

        The m-th holds the samples whose confidence is in ((m-1)/bins, m/bins]; bins without samples are left out.
        """
        confidence = np.exp(log_softmax(self.heads(logits)[0]).max(axis=1))
        hits = self.correct(logits, labels)
        place = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
        return tuple(
            ConfidenceBin(
                low=float(bin_ / bins),
                high=float((bin_ + 1) / bins),
                samples=int(mine.sum()),
                confidence=float(confidence[mine].mean()),
                accuracy=float(hits[mine].mean()),
            )
            for bin_ in np.unique(place)
            for mine in [place == bin_]
        )

    def calibration_error(self, bins: Sequence[ConfidenceBin]) -> float:
        """Returns the expected calibration error (Guo et al. 2017, arXiv:1706.04599, equation 3).

        That is `sum_m |B_m| / n * |acc(B_m) - conf(B_m)|` over the bins of `confidence_bins`.
        """
        gaps = [bin_.samples * abs(bin_.accuracy - bin_.confidence) for bin_ in bins]
        return float(sum(gaps) / sum(bin_.samples for bin_ in bins))

    def confusion(self, logits: Logits, labels: Labels, classes: Sequence[str]) -> NDArray[np.int64]:
        """Returns (classes, classes) how many samples of a label (row) got a prediction (column)."""
        size = len(classes)
        cells = self.head_labels(labels)[0].astype(np.int64) * size + self.predict(logits)
        matrix: NDArray[np.int64] = np.bincount(cells, minlength=size * size).reshape(size, size)
        return matrix

    def agrees(self, logits: Logits, others: Logits) -> NDArray[np.bool_]:
        """Returns for each sample (n,) whether both models predict the same class."""
        same: NDArray[np.bool_] = self.predict(logits) == self.predict(others)
        return same


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
