"""Weights of 16 bits through ONNX Runtime's own converter; inputs and logits keep their types."""

from pathlib import Path

import onnx
from onnxruntime.transformers.float16 import convert_float_to_float16

from params.compress import Fp16
from tasks.compress.context import CompressionContext, FilePass
from tasks.compress.quantization.onnx_int8 import before_logarithms
from tasks.core.files import whole_file
from tasks.models.graph import tidy


def convert_fp16(_context: CompressionContext, exported: Path, _params: Fp16, path: Path) -> None:
    """Writes all float tensors as float16, but for those that a logarithm is computed from: they may be too large."""
    plain = onnx.load(exported)
    model = convert_float_to_float16(plain, keep_io_types=True, node_block_list=[*before_logarithms(plain)])
    tidy(model)
    with whole_file(path) as temporary:
        temporary.write_bytes(model.SerializeToString(deterministic=True))


PASS = FilePass(convert_fp16, tolerance=2e-2, smaller=True)
