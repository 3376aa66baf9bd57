"""Both divergences in equal parts."""

from torch import Tensor

from params.objectives import SymmetricKl
from tasks.distill.objectives.common.divergence import divergence


def symmetric_kl(
    student: Tensor, teacher: Tensor, _labels: Tensor | None, temperature: float, _params: SymmetricKl
) -> Tensor:
    """Returns the mean (n,) of `kl` and `reverse_kl`, half of Jeffreys' divergence, of logits (n, classes)."""
    return (divergence(teacher, student, temperature) + divergence(student, teacher, temperature)) / 2


OBJECTIVE = symmetric_kl
