"""Quantisation-aware training (Jacob et al. 2018, arXiv:1712.05877, section 3): it learns on the grid of int8."""

import copy
from pathlib import Path

from params.compress import QatInt8
from tasks.compress.context import CompressionContext, FilePass
from tasks.compress.quantization.graph_network import GraphNetwork
from tasks.compress.quantization.onnx_int8 import in_bytes, prepared, quantized_statically, weight_bits
from tasks.core.files import whole_file
from tasks.models.build import Network


def train_in_int8(context: CompressionContext, exported: Path, params: QatInt8, path: Path) -> Network:
    """Writes what `static_int8` writes, after its weights and scales have learned from the teacher on their grid.

    The start is the file of `static_int8`; what is kept is the epoch that was best on validation data, computed with
    fake quantisation, or the start where that was better.

    Returns:
        The network that the file was made of: it computes in float what the file computes in integers.

    Raises:
        NotPossibleError: the network's work is in operators that have no static int8 kernel, or that have no gradient
            here.
    """
    bits = weight_bits(context, params.weight_bits)
    with prepared(exported) as plain:
        graph = GraphNetwork(quantized_statically(context, plain, params.calibration), plain, bits)
    start = context.data.network(context.student.architecture)
    _take(start, graph)
    trained = context.recover(start, params.recovery, lambda fresh: _take(fresh, copy.deepcopy(graph))).eval()
    assert isinstance(trained.body, GraphNetwork)
    with whole_file(path) as temporary:
        temporary.write_bytes(in_bytes(trained.body.in_integers()))
    return trained


def _take(network: Network, graph: GraphNetwork) -> None:
    """Lets a network compute a graph. The graph normalises by itself, so the network does not."""
    network.body = graph
    network.mean.zero_()
    network.std.fill_(1.0)


PASS = FilePass(train_in_int8, tolerance=5e-2, integers=True, smaller=True)
