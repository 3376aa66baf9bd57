"""The nodes of a graph that ONNX Runtime's quantiser has written: operators, and roundings to a grid of integers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper, numpy_helper

Arrays = Mapping[str, NDArray[Any]]
STORED = "_quantized"
"""what the quantiser appends to the name of a tensor that it stores as integers"""


@dataclass(frozen=True)
class Operation:
    """Computes one tensor of others; an input that is left out is called ``."""

    kind: str
    attributes: Mapping[str, Any]
    inputs: tuple[str, ...]
    output: str


@dataclass(frozen=True)
class Rounding:
    """A DequantizeLinear: where it is read, the value is one of the grid `scale * (low ... high)`.

    `source` is a stored tensor of integers for a weight or a bias, else a tensor that a QuantizeLinear passes on.
    """

    what: Literal["activation", "weight", "bias"]
    source: str
    scale: str
    axis: int
    low: int
    high: int
    output: str

    @property
    def name(self) -> str:
        """What a stored tensor is called in the float model."""
        return self.source.removesuffix(STORED)


def read_nodes(graph: ModelProto, weight_limit: int) -> Iterator[Operation | Rounding]:
    """Yields the nodes in the order of the graph; weights are limited to `-weight_limit ... weight_limit`."""
    stored = arrays_of(graph)
    for node in graph.graph.node:
        attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        if node.op_type == "DequantizeLinear":
            yield _rounding(node, attributes.get("axis", 0), stored, weight_limit)
        else:
            yield Operation(node.op_type, attributes, tuple(node.input), node.output[0])


def arrays_of(graph: ModelProto) -> dict[str, NDArray[Any]]:
    """Returns name -> value of what is stored in a graph."""
    return {tensor.name: np.array(numpy_helper.to_array(tensor)) for tensor in graph.graph.initializer}


def _rounding(node: NodeProto, axis: int, stored: Arrays, weight_limit: int) -> Rounding:
    source, scale, zero_point = node.input
    if source not in stored:
        zero, limits = stored[zero_point], np.iinfo(stored[zero_point].dtype)
        low, high = int(limits.min) - int(zero), int(limits.max) - int(zero)
        return Rounding("activation", source, scale, axis, low, high, node.output[0])
    if stored[source].dtype == np.int32:
        limits = np.iinfo(np.int32)
        return Rounding("bias", source, scale, axis, limits.min, limits.max, node.output[0])
    return Rounding("weight", source, scale, axis, -weight_limit, weight_limit, node.output[0])
