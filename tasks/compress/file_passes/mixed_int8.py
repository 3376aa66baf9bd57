"""Mixed precision by sensitivity: layers leave int8 one by one until the limits on quality hold."""

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto
from onnxruntime.quantization.qdq_loss_debug import (
    collect_activations,
    compute_activation_error,
    create_activation_matching,
    modify_model_output_intermediate_tensors,
)

from params.compress import Calibration, MixedInt8
from tasks.compress.context import CompressionContext, FilePass, NotPossibleError
from tasks.compress.measure import measure_file, measure_student
from tasks.compress.quantization.calibration import CalibrationSamples
from tasks.compress.quantization.onnx_int8 import STATIC, before_logarithms, in_bytes, prepared, quantized_statically
from tasks.contracts.metrics import Values, losses
from tasks.core.files import whole_file
from tasks.runtime.bundle.session import Session

NOISE_SAMPLES = 64


Made = Callable[[Sequence[str]], bytes | None]
"""layers left in float -> the file, where it keeps the limits"""


def quantize_mixed(context: CompressionContext, exported: Path, params: MixedInt8, path: Path) -> None:
    """Writes a file of few layers in float that keeps `limits.below_student`.

    The noisiest leave int8 until the limits hold; then those go back that were noisy because of others alone.

    Raises:
        NotPossibleError: there is no such limit, nothing can be int8, or nothing is left that is.
    """
    limits = context.below_student
    if not limits:
        raise NotPossibleError("it needs `limits.below_student` to know when to stop; set it, or take static_int8")
    with prepared(exported) as model:
        layers = _noisiest_first(context, model, params.calibration)
        content = _few_in_float(layers, _maker(context, model, params.calibration))
    if content is None:
        names = ", ".join(f"`{name}`" for name in limits)
        raise NotPossibleError(
            f"{names} of `limits.below_student` are broken as long as one of {len(layers)} layers is int8"
        )
    with whole_file(path) as temporary:
        temporary.write_bytes(content)


def _maker(context: CompressionContext, model: ModelProto, calibration: Calibration | None) -> Made:
    student = measure_student(context)

    def made(in_float: Sequence[str]) -> bytes | None:
        content = in_bytes(quantized_statically(context, model, calibration, in_float))
        return content if _keeps(context, content, student) else None

    return made


def _few_in_float(layers: Sequence[str], made: Made) -> bytes | None:
    """Returns a file from which no further layer can go back into int8; None where all would have to be in float.

    Noise is handed on: behind one bad layer all are noisy. So what left int8 before the limits held is more than had
    to, and each is tried again, the least noisy first. The last that left is what made them hold, and stays.
    """
    for count in range(len(layers)):
        if content := made(layers[:count]):
            break
    else:
        return None
    in_float = [*layers[:count]]
    for layer in in_float[-2::-1]:
        fewer = [one for one in in_float if one != layer]
        if smaller := made(fewer):
            in_float, content = fewer, smaller
    return content


def _noisiest_first(context: CompressionContext, model: ModelProto, calibration: Calibration | None) -> list[str]:
    """Returns the names of the layers that can be int8, the lowest signal-to-noise ratio of their output first."""
    noise = _signal_to_noise(context, model, quantized_statically(context, model, calibration))
    apart = before_logarithms(model)
    layers = [node for node in model.graph.node if node.op_type in STATIC and node.name not in apart]
    readers = {name: node for node in model.graph.node for name in node.input}
    ratios = {}
    for layer in layers:
        # A ReLU is computed together with the layer before it: only what leaves it is there in both models.
        after = readers.get(layer.output[0])
        seen = [name for node in (layer, after) if node is not None for name in node.output if name in noise]
        ratios[layer.name] = min((noise[name] for name in seen), default=float("inf"))
    return sorted(ratios, key=lambda name: ratios[name])


def _signal_to_noise(context: CompressionContext, model: ModelProto, quantized: ModelProto) -> dict[str, float]:
    """Returns tensor -> decibels of the float model's values over their difference to the quantised model's."""
    with TemporaryDirectory() as folder:
        seen: list[dict[str, list[NDArray[np.float32]]]] = []
        for name, proto in (("float", model), ("quantized", quantized)):
            plain, watched = Path(folder, f"{name}.onnx"), Path(folder, f"{name}.watched.onnx")
            onnx.save(proto, plain)
            modify_model_output_intermediate_tensors(plain, watched)
            samples = CalibrationSamples(
                context.train, context.rows(NOISE_SAMPLES), [i.name for i in model.graph.input]
            )
            seen.append(collect_activations(str(watched), samples))
    matched = create_activation_matching(seen[1], seen[0])
    return {name: float(error["xmodel_err"]) for name, error in compute_activation_error(matched).items()}


def _keeps(context: CompressionContext, content: bytes, student: Values) -> bool:
    """Says whether a file is no worse than the student by more than the limits allow."""
    found = measure_file(context, Session(content, context.params.target.threads))
    checks = losses("limits", context.below_student, context.measuring.part.metrics, found, student)
    return all(check.passed for check in checks)


PASS = FilePass(quantize_mixed, tolerance=5e-2, integers=True, smaller=True)
