"""Decoupled knowledge distillation: the label's class against the rest, and the rest among itself."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from params.objectives import Dkd
from tasks.core.errors import RecipeError, mismatch


class _Decoupled(NamedTuple):
    """Logarithms of probabilities: of the label's class or not (n, 2), and of the others given not (n, classes - 1)."""

    target: Tensor
    non_target: Tensor

    @classmethod
    def of(cls, logits: Tensor, labels: Tensor, temperature: float) -> "_Decoupled":
        every = functional.log_softmax(logits / temperature, dim=1)
        # Taken out rather than masked with a large number: exact, and defined where nothing or one class is left.
        places = torch.arange(logits.shape[1] - 1, device=logits.device).unsqueeze(0)
        others = every.gather(1, places + (places >= labels.unsqueeze(1)))
        not_label = others.logsumexp(dim=1, keepdim=True)
        return cls(
            torch.cat([every.gather(1, labels.unsqueeze(1)), not_label], dim=1), functional.log_softmax(others, dim=1)
        )


def dkd(student: Tensor, teacher: Tensor, labels: Tensor | None, temperature: float, params: Dkd) -> Tensor:
    """Returns T^2 * (target * TCKD + non_target * NCKD) (n,) of logits (n, classes).

    Zhao et al. 2022 (arXiv:2203.08679), equation 7, with T^2. Of two classes one is left besides the label, so that
    NCKD is exactly 0.

    Raises:
        RecipeError: the rows have no right class.
    """
    if labels is None:
        expected = "an objective that needs no right class, since this kind of task has none"
        raise RecipeError([mismatch("recipe", "distill.objectives", expected, params.kind, "take `kl`")])
    ours, theirs = (_Decoupled.of(logits, labels, temperature) for logits in (student, teacher))
    target, non_target = (_divergence(*pair) for pair in zip(theirs, ours, strict=True))
    return (params.target * target + params.non_target * non_target) * temperature**2


def _divergence(teacher: Tensor, student: Tensor) -> Tensor:
    return (teacher.exp() * (teacher - student)).sum(dim=1)


OBJECTIVE = dkd
