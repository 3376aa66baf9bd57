"""Rounding to a grid of integers that a gradient passes: float values that only take what the file's integers can."""

import torch
from torch import Tensor


def fake_quantized(values: Tensor, scale: Tensor, low: int, high: int) -> Tensor:
    """Returns `scale * round(clip(values / scale, low, high))`, of the shape of `values`.

    This and its gradients are equations 1 to 3 of LSQ (Esser et al. 2020, arXiv:1902.08153): through rounding the
    gradient passes as it is, outside of the grid none reaches the values, and that of the scale follows. Halves are
    rounded to the even integer, as ONNX does.

    Args:
        values: of any shape.
        scale: the step of the grid, () or one that broadcasts against `values`.
        low: the lowest integer, counted from the one that stands for zero.
        high: the highest.
    """
    clipped = torch.clamp(values / scale, low, high)
    return scale * (clipped + (clipped.round() - clipped).detach())


def weight_limit(bits: int) -> int:
    """Returns the largest integer of symmetric weights: 127 for 8 bits, 7 for 4, 1 for 2."""
    return int(2 ** (bits - 1) - 1)


def channel_scales(weight: Tensor, axis: int, limit: int) -> Tensor:
    """Returns the step (channels,) with which the largest weight of each channel is the integer `limit`."""
    largest = weight.abs().movedim(axis, 0).flatten(1).amax(dim=1)
    return torch.where(largest > 0, largest, torch.ones_like(largest)) / limit
