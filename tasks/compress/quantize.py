"""int8 through onnxruntime.quantization, with the integer types that the target's processor has instructions for.

The normalisation stays in float, since only what comes after the first operator with weights is quantised.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx
from onnx import ModelProto
from onnxruntime.quantization import CalibrationMethod, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from params.compress import Target
from tasks.compress.bench import Bench, NotPossibleError
from tasks.compress.calibrate import Samples
from tasks.files import whole_file
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


def quantize_statically(bench: Bench, path: Path) -> None:
    """Writes weights and activations as int8 (QDQ, per channel), ranges from training samples.

    Raises:
        NotPossibleError: the network's work is in operators that have no static int8 kernel.
    """
    calibration, types = bench.params.calibration, _types(bench.params.target)

    def quantize(model: ModelProto, output: Path) -> None:
        _require_kernels(model, STATIC, "static int8", "dynamic_int8 is for LSTM")
        quantize_static(
            model,
            output,
            Samples(bench.train, calibration.samples, bench.seed, [i.name for i in model.graph.input]),
            op_types_to_quantize=[*STATIC, *CARRIED],
            nodes_to_exclude=_before_weights(model),
            per_channel=True,
            reduce_range=types.reduce_range,
            activation_type=types.activations,
            weight_type=types.weights,
            calibrate_method=METHODS[calibration.method],
        )

    _through(bench, quantize, path)


def quantize_dynamically(bench: Bench, path: Path) -> None:
    """Writes weights as int8; the ranges of activations are found at each prediction.

    Raises:
        NotPossibleError: the network's work is in operators that have no dynamic int8 kernel worth it.
    """
    types = _types(bench.params.target)

    def quantize(model: ModelProto, output: Path) -> None:
        _require_kernels(model, DYNAMIC, "dynamic int8", "static_int8 is for convolutions")
        quantize_dynamic(
            model,
            output,
            op_types_to_quantize=list(DYNAMIC),
            reduce_range=types.reduce_range,
            weight_type=types.weights,
        )

    _through(bench, quantize, path)


def _types(target: Target) -> IntegerTypes:
    return TYPES[target.isa]


def _through(bench: Bench, quantize: Callable[[ModelProto, Path], None], path: Path) -> None:
    """Runs a quantiser on the exported student in a folder of its own; the result is whole or not there."""
    with TemporaryDirectory() as folder, _quiet():
        prepared, quantized = Path(folder, "prepared.onnx"), Path(folder, "quantized.onnx")
        quant_pre_process(bench.exported, prepared)  # without it nothing of an LSTM is quantised
        quantize(onnx.load(prepared), quantized)
        model = onnx.load(quantized)
    tidy(model)
    with whole_file(path) as temporary:
        temporary.write_bytes(model.SerializeToString(deterministic=True))


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
