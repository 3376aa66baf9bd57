"""Channel-wise distillation: of each channel, where the teacher finds it should be where the student finds it."""

from collections.abc import Sequence

from torch import Tensor, nn

from params.objectives import Cwd
from tasks.distill.objectives.common.divergence import divergence
from tasks.distill.objectives.common.features import Features, FeatureShape, aligned
from tasks.distill.objectives.common.pairs import SumOverPairs, require_positions


class CwdLoss(SumOverPairs[Cwd]):
    """`T^2 / (batch * channels) * sum of KL(teacher || student)`, each channel's softmax being over all positions.

    Shu et al. 2021 (arXiv:2011.13256), equation 3. Where the channels differ, those of the student go through a
    convolution 1x1.

    Raises:
        RecipeError: a layer without positions.
    """

    def __init__(
        self, params: Cwd, student: Sequence[FeatureShape], teacher: Sequence[FeatureShape], _samples: int
    ) -> None:
        super().__init__(params, student, teacher)
        require_positions(params, self.shapes)
        self.projections = nn.ModuleList(
            nn.Identity() if ours.channels == theirs.channels else nn.Linear(ours.channels, theirs.channels, bias=False)
            for ours, theirs in self.shapes
        )

    def pair(self, place: int, student: Features, teacher: Features) -> Tensor:
        """Returns the loss () of one pair of layers."""
        ours, theirs = aligned(student, teacher)
        projected = self.projections[place](ours.values.movedim(1, -1)).movedim(-1, 1)
        taught, learned = _rows(theirs.values, ours.mask), _rows(projected, ours.mask)
        return divergence(taught, learned, self.params.temperature).mean()


def _rows(values: Tensor, mask: Tensor | None) -> Tensor:
    """Returns (batch * channels, positions); the padding of a sequence gets no probability."""
    if mask is not None:
        values = values.masked_fill(mask.unsqueeze(1) == 0, -1e4)
    return values.flatten(2).flatten(0, 1)


OBJECTIVE = CwdLoss
