"""Divergences between the softened probabilities of student and teacher.

`T^2` keeps the size of the gradient the same when T changes (Hinton, Vinyals and Dean 2015, arXiv:1503.02531, section
2). Divergences are summed over classes; their mean over rows is what torch calls `batchmean`.
"""

from torch import Tensor
from torch.nn import functional

from params.objectives import Kl, ReverseKl, SymmetricKl


def kl(student: Tensor, teacher: Tensor, _labels: Tensor, temperature: float, _params: Kl) -> Tensor:
    """Returns T^2 * KL(softmax(teacher / T) || softmax(student / T)) (n,) of logits (n, classes).

    Hinton, Vinyals and Dean 2015 (arXiv:1503.02531), section 2.
    """
    return _divergence(teacher, student, temperature)


def reverse_kl(student: Tensor, teacher: Tensor, _labels: Tensor, temperature: float, _params: ReverseKl) -> Tensor:
    """Returns T^2 * KL(softmax(student / T) || softmax(teacher / T)) (n,) of logits (n, classes)."""
    return _divergence(student, teacher, temperature)


def symmetric_kl(student: Tensor, teacher: Tensor, _labels: Tensor, temperature: float, _params: SymmetricKl) -> Tensor:
    """Returns the mean (n,) of `kl` and `reverse_kl`, half of Jeffreys' divergence, of logits (n, classes)."""
    return (_divergence(teacher, student, temperature) + _divergence(student, teacher, temperature)) / 2


def _divergence(from_logits: Tensor, to_logits: Tensor, temperature: float) -> Tensor:
    ours = functional.log_softmax(from_logits / temperature, dim=1)
    others = functional.log_softmax(to_logits / temperature, dim=1)
    return (ours.exp() * (ours - others)).sum(dim=1) * temperature**2
