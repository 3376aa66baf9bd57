"""Unstructured pruning by magnitude (Han et al. 2015, arXiv:1506.02626): single weights become zero and stay so."""

import copy

import torch
from torch import Tensor

from params.compress import Sparsify
from tasks.compress.context import CompressionContext
from tasks.compress.recovery import matrices
from tasks.models.build import Network


def sparsify(context: CompressionContext, network: Network, params: Sparsify) -> Network:
    """Returns the network with the smallest of the weights of each layer at zero; biases and norms stay."""
    sparse = copy.deepcopy(network)
    with torch.no_grad():
        for weight in matrices(sparse).values():
            weight.mul_(_largest(weight, 1 - params.zeros))
    if params.recovery:
        sparse = context.recover(sparse, params.recovery)
    return sparse.eval()


def _largest(weight: Tensor, part: float) -> Tensor:
    """Returns 1 where a weight is among the largest, else 0; of equals the first."""
    flat = weight.abs().flatten()
    places = torch.argsort(flat, descending=True, stable=True)[: max(1, round(part * len(flat)))]
    return torch.zeros_like(flat).index_fill(0, places, 1.0).reshape(weight.shape)


PASS = sparsify
