"""Takes out of an exported graph what is not the model: where it was exported, by whom, from which lines of code."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, numpy_helper

PRODUCER = "stillhouse"


def tidy(model: ModelProto) -> None:
    """Changes `model` so that equal weights give equal bytes on every machine, and a global mean is seen as one."""
    model.producer_name, model.producer_version, model.doc_string = PRODUCER, "", ""
    graph = model.graph
    del graph.value_info[:]  # whoever needs shapes of inner tensors infers them again
    _forget([model, graph, *graph.node, *graph.input, *graph.output, *graph.initializer, *model.functions])
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer if tensor.dims == [2]}
    for node in graph.node:
        if _is_global_mean(node, constants):
            node.CopyFrom(_global_pool(node))
    _drop_unused(graph)
    _shorten(graph)


def _forget(protos: Iterable[Any]) -> None:
    for proto in protos:
        if proto.HasField("doc_string"):
            proto.ClearField("doc_string")
        del proto.metadata_props[:]


def _is_global_mean(node: NodeProto, constants: dict[str, Any]) -> bool:
    """Says whether a node is the mean over height and width that AdaptiveAvgPool2d(1) becomes (axes -1 and -2).

    As GlobalAveragePool it has an int8 kernel, which ReduceMean has not.
    """
    if node.op_type != "ReduceMean" or len(node.input) != 2:
        return False
    axes = constants.get(node.input[1])
    keeps = all(a.i == 1 for a in node.attribute if a.name == "keepdims")
    return keeps and axes is not None and bool(np.array_equal(np.sort(axes), [-2, -1]))


def _global_pool(mean: NodeProto) -> NodeProto:
    return NodeProto(op_type="GlobalAveragePool", name=mean.name, input=mean.input[:1], output=mean.output)


def _drop_unused(graph: GraphProto) -> None:
    used = {name for node in graph.node for name in node.input} | {output.name for output in graph.output}
    if any(attribute.HasField("g") for node in graph.node for attribute in node.attribute):
        return  # an inner graph may use what the outer one does not
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def _shorten(graph: GraphProto) -> None:
    """Renames what lies between inputs and outputs, in the order it stands there; what is computed stays the same.

    In a small model the names take as many bytes as the weights.
    """
    if any(attribute.HasField("g") for node in graph.node for attribute in node.attribute):
        return  # an inner graph refers to outer names
    fixed = {tensor.name for tensor in [*graph.input, *graph.output]} | {""}
    inner = [tensor.name for tensor in graph.initializer] + [name for node in graph.node for name in node.output]
    short = {name: f"t{place}" for place, name in enumerate(n for n in inner if n not in fixed)}
    for tensor in graph.initializer:
        tensor.name = short.get(tensor.name, tensor.name)
    for place, node in enumerate(graph.node):
        node.name = f"n{place}"
        node.input[:] = [short.get(name, name) for name in node.input]
        node.output[:] = [short.get(name, name) for name in node.output]
