"""The divergence of two sets of softened probabilities.

`T^2` keeps the size of the gradient the same when T changes (Hinton, Vinyals and Dean 2015, arXiv:1503.02531, section
2). Divergences are summed over classes; their mean over rows is what torch calls `batchmean`.
"""

from torch import Tensor
from torch.nn import functional


def divergence(from_logits: Tensor, to_logits: Tensor, temperature: float) -> Tensor:
    """Returns T^2 * KL(softmax(from / T) || softmax(to / T)) (n,) of logits (n, classes)."""
    ours = functional.log_softmax(from_logits / temperature, dim=1)
    others = functional.log_softmax(to_logits / temperature, dim=1)
    return (ours.exp() * (ours - others)).sum(dim=1) * temperature**2
