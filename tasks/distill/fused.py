"""The plain case, `alpha * CE + (1 - alpha) * T^2 * KL`, both terms out of one log-softmax, and the gradient with them.

A step of a student of a thousand parameters takes a millisecond or two, and the hundred small operations of the general
case a tenth of that. Equal to the general case in value and gradient (tests compare them). In memory the samples of a
class lie side by side: along a last dimension of ten classes, torch's log-softmax takes one sample at a time.
"""

from functools import partial
from typing import NamedTuple, Self

import torch
from torch import Tensor


def targets_of(teacher_logits: Tensor, labels: Tensor, alpha: float, temperature: float) -> tuple[Tensor]:
    """Returns what samples are taught, and what follows from it alone: (n, 5, classes), in one tensor to be cut once.

    In the second dimension: one-hot labels; T^2 * soft, with soft = softmax(teacher / T); 0; T^2 * soft * log(soft);
    alpha * one-hot + (1 - alpha) * T * soft.

    Args:
        teacher_logits: (n, classes).
        labels: (n,).
        alpha: weight of the hard label.
        temperature: T.
    """
    logarithm = torch.log_softmax(teacher_logits.t() / temperature, dim=0)
    soft = logarithm.exp()
    hard = (labels == torch.arange(len(soft), device=labels.device).unsqueeze(1)).to(soft.dtype)
    loud = temperature**2 * soft
    pull = alpha * hard + (1 - alpha) * temperature * soft
    return (torch.stack([hard, loud, torch.zeros_like(soft), loud * logarithm, pull]).permute(2, 0, 1),)


class Factors(NamedTuple):
    """What follows from alpha, T and the size of a batch.

    `scales` (2, 1, 1): 1 and 1 / T. `slopes` (2, 1, 1): alpha and (1 - alpha) * T, over the size. `sums` (3, 2): how
    loss, hard and soft term come from the sums of both terms, over the size. `part`: one sample's part of the mean.
    """

    scales: Tensor
    slopes: Tensor
    sums: Tensor
    part: float

    @classmethod
    def of(
        cls, alpha: float, temperature: float, size: int, device: torch.device, dtype: torch.dtype = torch.float32
    ) -> Self:
        """Returns those for a batch of `size` samples."""
        tensor = partial(torch.tensor, device=device, dtype=dtype)
        return cls(
            tensor([1.0, 1 / temperature]).view(2, 1, 1),
            tensor([alpha, (1 - alpha) * temperature]).view(2, 1, 1) / size,
            tensor([[alpha, 1 - alpha], [1.0, 0.0], [0.0, 1.0]]) / size,
            1 / size,
        )


def hard_and_soft(logits: Tensor, targets: Tensor, factors: Factors) -> tuple[Tensor, Tensor]:
    """Returns loss, mean cross-entropy and mean of T^2 * KL, (3,), and the gradient (batch, classes) of the loss.

    Hinton, Vinyals and Dean 2015 (arXiv:1503.02531, section 2): d CE / dz = softmax(z) - onehot, and
    d T^2 KL / dz = T * (softmax(z / T) - soft).

    Args:
        logits: (batch, classes) of the student.
        targets: (batch, 5, classes), of `targets_of`.
        factors: of this size of batch.
    """
    weights, entropies, pull = targets.permute(1, 2, 0).split_with_sizes([2, 2, 1])
    logarithms = torch.log_softmax(logits.detach().t() * factors.scales, dim=1)
    terms = torch.mv(factors.sums, torch.addcmul(entropies, weights, logarithms, value=-1).sum(dim=(1, 2)))
    gradient = logarithms.exp_().mul_(factors.slopes).sum(dim=0).sub_(pull[0], alpha=factors.part)
    return terms, gradient.t()
