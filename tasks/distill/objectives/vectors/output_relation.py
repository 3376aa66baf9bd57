"""Relational knowledge of outputs: distances between two samples of a batch and angles between three."""

from torch import Tensor
from torch.nn import functional

from params.objectives import OutputRelation
from tasks.distill.objectives.relation import angles, differences, distances


def output_relation(
    student: Tensor, teacher: Tensor, _labels: Tensor | None, _temperature: float, params: OutputRelation
) -> Tensor:
    """Returns for each sample (n,) Huber's distance of its distances and angles, each a mean over the batch.

    Their mean is that of Park et al. 2019 (arXiv:1904.05068), section 3.2, of vectors (n, width); see `relation`.
    Widths may differ: only relations are compared.
    """
    ours, theirs = differences(student), differences(teacher)
    distance = functional.smooth_l1_loss(distances(ours), distances(theirs), reduction="none").mean(dim=1)
    angle = functional.smooth_l1_loss(angles(ours), angles(theirs), reduction="none").mean(dim=(1, 2))
    return params.distance * distance + params.angle * angle


OBJECTIVE = output_relation
