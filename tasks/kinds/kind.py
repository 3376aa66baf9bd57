"""What the house has to know about a kind of task, and where to find each kind by its name in the recipe.

A new kind costs one class that keeps to `TaskKind` and one entry in `KINDS`; nowhere else does code ask which it is.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from tasks.contracts.records import DatasetCard
from tasks.contracts.scores import ClassScore, ConfidenceBin
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
    def primary(self) -> str:
        """The key of `quick_scores` that decides which epoch and which candidate is better; higher is better."""

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

    def predict(self, logits: Logits) -> NDArray[np.int64]:
        """Returns the predicted labels (n,) of logits (n, outputs)."""

    def quick_scores(self, logits: Logits, labels: Labels) -> dict[str, float]:
        """Returns the few numbers that training shows each epoch, `primary` and `loss` among them."""

    def correct(self, logits: Logits, labels: Labels) -> NDArray[np.bool_]:
        """Returns for each sample (n,) whether the answer is right."""

    def further_correct(self, logits: Logits, labels: Labels) -> dict[str, NDArray[np.bool_]]:
        """Returns for each head but the first, by name, whether its answer is right for each sample (n,)."""

    def outcomes(self, logits: Logits, labels: Labels) -> NDArray[np.int64]:
        """Returns what became of each sample (n,) as one integer; samples of equal integers count alike."""

    def tally(self, outcomes: NDArray[np.int64], counts: NDArray[np.int64], outputs: int) -> Mapping[str, Any]:
        """Returns scores by name, arrays (m,), of m data sets that hold each of k distinct outcomes `counts` times.

        Args:
            outcomes: (k,) distinct integers as `outcomes` gives them.
            counts: (m, k) how often each occurs.
            outputs: the size of the head.
        """

    def class_scores(self, logits: Logits, labels: Labels, classes: Sequence[str]) -> tuple[ClassScore, ...]:
        """Returns quality per class, in the order of `classes`."""

    def confidence_bins(self, logits: Logits, labels: Labels, bins: int) -> tuple[ConfidenceBin, ...]:
        """Returns how sure the model is and how often it is right, in at most `bins` groups of equal confidence."""

    def calibration_error(self, bins: Sequence[ConfidenceBin]) -> float:
        """Returns how far the confidence is from the accuracy, 0..1."""

    def confusion(self, logits: Logits, labels: Labels, classes: Sequence[str]) -> NDArray[np.int64]:
        """Returns (classes, classes) how many samples of a label (row) got a prediction (column)."""

    def agrees(self, logits: Logits, others: Logits) -> NDArray[np.bool_]:
        """Returns for each sample (n,) whether two models come to the same answer."""


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
