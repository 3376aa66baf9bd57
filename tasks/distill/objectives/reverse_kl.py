"""The divergence from the student to the teacher: the student may leave out what it cannot be."""

from torch import Tensor

from params.objectives import ReverseKl
from tasks.distill.objectives.common.divergence import divergence


def reverse_kl(
    student: Tensor, teacher: Tensor, _labels: Tensor | None, temperature: float, _params: ReverseKl
) -> Tensor:
    """Returns T^2 * KL(softmax(student / T) || softmax(teacher / T)) (n,) of logits (n, classes)."""
    return divergence(student, teacher, temperature)


OBJECTIVE = reverse_kl
