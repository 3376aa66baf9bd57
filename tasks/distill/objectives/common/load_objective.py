"""The objectives by their kind in the recipe: `OBJECTIVE` of the module of that name."""

from collections.abc import Callable
from functools import cache, wraps
from typing import Any

from torch import Tensor, nn

from tasks.core.plugins import available, load
from tasks.distill.objectives.common.tensors import standardised, wide

MODULES = "tasks.distill.objectives.{}"
VECTORS = "tasks.distill.objectives.vectors.{}"
"""of vectors without a softmax"""
SoftLabelFunction = Callable[[Tensor, Tensor, Tensor | None, float, Any], Tensor]
"""(student's logits (n, classes), the teacher's, labels (n,) int64 or None, temperature, parameters) -> losses (n,)"""
FeatureModule = Callable[..., nn.Module]
"""(parameters, shapes of the student's layers, of the teacher's, size of the training split) -> module"""


@cache
def soft_label_objective(kind: str) -> SoftLabelFunction:
    """Returns an objective that takes logits in any precision, and standardises them where its parameters say so."""
    module = load(VECTORS, kind) if kind in available(VECTORS) else load(MODULES, kind)
    function: SoftLabelFunction = module.OBJECTIVE

    @wraps(function)
    def prepared(student: Tensor, teacher: Tensor, labels: Tensor | None, temperature: float, params: Any) -> Tensor:
        logits = (wide(student), wide(teacher))
        ours, theirs = (standardised(side) for side in logits) if params.standardise else logits
        return function(ours, theirs, labels, temperature, params)

    return prepared


def feature_objective(kind: str) -> FeatureModule:
    """Returns what makes the module of a feature objective."""
    module: FeatureModule = load(MODULES, kind).OBJECTIVE
    return module
