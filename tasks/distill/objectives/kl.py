"""Soft labels as Hinton, Vinyals and Dean defined them."""

from torch import Tensor

from params.objectives import Kl
from tasks.distill.objectives.common.divergence import divergence


def kl(student: Tensor, teacher: Tensor, _labels: Tensor | None, temperature: float, _params: Kl) -> Tensor:
    """Returns T^2 * KL(softmax(teacher / T) || softmax(student / T)) (n,) of logits (n, classes).

    Hinton, Vinyals and Dean 2015 (arXiv:1503.02531), section 2.
    """
    return divergence(teacher, student, temperature)


OBJECTIVE = kl
