"""Losses of classification: cross-entropy with the hard labels, and rows of logits for soft-label objectives."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from tasks.contracts.targets import TargetCard, Targets
from tasks.kinds.classification.names import FIRST, output_of, questions
from tasks.kinds.contract import Asked, LogitRows, Per, Tensors
from tasks.kinds.frames import rows_of_frames


class ClassificationLoss:
    """The part of the kind. Targets are one int64 column per question, named as it."""

    def heads(self, card: TargetCard) -> tuple[str, ...]:
        """Returns the names of the questions."""
        return tuple(questions(card))

    def training_head(
        self,
        trained: Iterable[Targets],
        card: TargetCard,
        teacher: Asked | None,
    ) -> nn.Module | None:
        """Returns None: all that learns is in the network."""
        return None

    def losses(self, outputs: Tensors, targets: Tensors, card: TargetCard, smoothing: float) -> Mapping[str, Tensor]:
        """Returns the cross-entropy () of each question in nats, mean over the batch.

        `smoothing` is the part of the label that is spread evenly over all classes (Szegedy et al. 2016,
        arXiv:1512.00567, section 7).
        """
        return {
            name: functional.cross_entropy(outputs[output_of(name)], targets[name], label_smoothing=smoothing)
            for name in self.heads(card)
        }

    def rows(
        self, student: Tensors, teacher: Tensors, targets: Tensors | None, card: TargetCard, per: Per
    ) -> Iterator[LogitRows]:
        """Yields one row per sample, or per frame that is no padding, for each question.

        The frames of a sequence share its weight, so that a long one counts no more than a short one.
        """
        for name in self.heads(card):
            output, labels = output_of(name), None if targets is None else targets[name]
            certainty = functional.softmax(teacher[output], dim=1).amax(dim=1)
            right = None if labels is None else teacher[output].argmax(dim=1) == labels
            rows = LogitRows(name, student[output], teacher[output], labels, None, certainty, right)
            yield rows if per == "sequence" else rows_of_frames(rows, output, student, teacher)

    def groups(self, targets: Tensors) -> Tensor | None:
        """Returns the labels of the first question."""
        return targets[FIRST]

    def mean_of(self, teachers: Sequence[Tensors], weights: Sequence[float]) -> Tensors:
        """Returns the mean of the logits: the geometric mean of the distributions.

        Hinton, Vinyals and Dean 2015 (arXiv:1503.02531, section 1).
        """
        return {
            name: torch.stack([weight * one[name] for weight, one in zip(weights, teachers, strict=True)]).sum(dim=0)
            for name in teachers[0]
        }

    def kept(self, outputs: Tensors) -> Tensors:
        """Returns all of them."""
        return outputs

    def given(self, kept: Tensors) -> Tensors:
        """Returns them as they are."""
        return kept


PART = ClassificationLoss()
