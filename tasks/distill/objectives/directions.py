"""Vectors without their length."""

import torch
from torch import Tensor


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
