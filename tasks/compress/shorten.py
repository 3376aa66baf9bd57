"""Short names inside a quantised graph: in a small model the names take as many bytes as the weights."""

from onnx import ModelProto

from tasks.models.graph import tidy


def shorten(model: ModelProto) -> None:
    """Renames what lies between inputs and outputs, in the order it stands there; what is computed stays the same."""
    tidy(model)
    graph = model.graph
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
