"""The angle between the vectors of student and teacher."""

from torch import Tensor

from params.objectives import Cosine
from tasks.distill.objectives.common.tensors import unit


def cosine(student: Tensor, teacher: Tensor, _labels: Tensor | None, _temperature: float, _params: Cosine) -> Tensor:
    """Returns 1 - cos (n,) of vectors (n, width); half the squared distance of vectors of length 1."""
    return 1 - (unit(student) * unit(teacher)).sum(dim=1)


OBJECTIVE = cosine
