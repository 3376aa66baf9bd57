"""Rows and vectors on a common scale."""

import torch
from torch import Tensor

TINY = 1e-7
NARROW = (torch.float16, torch.bfloat16)


def wide(values: Tensor) -> Tensor:
    """Returns values in at least float32; a sum over probabilities has no digits left in bfloat16."""
    return values.float() if values.dtype in NARROW else values


def standardised(logits: Tensor) -> Tensor:
    """Returns rows (n, classes) of mean 0 and standard deviation 1; constant rows become zeros.

    `(z - mean) / (std + 1e-7)`, the deviation with classes - 1: Sun et al. 2024 (arXiv:2403.01427), algorithm 1. Needs
    two classes or more.
    """
    return (logits - logits.mean(dim=1, keepdim=True)) / (logits.std(dim=1, keepdim=True) + TINY)


def unit(vectors: Tensor, dim: int = -1) -> Tensor:
    """Returns vectors of length 1 along `dim`; a vector of zeros stays what it is, and has no gradient.

    Neither very long nor very short vectors lose digits: they are brought to size first, which changes no direction and
    therefore no gradient.
    """
    largest = vectors.detach().abs().amax(dim, keepdim=True)
    scaled = vectors / largest.where(largest > 0, 1)
    length: Tensor = torch.linalg.vector_norm(scaled, dim=dim, keepdim=True)
    direction: Tensor = scaled / length.where(length > 0, torch.inf)
    return direction
