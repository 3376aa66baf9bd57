"""Weights of 8 bits; the ranges of activations are found at each prediction."""

from pathlib import Path
from tempfile import TemporaryDirectory

import onnx
from onnxruntime.quantization import quantize_dynamic

from params.compress import DynamicInt8
from tasks.compress.context import CompressionContext, FilePass
from tasks.compress.quantization.onnx_int8 import TYPES, before_logarithms, in_bytes, prepared, require_kernels
from tasks.core.files import whole_file

DYNAMIC = ("LSTM", "Gemm", "MatMul")


def quantize_dynamically(context: CompressionContext, exported: Path, _params: DynamicInt8, path: Path) -> None:
    """Writes weights as int8; the ranges of activations are found at each prediction.

    Raises:
        NotPossibleError: the network's work is in operators that have no dynamic int8 kernel worth it.
    """
    types = TYPES[context.params.target.isa]
    with prepared(exported) as model, TemporaryDirectory() as folder, whole_file(path) as temporary:
        require_kernels(model, DYNAMIC, "dynamic int8", "static_int8 is for convolutions")
        quantized = Path(folder, "quantized.onnx")
        quantize_dynamic(
            model,
            quantized,
            op_types_to_quantize=list(DYNAMIC),
            nodes_to_exclude=[*before_logarithms(model)],
            reduce_range=types.reduce_range,
            weight_type=types.weights,
        )
        temporary.write_bytes(in_bytes(onnx.load(quantized)))


PASS = FilePass(quantize_dynamically, tolerance=5e-2, integers=True, smaller=True)
