"""Relational knowledge: distances between two samples of a batch and angles between three."""

import torch
from torch import Tensor
from torch.nn import functional

from params.objectives import Relation
from tasks.distill.objectives.common.features import Features, pooled
from tasks.distill.objectives.common.pairs import SumOverPairs
from tasks.distill.objectives.common.tensors import unit


class RelationLoss(SumOverPairs[Relation]):
    """Huber's distance of all distances and of all angles, each a mean over pairs and triplets, on pooled features.

    Park et al. 2019 (arXiv:1904.05068), section 3.2. Distances are divided by the mean of those that are not 0.
    """

    def pair(self, _place: int, student: Features, teacher: Features) -> Tensor:
        """Returns the loss () of one pair of layers."""
        ours, theirs = (differences(pooled(side)) for side in (student, teacher))
        distance = functional.smooth_l1_loss(distances(ours), distances(theirs))
        angle = functional.smooth_l1_loss(angles(ours), angles(theirs))
        return self.params.distance * distance + self.params.angle * angle


def differences(vectors: Tensor) -> Tensor:
    """Returns (batch, batch, channels)."""
    return vectors.unsqueeze(0) - vectors.unsqueeze(1)


def distances(differences: Tensor) -> Tensor:
    """Returns (batch, batch), whose mean is 1 over all but the zeros."""
    lengths: Tensor = torch.linalg.vector_norm(differences, dim=2)
    count = (lengths > 0).sum()
    mean = lengths.sum() / count.clamp(min=1)
    return lengths / mean.where(count > 0, 1)


def angles(differences: Tensor) -> Tensor:
    """Returns (batch, batch, batch): at the first sample, the cosine of the angle between second and third."""
    directions = unit(differences)
    return directions @ directions.transpose(1, 2)


OBJECTIVE = RelationLoss
