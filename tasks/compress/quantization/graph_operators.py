"""The operators of a quantised ONNX graph as torch computes them, with a gradient."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

Attributes = Mapping[str, Any]


def _pads(attributes: Attributes, axes: int) -> list[int]:
    """Returns ONNX's pads (begins, then ends) as torch wants them: begin and end of each axis, the last axis first."""
    pads = list(attributes.get("pads", [0] * 2 * axes))
    return [pad for axis in reversed(range(axes)) for pad in (pads[axis], pads[axis + axes])]


def _convolution(attributes: Attributes, inputs: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    axes = inputs.ndim - 2
    ones, zeros = [1] * axes, [0] * axes
    strides, dilations = attributes.get("strides", ones), attributes.get("dilations", ones)
    padded = functional.pad(inputs, _pads(attributes, axes))
    group = attributes.get("group", 1)
    return torch.convolution(padded, weight, bias, strides, zeros, dilations, False, zeros, group)


def _gemm(attributes: Attributes, left: Tensor, right: Tensor, bias: Tensor | None = None) -> Tensor:
    left = left.T if attributes.get("transA") else left
    right = right.T if attributes.get("transB") else right
    product: Tensor = attributes.get("alpha", 1.0) * (left @ right)
    return product if bias is None else product + attributes.get("beta", 1.0) * bias


def _max_pool(attributes: Attributes, inputs: Tensor) -> Tensor:
    axes, lowest = inputs.ndim - 2, float("-inf")
    padded = functional.pad(inputs, _pads(attributes, axes), value=lowest)
    ceil = bool(attributes.get("ceil_mode", 0))
    return functional.max_pool2d(padded, attributes["kernel_shape"], attributes.get("strides", 1), ceil_mode=ceil)


def _average_pool(attributes: Attributes, inputs: Tensor) -> Tensor:
    strides, pads = attributes.get("strides", 1), attributes.get("pads", [0, 0, 0, 0])[:2]
    counted, ceil = bool(attributes.get("count_include_pad", 0)), bool(attributes.get("ceil_mode", 0))
    return functional.avg_pool2d(inputs, attributes["kernel_shape"], strides, pads, ceil, counted)


def _reshape(_attributes: Attributes, inputs: Tensor, shape: Tensor) -> Tensor:
    """A 0 keeps the axis as it is."""
    return inputs.reshape([size or inputs.shape[axis] for axis, size in enumerate(shape.tolist())])


def _clip(_attributes: Attributes, inputs: Tensor, low: Tensor | None = None, high: Tensor | None = None) -> Tensor:
    return torch.clamp(inputs, low, high)


def _flatten(attributes: Attributes, inputs: Tensor) -> Tensor:
    return inputs.flatten(attributes.get("axis", 1))


def _mean(attributes: Attributes, inputs: Tensor, axes: Tensor | None = None) -> Tensor:
    over: Sequence[int] = attributes.get("axes", range(inputs.ndim)) if axes is None else axes.tolist()
    return inputs.mean(dim=tuple(over), keepdim=bool(attributes.get("keepdims", 1)))


def _slice(
    _attributes: Attributes,
    inputs: Tensor,
    starts: Tensor,
    ends: Tensor,
    axes: Tensor | None = None,
    steps: Tensor | None = None,
) -> Tensor:
    """Ends may lie beyond the axis; negative places count from its end."""
    cuts = [slice(None)] * inputs.ndim
    over = range(len(starts)) if axes is None else axes.tolist()
    strides = [1] * len(starts) if steps is None else steps.tolist()
    for axis, start, end, step in zip(over, starts.tolist(), ends.tolist(), strides, strict=True):
        cuts[axis] = slice(start, end, step)
    return inputs[tuple(cuts)]


def _batch_norm(attributes: Attributes, inputs: Tensor, *learned: Tensor) -> Tensor:
    """Normalises with the mean and variance that were learned before: scale, bias, mean, variance."""
    scale, bias, mean, variance = (values.reshape(-1, *[1] * (inputs.ndim - 2)) for values in learned)
    normalised: Tensor = (inputs - mean) / (variance + attributes.get("epsilon", 1e-5)).sqrt() * scale + bias
    return normalised


def _unsqueeze(_attributes: Attributes, inputs: Tensor, axes: Tensor) -> Tensor:
    for axis in sorted(axes.tolist()):
        inputs = inputs.unsqueeze(axis)
    return inputs


OPERATORS: Mapping[str, Callable[..., Tensor]] = {
    "Add": lambda _a, left, right: left + right,
    "AveragePool": _average_pool,
    "BatchNormalization": _batch_norm,
    "Cast": lambda _a, inputs: inputs.float(),
    "Clip": _clip,
    "Concat": lambda a, *inputs: torch.cat(inputs, dim=a["axis"]),
    "Conv": _convolution,
    "Div": lambda _a, left, right: left / right,
    "Flatten": _flatten,
    "Gemm": _gemm,
    "GlobalAveragePool": lambda _a, inputs: inputs.mean(dim=tuple(range(2, inputs.ndim)), keepdim=True),
    "Identity": lambda _a, inputs: inputs,
    "Log": lambda _a, inputs: inputs.log(),
    "MatMul": lambda _a, left, right: left @ right,
    "MaxPool": _max_pool,
    "Mul": lambda _a, left, right: left * right,
    "QuantizeLinear": lambda _a, values, *_grid: values,  # the DequantizeLinear behind it rounds
    "ReduceMean": _mean,
    "Relu": lambda _a, inputs: inputs.relu(),
    "Reshape": _reshape,
    "Sigmoid": lambda _a, inputs: inputs.sigmoid(),
    "Slice": _slice,
    "Sub": lambda _a, left, right: left - right,
    "Transpose": lambda a, inputs: inputs.permute(*a["perm"]),
    "Unsqueeze": _unsqueeze,
}
"""operator type -> (attributes, tensors in the order of ONNX) -> its one output"""
