"""Metrics of classification, from what became of each sample; numpy only.

All are taken in float64 whatever the logits come in: a float32 softmax would move the loss in its sixth digit. They are
of the first question; of a further one there is the part that is right, as `right/NAME`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.contracts.metrics import Metric
from tasks.contracts.targets import TargetCard, Targets
from tasks.kinds.classification.names import FIRST, LOGITS, further_classes, output_of, questions
from tasks.kinds.contract import Arrays, Constant, Floats, OperatingCurve, Rows, ScoredPairs

BINS = 15
"""of equal width, in which confidence and accuracy are compared (Guo et al. 2017, arXiv:1706.04599, section 3)"""
CERTAIN = 3.0
"""standard deviations by which a model must be better than chance"""
ANOTHER_ORDER = 0.2
"""how much more often a model must be right under another order of classes before that order is believed"""


@dataclass(frozen=True)
class Outcomes:
    """What became of each sample (n,): its class, the predicted one, the largest probability, -log p of its class.

    `further` (n, questions) says whether the answer to each further question is right. A label beyond the classes that
    the model knows is one that it cannot have right.
    """

    label: Rows
    predicted: Rows
    confidence: Floats
    loss: Floats
    further: NDArray[np.bool_]
    names: tuple[str, ...]
    questions: tuple[str, ...]

    @property
    def hits(self) -> NDArray[np.bool_]:
        """Whether each sample (n,) is right."""
        same: NDArray[np.bool_] = self.label == self.predicted
        return same


class ClassificationMetrics:
    """The part of the kind."""

    metrics = (
        Metric("accuracy", "accuracy"),
        Metric("right", "accuracy", per_group="question"),
        Metric("macro_recall", "macro recall", each_epoch=False, in_summary=False),
        Metric("macro_f1", "macro F1", each_epoch=False),
        Metric("recall", "recall", per_group="class", each_epoch=False, in_summary=False),
        Metric("precision", "precision", per_group="class", each_epoch=False, in_summary=False),
        Metric("f1", "F1", per_group="class", each_epoch=False, in_summary=False),
        Metric("calibration_error", "calibration error", "lower", each_epoch=False, unit="number"),
        Metric("loss", "cross-entropy", "lower", high=inf, in_summary=False, unit="number"),
    )

    def evidence(self, outputs: Arrays, targets: Targets, card: TargetCard) -> Outcomes:
        """Returns the outcome of each sample of a batch."""
        logits, label = outputs[LOGITS], targets[FIRST].astype(np.int64)
        logarithms = log_softmax(logits)
        known = label < logits.shape[1]
        picked = np.take_along_axis(logarithms, np.where(known, label, 0)[:, None], axis=1)[:, 0]
        questions = tuple(further_classes(card))
        right = [outputs[output_of(name)].argmax(axis=1) == targets[name] for name in questions]
        return Outcomes(
            label,
            logits.argmax(axis=1).astype(np.int64),
            np.exp(logarithms.max(axis=1)),
            np.where(known, -picked, np.inf),
            np.stack(right, axis=1) if right else np.zeros((len(label), 0), dtype=np.bool_),
            (*card.names, *(f"new class {number}" for number in range(1, int(label.max()) + 2 - len(card.names)))),
            questions,
        )

    def joined(self, parts: Sequence[Outcomes]) -> Outcomes:
        """Returns the outcomes of several batches as one."""
        label, predicted, confidence, loss, further = (
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("label", "predicted", "confidence", "loss", "further")
        )
        names = max((part.names for part in parts), key=len)
        return Outcomes(label, predicted, confidence, loss, further, names, parts[0].questions)

    def take(self, evidence: Outcomes, rows: Rows) -> Outcomes:
        """Returns the outcomes of some samples."""
        return Outcomes(
            evidence.label[rows],
            evidence.predicted[rows],
            evidence.confidence[rows],
            evidence.loss[rows],
            evidence.further[rows],
            evidence.names,
            evidence.questions,
        )

    def tally(self, evidence: Outcomes, counts: Rows) -> Mapping[str, Floats]:
        """Returns every metric; means over classes are over those that have a sample in the data set.

        A quotient of 0/0 counts as 0; per class, a data set without a sample of it has NaN.
        """
        every, size = counts.astype(np.float64), len(evidence.names)
        real, claimed = _sums(every, evidence.label, size), _sums(every, evidence.predicted, size)
        hits = _sums(every * evidence.hits, evidence.label, size)
        total, present = every.sum(axis=1), real > 0
        recall, precision = hits / np.maximum(real, 1), hits / np.maximum(claimed, 1)
        f1 = 2 * hits / np.maximum(real + claimed, 1)
        return {
            "accuracy": (every * evidence.hits).sum(axis=1) / total,
            "macro_recall": _mean_where(present, recall),
            "macro_f1": _mean_where(present, f1),
            "calibration_error": _calibration_error(evidence, every),
            "loss": (every * evidence.loss).sum(axis=1) / total,
            **_by_class(evidence, "recall", recall, present),
            **_by_class(evidence, "precision", precision, present),
            **_by_class(evidence, "f1", f1, present),
            **{
                f"right/{name}": (every * evidence.further[:, place]).sum(axis=1) / total
                for place, name in enumerate(evidence.questions)
            },
        }

    def support(self, evidence: Outcomes) -> Mapping[str, int]:
        """Returns how many samples each class has."""
        counts = np.bincount(evidence.label, minlength=len(evidence.names))
        return {name: int(count) for name, count in zip(evidence.names, counts, strict=False)}

    def right(self, evidence: Outcomes) -> NDArray[np.bool_] | None:
        """Returns whether the predicted class is the right one."""
        return evidence.hits

    def units(self, evidence: Outcomes) -> Rows | None:
        """Returns None: each sample is drawn by itself."""
        return None

    def pairs(self, evidence: Outcomes) -> ScoredPairs | None:
        """Returns None: answers are not compared with each other."""
        return None

    def operating(self, evidence: Outcomes) -> OperatingCurve | None:
        """Returns None: an answer is told whatever its score is."""
        return None

    def agreement(self, outputs: Arrays, others: Arrays) -> Floats:
        """Returns 1 where both models predict the same class of the first question, else 0."""
        same: Floats = (outputs[LOGITS].argmax(axis=1) == others[LOGITS].argmax(axis=1)).astype(np.float64)
        return same

    def constant(self, trained: Iterable[Targets], card: TargetCard) -> Constant:
        """Returns the commonest class of each question, with the frequencies of the classes as probabilities."""
        counts = {name: np.zeros(len(classes)) for name, classes in questions(card).items()}
        for targets in trained:
            for name, total in counts.items():
                total += np.bincount(targets[name], minlength=len(total))
        # A class that is not trained on gets a little: the logarithm of nothing is no number.
        outputs = {output_of(name): np.log(np.maximum(total, 0.5))[np.newaxis] for name, total in counts.items()}
        return Constant(f"always answering {card.names[counts[FIRST].argmax()]}", outputs)

    def suspicions(self, evidence: Outcomes, card: TargetCard) -> tuple[str, ...]:
        """Returns the order of classes under which the model is right far more often, if there is one."""
        from scipy.optimize import linear_sum_assignment  # takes 0.3 s to import

        size = len(card.names)
        confusion = confusion_of(evidence, size)
        rows, columns = linear_sum_assignment(confusion, maximize=True)
        as_is, best = np.trace(confusion) / len(evidence.label), confusion[rows, columns].sum() / len(evidence.label)
        if best - as_is <= ANOTHER_ORDER:
            return ()
        expected, got = (", ".join(f"`{card.names[place]}`" for place in o) for o in (range(size), columns.argsort()))
        found = f"one that is right on {as_is:.1%}, but on {best:.1%} if its outputs are {got}"
        do = "permute the rows of its head, or say `teacher.classes`"
        return (f"expected the classes in the order {expected}, got {found}; {do}",)

    def at_chance(self, evidence: Outcomes) -> str:
        """Returns in words that accuracy is what chance would give, at three standard deviations."""
        hits, (expected, deviation) = int(evidence.hits.sum()), by_chance(evidence)
        if hits > expected + CERTAIN * deviation:
            return ""
        samples = len(evidence.label)
        return (
            f"accuracy {hits / samples:.4f} on {samples:,} samples, where chance alone gives {expected / samples:.4f}"
        )


def by_chance(evidence: Outcomes) -> tuple[float, float]:
    """Returns how many samples a model would have right that says as often what it says, whatever it is shown.

    And the standard deviation of that number.
    """
    size, samples = max(len(evidence.names), int(evidence.predicted.max()) + 1), len(evidence.label)
    real, claimed = (np.bincount(labels, minlength=size) for labels in (evidence.label, evidence.predicted))
    width = min(len(real), len(claimed))
    expected = float((real[:width] * claimed[:width]).sum() / samples)
    return expected, (expected * max(1 - expected / samples, 0)) ** 0.5


def confusion_of(evidence: Outcomes, size: int) -> NDArray[np.int64]:
    """Returns (size, size) how many samples of a class (row) got a prediction (column)."""
    cells = np.bincount(evidence.label * size + evidence.predicted, minlength=size * size)
    matrix: NDArray[np.int64] = cells[: size * size].reshape(size, size)
    return matrix


def bins_of(confidence: Floats, bins: int = BINS) -> Rows:
    """Returns the bin (n,) of each confidence: the m-th of `bins` holds those in ((m-1)/bins, m/bins]."""
    places: Rows = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    return places


def log_softmax(logits: NDArray[np.floating[Any]]) -> Floats:
    """Returns the logarithm of the softmax over the last axis, in float64, without overflow."""
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    result: Floats = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result


def _calibration_error(evidence: Outcomes, every: Floats) -> Floats:
    """Returns the expected calibration error (m,): Guo et al. 2017 (arXiv:1706.04599), equation 3.

    That is `sum_m |B_m| / n * |acc(B_m) - conf(B_m)|`, so the sums over a bin of hit minus confidence are enough.
    """
    gaps = _sums(every * (evidence.hits - evidence.confidence), bins_of(evidence.confidence), BINS)
    error: Floats = np.abs(gaps).sum(axis=1) / every.sum(axis=1)
    return error


def _sums(values: Floats, groups: Rows, size: int) -> Floats:
    """Returns (m, size): the values (m, n) summed over the samples of each group (n,); groups beyond are left out."""
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    present, starts = np.unique(ordered, return_index=True)
    sums = np.zeros((len(values), max(size, int(present.max()) + 1 if len(present) else 0)))
    sums[:, present] = np.add.reduceat(values[:, order], starts, axis=1)
    return sums[:, :size]


def _by_class(evidence: Outcomes, metric: str, values: Floats, present: NDArray[np.bool_]) -> dict[str, Floats]:
    """Returns the values (m, classes) by the name of the class, for classes that have a sample in the evidence.

    A data set without a sample of a class, as resampling makes of rare ones, says nothing about it: NaN.
    """
    known, names = np.where(present, values, np.nan), evidence.names
    return {f"{metric}/{names[place]}": known[:, place] for place in np.unique(evidence.label) if place < len(names)}


def _mean_where(mask: NDArray[np.bool_], values: Floats) -> Floats:
    mean: Floats = np.where(mask, values, 0).sum(axis=1) / np.maximum(mask.sum(axis=1), 1)
    return mean


PART = ClassificationMetrics()
