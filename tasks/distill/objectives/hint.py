"""FitNets: the student's layer, projected, should be the teacher's."""

from collections.abc import Sequence

from torch import Tensor, nn

from params.objectives import Hint
from tasks.distill.objectives.common.features import Features, FeatureShape, Places, aligned
from tasks.distill.objectives.common.pairs import SumOverPairs
from tasks.distill.objectives.common.projection import Projection


class HintLoss(SumOverPairs[Hint]):
    """Mean squared distance of the teacher's layer to the projected layer of the student.

    Romero et al. 2015 (arXiv:1412.6550), equation 3, with the mean in place of half the sum and a projection of one
    convolution 1x1 with batch norm.
    """

    def __init__(
        self, params: Hint, student: Sequence[FeatureShape], teacher: Sequence[FeatureShape], _samples: int
    ) -> None:
        super().__init__(params, student, teacher)
        self.projections = nn.ModuleList(Projection(ours.channels, theirs.channels) for ours, theirs in self.shapes)

    def pair(self, place: int, student: Features, teacher: Features) -> Tensor:
        """Returns the loss () of one pair of layers."""
        ours, theirs = (Places.of(side) for side in aligned(student, teacher))
        return ours.mean((self.projections[place](ours.rows) - theirs.rows).square())


OBJECTIVE = HintLoss
