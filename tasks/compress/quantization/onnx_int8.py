"""int8 through onnxruntime.quantization, with the integer types that the target's processor has instructions for.

The normalisation stays in float, since only what comes after the first operator with weights is quantised; so does what
comes before a logarithm, such as the front end of a network for sound: its values span more than 8 bits can tell apart.
"""

import copy
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx
from onnx import ModelProto
from onnxruntime.quantization import CalibrationMethod, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from params.compress import FULL_BITS, Calibration
from tasks.compress.context import CompressionContext, NotPossibleError
from tasks.compress.quantization.calibration import CalibrationSamples
from tasks.models.graph import tidy

WEIGHTED = frozenset({"Conv", "Gemm", "MatMul", "LSTM", "GRU", "RNN"})
"""where the weights are, and nearly all the work"""
STATIC = ("Conv", "Gemm", "MatMul")
CARRIED = ("Relu", "Clip", "Add", "Concat", "MaxPool", "AveragePool", "GlobalAveragePool", "Reshape", "Flatten")
"""have no weights; in int8 between two operators that are, they save going back to float"""
METHODS = {
    "minmax": CalibrationMethod.MinMax,
    "entropy": CalibrationMethod.Entropy,
    "percentile": CalibrationMethod.Percentile,
}


@dataclass(frozen=True)
class IntegerTypes:
    """`reduce_range`: weights of 7 bits, for processors whose 8-bit products overflow 16 bits (x86 without VNNI)."""

    activations: QuantType
    weights: QuantType
    reduce_range: bool


TYPES: Mapping[str, IntegerTypes] = {
    "x86-vnni": IntegerTypes(QuantType.QUInt8, QuantType.QInt8, reduce_range=False),
    "x86": IntegerTypes(QuantType.QUInt8, QuantType.QInt8, reduce_range=True),
    "arm64": IntegerTypes(QuantType.QInt8, QuantType.QInt8, reduce_range=False),
}


def weight_bits(context: CompressionContext, asked: int) -> int:
    """Returns the bits of weights: as many as asked for, and on processors that would overflow at most 7."""
    return min(asked, FULL_BITS - TYPES[context.params.target.isa].reduce_range)


def quantized_statically(
    context: CompressionContext, model: ModelProto, calibration: Calibration | None, left_in_float: Iterable[str] = ()
) -> ModelProto:
    """Returns a prepared model in int8, but for the named nodes; raises as `require_kernels` does."""
    require_kernels(model, STATIC, "static int8", "dynamic_int8 is for LSTM")
    types, calibration = TYPES[context.params.target.isa], calibration or context.params.calibration
    with TemporaryDirectory() as folder:
        quantized = Path(folder, "quantized.onnx")
        quantize_static(
            copy.deepcopy(model),  # what it is given has lost its weights to another file afterwards
            quantized,
            CalibrationSamples(context.train, context.rows(calibration.samples), [i.name for i in model.graph.input]),
            op_types_to_quantize=[*STATIC, *CARRIED],
            nodes_to_exclude=[*_before_weights(model), *before_logarithms(model), *left_in_float],
            per_channel=True,
            reduce_range=types.reduce_range,
            activation_type=types.activations,
            weight_type=types.weights,
            calibrate_method=METHODS[calibration.method],
        )
        return onnx.load(quantized)


@contextmanager
def prepared(exported: Path) -> Iterator[ModelProto]:
    """Gives an exported model as the quantisers like it, and keeps them quiet."""
    with TemporaryDirectory() as folder, _quiet():
        ready = Path(folder, "prepared.onnx")
        quant_pre_process(exported, ready)  # without it nothing of an LSTM is quantised
        yield onnx.load(ready)


def in_bytes(model: ModelProto) -> bytes:
    """Returns the file of a quantised model, the same for equal weights."""
    tidy(model)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def require_kernels(model: ModelProto, able: tuple[str, ...], what: str, hint: str) -> None:
    """Refuses a network whose work is in other operators than those `able`.

    Raises:
        NotPossibleError: with the operators, and `hint` at another pass.
    """
    apart = before_logarithms(model)
    weighted = {node.op_type for node in model.graph.node if node.name not in apart} & WEIGHTED
    if not weighted:
        raise NotPossibleError(f"nothing to quantise: expected one of {', '.join(sorted(WEIGHTED))}, got none")
    without = sorted(weighted - set(able))
    if without:
        raise NotPossibleError(f"ONNX Runtime has no useful {what} kernel for {', '.join(without)}; {hint}")


def before_logarithms(model: ModelProto) -> dict[str, None]:
    """Returns the names of the logarithms and of all nodes that one of them is computed from."""
    read: set[str] = set()
    before: dict[str, None] = {}
    for node in reversed(model.graph.node):
        if node.op_type == "Log" or read.intersection(node.output):
            read.update(node.input)
            before[node.name] = None
    return before


def _before_weights(model: ModelProto) -> list[str]:
    """Returns the names of nodes that no operator with weights comes before: the normalisation and the lengths."""
    behind: set[str] = set()
    before = []
    for node in model.graph.node:
        if node.op_type in WEIGHTED or behind.intersection(node.input):
            behind.update(node.output)
        else:
            before.append(node.name)
    return before


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps the quantiser's hints (it logs on the root logger) away from the person who runs a recipe."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
