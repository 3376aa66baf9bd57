"""Two thin layers in place of a linear layer or a 1x1 convolution: W of rank r is U V."""

from collections import OrderedDict
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from tasks.core.errors import RecipeError, mismatch

REDUCE, EXPAND = "reduce", "expand"


def factored(body: nn.Module, ranks: Mapping[str, int]) -> nn.Module:
    """Replaces layers of a network, in place, by two thin ones with fresh weights, and returns the network.

    Raises:
        RecipeError: a layer is not there, or is neither linear nor a 1x1 convolution.
    """
    layers = factorable(body)
    for name, rank in ranks.items():
        if name not in layers:
            expected = f"one of {', '.join(f'`{known}`' for known in layers) or 'no layer at all'}"
            raise RecipeError([mismatch("recipe", "architecture.ranks", expected, f"`{name}`", "correct the name")])
        parent, _, child = name.rpartition(".")
        setattr(body.get_submodule(parent), child, _thin(layers[name], rank))
    return body


def factorable(body: nn.Module) -> dict[str, nn.Linear | nn.Conv2d]:
    """Returns name -> layer, for linear layers and 1x1 convolutions of one group."""
    return {
        name: module
        for name, module in body.named_modules()
        if isinstance(module, nn.Linear | nn.Conv2d)
        if _fits(module)
    }


def decomposed(weight: Tensor, energy: float) -> tuple[Tensor, Tensor] | None:
    """Returns reduce (rank, inputs) and expand (outputs, rank) of a weight (outputs, inputs) by its singular values.

    The rank is the smallest that keeps `energy` of their squares (Eckart and Young 1936); None where the two layers
    would not be smaller than the one. Both get the square root of the singular values, so that they learn alike.
    """
    left, values, right = torch.linalg.svd(weight.double(), full_matrices=False)
    kept = values.square().cumsum(0) / values.square().sum()
    rank = int((kept < energy).sum()) + 1
    if rank * sum(weight.shape) >= weight.numel():
        return None
    root = values[:rank].sqrt()
    return (root[:, None] * right[:rank]).to(weight.dtype), (left[:, :rank] * root).to(weight.dtype)


def _fits(layer: nn.Linear | nn.Conv2d) -> bool:
    if isinstance(layer, nn.Linear):
        return True
    return layer.kernel_size == (1, 1) and layer.groups == 1


def _thin(layer: nn.Linear | nn.Conv2d, rank: int) -> nn.Sequential:
    has_bias = layer.bias is not None
    reduce: nn.Module
    expand: nn.Module
    if isinstance(layer, nn.Linear):
        reduce = nn.Linear(layer.in_features, rank, bias=False)
        expand = nn.Linear(rank, layer.out_features, bias=has_bias)
    else:
        reduce = nn.Conv2d(layer.in_channels, rank, 1, stride=layer.stride, bias=False)  # type: ignore[arg-type]
        expand = nn.Conv2d(rank, layer.out_channels, 1, bias=has_bias)
    return nn.Sequential(OrderedDict({REDUCE: reduce, EXPAND: expand}))
