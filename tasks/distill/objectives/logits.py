"""Logits themselves: brought to one scale, or compared without a softmax."""

from torch import Tensor

from params.objectives import LogitMse

TINY = 1e-7


def standardised(logits: Tensor) -> Tensor:
    """Returns rows (n, classes) of mean 0 and standard deviation 1; constant rows become zeros.

    `(z - mean) / (std + 1e-7)`, the deviation with classes - 1: Sun et al. 2024 (arXiv:2403.01427), algorithm 1. Needs
    two classes or more.
    """
    return (logits - logits.mean(dim=1, keepdim=True)) / (logits.std(dim=1, keepdim=True) + TINY)


def logit_mse(student: Tensor, teacher: Tensor, _labels: Tensor, _temperature: float, _params: LogitMse) -> Tensor:
    """Returns the mean over classes of the squared difference (n,) of logits (n, classes).

    Ba and Caruana 2014 (arXiv:1312.6184), equation 1, with the mean in place of half the sum.
    """
    return (student - teacher).square().mean(dim=1)
