"""How alike the samples of a batch are to the student should be how alike they are to the teacher."""

from torch import Tensor

from params.objectives import Similarity
from tasks.distill.objectives.common.features import Features
from tasks.distill.objectives.common.pairs import SumOverPairs
from tasks.distill.objectives.common.tensors import unit


class SimilarityLoss(SumOverPairs[Similarity]):
    """Squared distance of the matrices of inner products, each row of length 1, over the square of the batch size.

    Tung and Mori 2019 (arXiv:1907.09682), section 3.
    """

    def pair(self, _place: int, student: Features, teacher: Features) -> Tensor:
        """Returns the loss () of one pair of layers."""
        return (_products(student) - _products(teacher)).square().mean()


def _products(features: Features) -> Tensor:
    directions = features.values.flatten(1)
    return unit(directions @ directions.T)


OBJECTIVE = SimilarityLoss
