"""How alike the places of a picture are to the student should be how alike they are to the teacher."""

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional

from params.objectives import Pairwise
from tasks.distill.objectives.common.features import Features, FeatureShape
from tasks.distill.objectives.common.pairs import SumOverPairs, require_positions
from tasks.distill.objectives.common.tensors import unit


class PairwiseLoss(SumOverPairs[Pairwise]):
    """Mean squared distance of the cosines between all pairs of pooled places.

    Liu et al. 2019 (arXiv:1903.04197), equation 2: a place is the mean over a patch; both networks are pooled to the
    same number of patches along each axis, so their maps need not be of one size.

    Raises:
        RecipeError: a layer without positions.
    """

    def __init__(
        self, params: Pairwise, student: Sequence[FeatureShape], teacher: Sequence[FeatureShape], _samples: int
    ) -> None:
        super().__init__(params, student, teacher)
        require_positions(params, self.shapes)

    def pair(self, _place: int, student: Features, teacher: Features) -> Tensor:
        """Returns the loss () of one pair of layers."""
        ours, theirs = (_cosines(side.values, self.params.places) for side in (student, teacher))
        return (ours - theirs).square().mean()


def _cosines(values: Tensor, places: int) -> Tensor:
    """Returns (batch, patches, patches) of values (batch, channels, *positions)."""
    if values.ndim == 3:
        patches = functional.adaptive_avg_pool1d(values, min(places, values.shape[2]))
    else:
        height, width = (min(places, side) for side in values.shape[2:])
        patches = functional.adaptive_avg_pool2d(values, (height, width)).flatten(2)
    directions = unit(patches, dim=1)
    return directions.transpose(1, 2) @ directions


OBJECTIVE = PairwiseLoss
