"""How alike the samples of a batch are to the student should be how alike they are to the teacher."""

from torch import Tensor

from params.objectives import Pkt, Similarity
from tasks.distill.objectives.directions import unit
from tasks.distill.objectives.features import Features, pooled
from tasks.distill.objectives.pairs import SumOverPairs

EPSILON = 1e-7


class SimilarityLoss(SumOverPairs[Similarity]):
    """Squared distance of the matrices of inner products, each row of length 1, over the square of the batch size.

    Tung and Mori 2019 (arXiv:1907.09682), section 3.
    """

    def pair(self, _place: int, student: Features, teacher: Features) -> Tensor:
        """Returns the loss () of one pair of layers."""
        return (_products(student) - _products(teacher)).square().mean()


class PktLoss(SumOverPairs[Pkt]):
    """Divergence of the chances with which samples take each other for neighbours, mean over all pairs.

    Passalis and Tefas 2018 (arXiv:1803.10837), section 3, with the cosine kernel. A chance may be 0, so 1e-7 is added
    within the logarithm, as in the authors' code.
    """

    def pair(self, _place: int, student: Features, teacher: Features) -> Tensor:
        """Returns the loss () of one pair of layers."""
        ours, theirs = (_chances(pooled(side)) for side in (student, teacher))
        return (theirs * ((theirs + EPSILON) / (ours + EPSILON)).log()).mean()


def _products(features: Features) -> Tensor:
    directions = features.values.flatten(1)
    return unit(directions @ directions.T)


def _chances(vectors: Tensor) -> Tensor:
    directions = unit(vectors)
    kernel = (directions @ directions.T + 1) / 2
    return kernel / kernel.sum(dim=1, keepdim=True)
