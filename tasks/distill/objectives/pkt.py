"""How likely each sample of a batch takes each other for its neighbour."""

from torch import Tensor

from params.objectives import Pkt
from tasks.distill.objectives.common.features import Features, pooled
from tasks.distill.objectives.common.pairs import SumOverPairs
from tasks.distill.objectives.common.tensors import unit

EPSILON = 1e-7


class PktLoss(SumOverPairs[Pkt]):
    """Divergence of the chances with which samples take each other for neighbours, mean over all pairs.

    Passalis and Tefas 2018 (arXiv:1803.10837), section 3, with the cosine kernel. A chance may be 0, so 1e-7 is added
    within the logarithm, as in the authors' code.
    """

    def pair(self, _place: int, student: Features, teacher: Features) -> Tensor:
        """Returns the loss () of one pair of layers."""
        ours, theirs = (_chances(pooled(side)) for side in (student, teacher))
        return (theirs * ((theirs + EPSILON) / (ours + EPSILON)).log()).mean()


def _chances(vectors: Tensor) -> Tensor:
    directions = unit(vectors)
    kernel = (directions @ directions.T + 1) / 2
    return kernel / kernel.sum(dim=1, keepdim=True)


OBJECTIVE = PktLoss
