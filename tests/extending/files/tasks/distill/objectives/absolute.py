"""The distance of the logits of student and teacher, which outliers move less than its square."""

from typing import Any

from torch import Tensor


def absolute(student: Tensor, teacher: Tensor, _labels: Tensor | None, _temperature: float, _params: Any) -> Tensor:
    """Returns the mean over classes of the absolute difference (n,) of logits (n, classes)."""
    return (student - teacher).abs().mean(dim=1)


OBJECTIVE = absolute
