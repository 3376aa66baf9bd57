"""A quantised ONNX graph as a torch network that learns: its weights and scales, on the very grid of the file.

ONNX Runtime's quantiser has decided what is quantised, where, and with which integers; batch norm is folded and ReLU is
a limit of the grid by then. So what learns here is what the file will be, node for node.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import ModelProto, numpy_helper
from torch import Tensor, nn

from tasks.compress.context import NotPossibleError
from tasks.compress.quantization.fake_quant import channel_scales, fake_quantized, weight_limit
from tasks.compress.quantization.graph_nodes import Arrays, Operation, Rounding, arrays_of, read_nodes
from tasks.compress.quantization.graph_operators import OPERATORS


class GraphNetwork(nn.Module):
    """Computes a graph in float, each pair of QuantizeLinear and DequantizeLinear as a fake quantisation.

    A scale is learned as the logarithm of its ratio to the first one (TQT, Jain et al. 2020, arXiv:1903.08066, section
    3.2): so a step of Adam changes large and small ones alike, and none turns negative. Biases stay in float: their
    step in the file, that of an input times that of a weight, is too fine to matter.

    Args:
        graph: what `quantize_static` made, with weights per channel.
        plain: the float model it was made of, which has the weights before rounding.
        bits: of the weights.

    Raises:
        NotPossibleError: there is an operator that is not known here.
    """

    def __init__(self, graph: ModelProto, plain: ModelProto, bits: int) -> None:
        super().__init__()
        self.graph, self.nodes = graph, list(read_nodes(graph, weight_limit(bits)))
        unknown = sorted({node.kind for node in self.nodes if isinstance(node, Operation)} - OPERATORS.keys())
        if unknown:
            raise NotPossibleError(f"training on the grid of int8 knows no {', '.join(unknown)}; take static_int8")
        stored, floats = arrays_of(graph), arrays_of(plain)
        self.constants = {name: torch.from_numpy(value) for name, value in stored.items()}
        self.learned, self.ratios = nn.ParameterDict(), nn.ParameterDict()
        for rounding in self._roundings():
            self._learn(rounding, floats)

    def forward(self, *inputs: Tensor) -> dict[str, Tensor]:
        """Returns the outputs by name from raw inputs in the order of the file, as the file does."""
        names = [value.name for value in self.graph.graph.input]
        values: dict[str, Any] = {"": None, **dict(zip(names, inputs, strict=True))}
        for node in self.nodes:
            if isinstance(node, Rounding):
                values[node.output] = self._rounded(node, values)
            else:
                read = [values[n] if n in values else self.constants[n].to(inputs[0].device) for n in node.inputs]
                values[node.output] = OPERATORS[node.kind](node.attributes, *read)
        return {output.name: values[output.name] for output in self.graph.graph.output}

    def step(self, rounding: Rounding, ndim: int = 0) -> Tensor:
        """Returns the scale of a rounding as it is by now, shaped for a tensor of `ndim` axes where those are given."""
        scale: Tensor = self.get_buffer(_first(rounding.scale)) * self.ratios[_key(rounding.scale)].exp()
        if not (scale.ndim and ndim):
            return scale
        return scale.reshape([-1 if axis == rounding.axis else 1 for axis in range(ndim)])

    def _roundings(self) -> Iterator[Rounding]:
        return (node for node in self.nodes if isinstance(node, Rounding))

    def _learn(self, rounding: Rounding, floats: Arrays) -> None:
        """Registers the weight or bias that is rounded, and the scale, unless another rounding shares it."""
        scale = self.constants[rounding.scale]
        if rounding.what != "activation":
            value = nn.Parameter(torch.from_numpy(floats[rounding.name]))
            self.learned[_key(rounding.name)] = value
        if rounding.what == "weight":
            scale = channel_scales(value.detach(), rounding.axis, rounding.high)
        if rounding.what != "bias" and _key(rounding.scale) not in self.ratios:
            self.register_buffer(_first(rounding.scale), scale)
            self.ratios[_key(rounding.scale)] = nn.Parameter(torch.zeros_like(scale))

    def _rounded(self, rounding: Rounding, values: dict[str, Any]) -> Tensor:
        if rounding.what == "activation":
            return fake_quantized(values[rounding.source], self.step(rounding), rounding.low, rounding.high)
        weight: Tensor = self.learned[_key(rounding.name)]
        if rounding.what == "bias":
            return weight
        # Contiguous: with the channels of its weight last, torch 2.13 writes past the end of its memory in some narrow
        # convolutions (`prefer_channels_last` says in which).
        return fake_quantized(weight, self.step(rounding, weight.ndim), rounding.low, rounding.high).contiguous()

    @torch.no_grad()
    def in_integers(self) -> ModelProto:
        """Returns the graph with the weights, biases and scales as they are by now."""
        written = onnx.ModelProto()
        written.CopyFrom(self.graph)
        values = dict(self._scales_and_weights()) | dict(self._biases())
        for tensor in written.graph.initializer:
            if tensor.name in values:
                tensor.CopyFrom(numpy_helper.from_array(values[tensor.name], tensor.name))
        return written

    def _scales_and_weights(self) -> Iterator[tuple[str, NDArray[Any]]]:
        for rounding in self._roundings():
            if rounding.what != "bias":
                yield rounding.scale, self.step(rounding).cpu().numpy()
            if rounding.what == "weight":
                weight = self.learned[_key(rounding.name)]
                integers = (weight / self.step(rounding, weight.ndim)).clamp(rounding.low, rounding.high).round()
                yield rounding.source, integers.cpu().numpy().astype(np.int8)

    def _biases(self) -> Iterator[tuple[str, NDArray[Any]]]:
        """Yields biases and their scales: that of the input times that of the weight, as the integers add up."""
        made = {rounding.output: rounding for rounding in self._roundings()}
        for node in self.nodes:
            if isinstance(node, Operation) and len(node.inputs) == 3 and node.inputs[2] in made:
                inputs, weight, bias = (made[name] for name in node.inputs)
                scale = (self.step(inputs) * self.step(weight)).double()
                integers = (self.learned[_key(bias.name)].double() / scale).round().clamp(bias.low, bias.high)
                yield bias.source, integers.cpu().numpy().astype(np.int32)
                yield bias.scale, scale.float().cpu().numpy()


def _key(name: str) -> str:
    """Returns a name that torch takes for a parameter."""
    return name.replace(".", "_")


def _first(scale: str) -> str:
    return f"first_{_key(scale)}"
