"""int8 through onnxruntime.quantization, with the integer types that the target's processor has instructions for.

The normalisation stays in float, since only what comes after the first operator with weights is quantised.
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
from onnxruntime.quantization import CalibrationMethod, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from params.compress import FULL_BITS, Calibration, DynamicInt8, StaticInt8
from tasks.compress.context import CompressionContext, NotPossibleError
from tasks.compress.file_passes.calibrate import Samples
from tasks.compress.network_passes.graph_network import GraphNetwork
from tasks.core.files import whole_file
from tasks.models.graph import tidy

WEIGHTED = frozenset({"Conv", "Gemm", "MatMul", "LSTM", "GRU", "RNN"})
"""where the weights are, and nearly all the work"""
STATIC = ("Conv", "Gemm", "MatMul")
CARRIED = ("Relu", "Clip", "Add", "Concat", "MaxPool", "AveragePool", "GlobalAveragePool", "Reshape", "Flatten")
"""have no weights; in int8 between two operators that are, they save going back to float"""
DYNAMIC = ("LSTM", "Gemm", "MatMul")
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


def quantize_statically(context: CompressionContext, exported: Path, params: StaticInt8, path: Path) -> None:
    """Writes weights and activations as int8 (QDQ, per channel), ranges from training samples.

    Raises:
        NotPossibleError: the network's work is in operators that have no static int8 kernel.
    """
    with prepared(exported) as model, whole_file(path) as temporary:
        quantized = statically(context, model, params.calibration)
        if params.weight_bits < FULL_BITS:
            bits = weight_bits(context, params.weight_bits)
            quantized = GraphNetwork(quantized, model, bits).in_integers()
        temporary.write_bytes(in_bytes(quantized))


def quantize_dynamically(context: CompressionContext, exported: Path, _params: DynamicInt8, path: Path) -> None:
    """Writes weights as int8; the ranges of activations are found at each prediction.

    Raises:
        NotPossibleError: the network's work is in operators that have no dynamic int8 kernel worth it.
    """
    types = TYPES[context.params.target.isa]
    with prepared(exported) as model, TemporaryDirectory() as folder, whole_file(path) as temporary:
        _require_kernels(model, DYNAMIC, "dynamic int8", "static_int8 is for convolutions")
        quantized = Path(folder, "quantized.onnx")
        quantize_dynamic(
            model,
            quantized,
            op_types_to_quantize=list(DYNAMIC),
            reduce_range=types.reduce_range,
            weight_type=types.weights,
        )
        temporary.write_bytes(in_bytes(onnx.load(quantized)))


def weight_bits(context: CompressionContext, asked: int) -> int:
    """Returns the bits of weights: as many as asked for, and on processors that would overflow at most 7."""
    return min(asked, FULL_BITS - TYPES[context.params.target.isa].reduce_range)


def statically(
    context: CompressionContext, model: ModelProto, calibration: Calibration | None, left_in_float: Iterable[str] = ()
) -> ModelProto:
    """Returns a prepared model in int8, but for the named nodes; raises as `quantize_statically`."""
    _require_kernels(model, STATIC, "static int8", "dynamic_int8 is for LSTM")
    types, calibration = TYPES[context.params.target.isa], calibration or context.params.calibration
    with TemporaryDirectory() as folder:
        quantized = Path(folder, "quantized.onnx")
        quantize_static(
            copy.deepcopy(model),  # what it is given has lost its weights to another file afterwards
            quantized,
            Samples(context.train, calibration.samples, context.seed, [i.name for i in model.graph.input]),
            op_types_to_quantize=[*STATIC, *CARRIED],
            nodes_to_exclude=[*_before_weights(model), *left_in_float],
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


def _require_kernels(model: ModelProto, able: tuple[str, ...], what: str, hint: str) -> None:
    weighted = {node.op_type for node in model.graph.node} & WEIGHTED
    if not weighted:
        raise NotPossibleError(f"nothing to quantise: expected one of {', '.join(sorted(WEIGHTED))}, got none")
    without = sorted(weighted - set(able))
    if without:
        raise NotPossibleError(f"ONNX Runtime has no useful {what} kernel for {', '.join(without)}; {hint}")


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
