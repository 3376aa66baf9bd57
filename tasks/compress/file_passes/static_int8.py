"""Weights and activations of 8 bits, with ranges from training samples."""

from pathlib import Path

from params.compress import FULL_BITS, StaticInt8
from tasks.compress.context import CompressionContext, FilePass
from tasks.compress.quantization.graph_network import GraphNetwork
from tasks.compress.quantization.onnx_int8 import in_bytes, prepared, quantized_statically, weight_bits
from tasks.core.files import whole_file


def quantize_statically(context: CompressionContext, exported: Path, params: StaticInt8, path: Path) -> None:
    """Writes weights and activations as int8 (QDQ, per channel), ranges from training samples.

    Raises:
        NotPossibleError: the network's work is in operators that have no static int8 kernel.
    """
    with prepared(exported) as model, whole_file(path) as temporary:
        quantized = quantized_statically(context, model, params.calibration)
        if params.weight_bits < FULL_BITS:
            bits = weight_bits(context, params.weight_bits)
            quantized = GraphNetwork(quantized, model, bits).in_integers()
        temporary.write_bytes(in_bytes(quantized))


PASS = FilePass(quantize_statically, tolerance=5e-2, integers=True, smaller=True)
