"""Which soft labels are selected, and how much each counts."""

from dataclasses import replace
from typing import Literal

from torch import Tensor

from params.distill import Distill
from tasks.core.errors import RecipeError, mismatch
from tasks.kinds.contract import LogitRows

Mode = Literal["drop", "weight", "right"]


def confidence_weights(mode: Mode, threshold: float, certainty: Tensor, right: Tensor | None) -> Tensor:
    """Returns weights (n,) in 0..1; where the certainty is below the threshold the weight is 0 in every mode.

    Args:
        mode: `drop`: 1 from the threshold on; `weight`: the certainty itself; `right`: 1 where the teacher is right.
        threshold: smallest certainty that is selected, 0..1.
        certainty: (n,) how sure the teacher is, 0..1.
        right: (n,) bool, whether the teacher is right; None where the kind of task does not say so.

    Raises:
        RecipeError: the mode is `right`, and the kind of task does not say what is.
    """
    chosen = (certainty >= threshold).to(certainty.dtype)
    match mode:
        case "drop":
            return chosen
        case "weight":
            return chosen * certainty
        case "right":
            return chosen * _required(right)


def select(rows: LogitRows, params: Distill) -> LogitRows:
    """Returns the rows that have a weight, with it."""
    chosen = _weights(rows, params)
    weights = chosen if rows.weights is None else rows.weights * chosen
    mask = weights > 0
    labels = None if rows.labels is None else rows.labels[mask]
    return replace(
        rows,
        student=rows.student[mask],
        teacher=rows.teacher[mask],
        labels=labels,
        weights=weights[mask],
        certainty=rows.certainty[mask],
        right=None if rows.right is None else rows.right[mask],
    )


def share_selected(rows: LogitRows, params: Distill, samples: int) -> Tensor:
    """Returns the part () of the samples of a batch whose rows `select` keeps."""
    chosen = (_weights(rows, params) > 0).float()
    return (chosen if rows.weights is None else chosen * rows.weights).sum() / samples


def _weights(rows: LogitRows, params: Distill) -> Tensor:
    return confidence_weights(params.confidence_mode, params.confidence_threshold, rows.certainty, rows.right)


def _required(right: Tensor | None) -> Tensor:
    if right is None:
        expected = "`drop` or `weight`, since this kind of task does not say whether a teacher is right"
        raise RecipeError([mismatch("recipe", "distill.confidence_mode", expected, "right", "take one of them")])
    return right
