"""Attention transfer: where the student looks should be where the teacher looks."""

from collections.abc import Sequence

from torch import Tensor

from params.objectives import Attention
from tasks.distill.objectives.common.features import Features, FeatureShape, aligned
from tasks.distill.objectives.common.pairs import SumOverPairs, require_positions
from tasks.distill.objectives.common.tensors import unit


class AttentionLoss(SumOverPairs[Attention]):
    """Mean squared distance of attention maps `Q = unit(mean over channels of f^2)`.

    Zagoruyko and Komodakis 2017 (arXiv:1612.03928), equation 2, with the mean over positions in place of the norm, as
    the authors' code has it.

    Raises:
        RecipeError: a layer without positions, whose map would be 1 whatever happens.
    """

    def __init__(
        self, params: Attention, student: Sequence[FeatureShape], teacher: Sequence[FeatureShape], _samples: int
    ) -> None:
        super().__init__(params, student, teacher)
        require_positions(params, self.shapes)

    def pair(self, _place: int, student: Features, teacher: Features) -> Tensor:
        """Returns the loss () of one pair of layers."""
        ours, theirs = aligned(student, teacher)
        squares = (_map(ours) - _map(theirs)).square()
        if ours.mask is None:
            return squares.mean()
        return (squares.sum(dim=1) / ours.mask.sum(dim=1)).mean()


def _map(features: Features) -> Tensor:
    """Returns (batch, positions); padding, which is zero, stays zero."""
    return unit(features.values.square().mean(dim=1).flatten(1))


OBJECTIVE = AttentionLoss
