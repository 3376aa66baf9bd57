"""Mixed precision by sensitivity: layers leave int8 one by one until the limits on quality hold."""

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


def quantize_mixed(context: CompressionContext, exported: Path, params: MixedInt8, path: Path) -> None:
    """Writes the file with the fewest layers in float that keeps `limits.below_student`, the noisiest layers in float.

    Raises:
        NotPossibleError: there is no such limit, nothing can be int8, or nothing is left that is.
    """
    limits = context.below_student
    if not limits:
        raise NotPossibleError("it needs `limits.below_student` to know when to stop; set it, or take static_int8")
    student = measure_student(context)
    with prepared(exported) as model:
        layers = _noisiest_first(context, model, params.calibration)
        for count in range(len(layers)):
            content = in_bytes(quantized_statically(context, model, params.calibration, layers[:count]))
            if _keeps(context, content, student):
                with whole_file(path) as temporary:
                    temporary.write_bytes(content)
                return
    names = ", ".join(f"`{name}`" for name in limits)
    raise NotPossibleError(
        f"{names} of `limits.below_student` are broken as long as one of {len(layers)} layers is int8"
    )


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
