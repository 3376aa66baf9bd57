"""One label out of several per sample, for one question or for several. Soft labels are the teacher's logits.

A question is a head: the first is that of the label, whose metrics decide; further ones (`heads` of the card) are
learned along. The logits of all heads stand side by side in their order, so to everything else a network with several
heads is one with more outputs; labels are (n,) for one head and (n, heads) for several.
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
