"""Losses of a regression: cross-entropy with numbers shared between two bins, and rows of logits for soft labels."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import log

import torch
from torch import Tensor, nn
from torch.nn import functional

from tasks.contracts.targets import TargetCard, Targets
from tasks.kinds.contract import MASK, Asked, LogitRows, Per, Tensors
from tasks.kinds.frames import rows_of_frames
from tasks.kinds.regression.names import LOGITS, VALUE, bins_of, high_of, low_of, tolerance_of

HEAD = "value"


class RegressionLoss:
    """The part of the kind."""

    def heads(self, card: TargetCard) -> tuple[str, ...]:
        """Returns the only head."""
        return (HEAD,)

    def training_head(self, trained: Iterable[Targets], card: TargetCard, teacher: Asked | None) -> nn.Module | None:
        """Returns None: all that learns is in the network."""
        return None

    def losses(self, outputs: Tensors, targets: Tensors, card: TargetCard, smoothing: float) -> Mapping[str, Tensor]:
        """Returns the cross-entropy () in nats, mean over the batch.

        A number is shared between the two bins it lies between, so that the mean of what is to be predicted is the
        number itself ("two-hot", Hafner et al. 2023, arXiv:2301.04104, equation 10). `smoothing` is the part that is
        spread evenly over all bins.
        """
        logarithms = functional.log_softmax(outputs[LOGITS], dim=1)
        lower, part = _shared(targets[VALUE], card)
        below, above = (logarithms.gather(1, (lower + more).unsqueeze(1)).squeeze(1) for more in (0, 1))
        part = part.to(logarithms.dtype)
        hard = -((1 - part) * below + part * above)
        return {HEAD: ((1 - smoothing) * hard - smoothing * logarithms.mean(dim=1)).mean()}

    def rows(
        self, student: Tensors, teacher: Tensors, targets: Tensors | None, card: TargetCard, per: Per
    ) -> Iterator[LogitRows]:
        """Yields one row per sample, or per frame that is no padding; its label is the nearest bin.

        A teacher is right about a sample where its mean is within the tolerance.
        """
        theirs = teacher[LOGITS]
        probabilities = functional.softmax(theirs, dim=1)
        certainty = probabilities.amax(dim=1)
        labels = right = None
        if targets is not None:
            lower, part = _shared(targets[VALUE], card)
            labels = lower + (part >= 0.5).long()
            values = torch.linspace(low_of(card), high_of(card), bins_of(card), device=theirs.device)
            right = (probabilities @ values - targets[VALUE]).abs() <= tolerance_of(card)
        rows = LogitRows(HEAD, student[LOGITS], theirs, labels, None, certainty, right)
        yield rows if per == "sequence" else rows_of_frames(rows, LOGITS, student, teacher)

    def groups(self, targets: Tensors) -> Tensor | None:
        """Returns None: numbers are near or far, and of no group."""
        return None

    def mean_of(self, teachers: Sequence[Tensors], weights: Sequence[float]) -> Tensors:
        """Returns the logits of the mean of the distributions, whose mean is that of the teachers' numbers."""
        return {name: _mixed([one[name] for one in teachers], weights) for name in teachers[0] if name != MASK}

    def kept(self, outputs: Tensors) -> Tensors:
        """Returns all of them."""
        return outputs

    def given(self, kept: Tensors) -> Tensors:
        """Returns them as they are."""
        return kept


def _mixed(logits: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    logarithms = [
        functional.log_softmax(one, dim=-1) + log(weight) for one, weight in zip(logits, weights, strict=True)
    ]
    return torch.stack(logarithms).logsumexp(dim=0)


def _shared(numbers: Tensor, card: TargetCard) -> tuple[Tensor, Tensor]:
    """Returns the lower neighbouring bin (batch,) of each number, and the part (batch,) of the upper one."""
    steps = bins_of(card) - 1
    place = ((numbers.double() - low_of(card)) / (high_of(card) - low_of(card))).clamp(0, 1) * steps
    lower = place.long().clamp_max(steps - 1)
    return lower, place - lower


PART = RegressionLoss()
