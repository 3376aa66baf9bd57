"""What the house has to know about a kind of task, and where to find each kind by its name in the recipe.

A new kind costs one class that keeps to `TaskKind` and one entry in `KINDS`; nowhere else does code ask which it is.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from tasks.contracts.records import DatasetCard
from tasks.core.errors import RecipeError, mismatch
from tasks.kinds.classification.task_kind import Classification

Logits = NDArray[np.floating[Any]]
Labels = NDArray[np.integer[Any]]
Array = TypeVar("Array", Tensor, NDArray[Any])


class TaskKind(Protocol):
    """Owns the target, the heads, what soft labels are, the metrics and the golden samples of one kind of task.

    All metrics are of the first head, unless their name says another.
    """

    @property
    def name(self) -> str:
        """The name in the recipe (`data.task`)."""

    @property
    def head_names(self) -> tuple[str, ...]:
        """The names of the heads in the order of their logits and labels; a single one is called `label`."""

    def outputs(self, classes: Sequence[str]) -> int:
        """Returns the number of logits of all heads together; `classes` are those of the first."""

    def heads(self, logits: Array) -> tuple[Array, ...]:
        """Returns the logits (..., outputs of the head) of each head, as views of logits (..., outputs)."""

    def head_labels(self, labels: Array) -> tuple[Array, ...]:
        """Returns the labels (n,) of each head, of labels (n,) where there is one head, else (n, heads)."""

    def hard_losses(self, logits: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
        """Returns the mean loss (heads,) of each head; `smoothing` spreads that part of the label over all classes."""

    def hard_loss(
        self, logits: Tensor, labels: Tensor, smoothing: float = 0.0, weights: Tensor | None = None
    ) -> Tensor:
        """Returns the sum () of `hard_losses`, times `weights` (heads,) where they are given."""

    def confidence(self, logits: Tensor) -> Tensor:
        """Returns how sure the first head is of each sample, (batch,) in 0..1, at temperature 1."""


KINDS: Mapping[str, Callable[[DatasetCard], TaskKind]] = {Classification.name: Classification.of}


def find_kind(card: DatasetCard) -> TaskKind:
    """Returns the kind of task of prepared data; it knows the data's heads.

    Raises:
        RecipeError: there is no such kind.
    """
    if card.task not in KINDS:
        problem = mismatch("recipe", "data.task", f"one of {', '.join(KINDS)}", card.task, "take one that is there")
        raise RecipeError([problem])
    return KINDS[card.task](card)
