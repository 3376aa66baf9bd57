"""Correlations between the probabilities of student and teacher."""

import torch
from torch import Tensor
from torch.nn import functional

from params.objectives import Dist
from tasks.distill.objectives.common.tensors import unit

RELATIVE, ABSOLUTE = 1e-6, 1e-12
"""probabilities that differ by no more than this, of the largest of them or at all, count as constant"""


def dist(student: Tensor, teacher: Tensor, _labels: Tensor | None, temperature: float, params: Dist) -> Tensor:
    """Returns T^2 * (beta * inter + gamma * intra) (n,) of logits (n, classes).

    Huang et al. 2022 (arXiv:2205.10536), equations 8 to 10: `inter` is 1 minus Pearson's correlation of a row with that
    of the teacher; `intra` is 1 minus the correlation within a class, between the n rows, mean over classes, the same
    for each row. Where student or teacher is constant there is no correlation: such a row or class counts as 0 and has
    no gradient, and with it `intra` of a single row.
    """
    ours, theirs = (functional.softmax(logits / temperature, dim=1) for logits in (student, teacher))
    inter, intra = _apart(ours, theirs, dim=1), _apart(ours, theirs, dim=0).mean()
    return (params.beta * inter + params.gamma * intra) * temperature**2


def _apart(ours: Tensor, theirs: Tensor, dim: int) -> Tensor:
    """Returns 1 minus the correlation along `dim`, as half the squared distance of two vectors of length 1."""
    directions = [unit(side - side.mean(dim, keepdim=True), dim) for side in (ours, theirs)]
    distances = (directions[0] - directions[1]).square().sum(dim) / 2
    return torch.where(_varies(ours, dim) & _varies(theirs, dim), distances, 0)


def _varies(probabilities: Tensor, dim: int) -> Tensor:
    largest, smallest = probabilities.amax(dim), probabilities.amin(dim)
    return largest - smallest > (RELATIVE * largest).clamp(min=ABSOLUTE)


OBJECTIVE = dist
