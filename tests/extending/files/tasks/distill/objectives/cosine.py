"""The angle between the logits of student and teacher."""

from typing import Any

from torch import Tensor
from torch.nn import functional


def cosine(student: Tensor, teacher: Tensor, _labels: Tensor | None, _temperature: float, _params: Any) -> Tensor:
    """Returns 1 - cos (n,) of logits (n, classes)."""
    return 1 - functional.cosine_similarity(student, teacher, dim=1)


OBJECTIVE = cosine
