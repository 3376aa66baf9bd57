"""The soft-label objectives by their kind in the recipe."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from torch import Tensor

from tasks.distill.objectives.dist import dist
from tasks.distill.objectives.divergences import kl, reverse_kl, symmetric_kl
from tasks.distill.objectives.dkd import dkd
from tasks.distill.objectives.logits import logit_mse, standardised
from tasks.distill.objectives.precision import wide

SoftLabelFunction = Callable[[Tensor, Tensor, Tensor, float, Any], Tensor]
"""(student's logits (n, classes), the teacher's, labels (n,) int64, temperature, parameters) -> losses (n,)"""


def _prepared(function: SoftLabelFunction) -> SoftLabelFunction:
    """Gives a function logits in at least float32, standardised where its parameters say so."""

    @wraps(function)
    def of(student: Tensor, teacher: Tensor, labels: Tensor, temperature: float, params: Any) -> Tensor:
        logits = (wide(student), wide(teacher))
        ours, theirs = (standardised(side) for side in logits) if params.standardise else logits
        return function(ours, theirs, labels, temperature, params)

    return of


SOFT_LABEL_OBJECTIVES: Mapping[str, SoftLabelFunction] = {
    "kl": _prepared(kl),
    "reverse_kl": _prepared(reverse_kl),
    "symmetric_kl": _prepared(symmetric_kl),
    "logit_mse": _prepared(logit_mse),
    "dkd": _prepared(dkd),
    "dist": _prepared(dist),
}
