"""From a network to one ONNX file: named inputs and outputs, and the proof that it computes what torch does."""

import copy
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tasks.contracts.records import InputSpec
from tasks.core.errors import StageError, mismatch
from tasks.core.files import whole_file
from tasks.kinds.contract import Arrays
from tasks.models.build import Network
from tasks.models.graph import tidy
from tasks.runtime.bundle.session import Session
from tasks.runtime.errors import RuntimeBundleError

TOLERANCE = 1e-3
"""largest difference of an output between torch and the file"""


def export_onnx(model: Network, path: Path) -> None:
    """Writes `model` as ONNX, whole or not at all; equal weights give equal bytes.

    The inputs are `inputs` (batch, *sample shape) in the raw dtype and, for sequences, `lengths` (batch,) int64; the
    outputs are those of the head. The batch axis and the frames of a sequence may have any length.

    Raises:
        StageError: the exporter cannot follow the network, or the file does not compute what torch computes.
    """
    # As training leaves it, with channels last, its layout would become part of the file.
    model = copy.deepcopy(model).cpu().eval().to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    with whole_file(path) as temporary:
        try:
            _write(model, temporary)
            difference = parity(model, Session(temporary.read_bytes()), seed=0)
        except (RuntimeError, ValueError, TypeError, RuntimeBundleError, onnx.checker.ValidationError) as error:
            got = (str(error).splitlines() or [type(error).__name__])[0]
            do = "build the network from operators that ONNX has"
            raise StageError(mismatch(path.name, "", "an architecture that can be exported", got, do)) from error
        if not difference <= TOLERANCE:  # so that NaN fails
            do = "does the network depend on the batch size, the frames or the values in a way that Python decides?"
            expected, got = f"the outputs of torch within {TOLERANCE:g}", f"a difference of {difference:g}"
            raise StageError(mismatch(path.name, "", expected, got, do))


def parity(model: Network, session: Session, seed: int) -> float:
    """Returns the largest difference between the outputs of torch and of a session, at two shapes.

    The shapes are (1, half the frames) and (3, all frames), the second with unequal lengths and padding. A file that
    gives another shape than torch differs infinitely.
    """
    generator = np.random.default_rng(seed)
    return max(difference_of(model, session, _samples(model, batch, generator)) for batch in (1, 3))


def outputs_of(model: Network, inputs: Arrays) -> dict[str, NDArray[np.float32]]:
    """Returns what a network on the CPU answers to arrays, without a gradient."""
    with torch.no_grad():
        outputs = model({name: torch.from_numpy(values) for name, values in inputs.items()})
    return {name: value.numpy() for name, value in outputs.items()}


def difference_of(model: Network, session: Session, inputs: Arrays) -> float:
    """Returns the largest difference between the outputs of torch and of a session; infinite for another shape."""
    expected, got = outputs_of(model, inputs), session.predict(inputs)
    if any(name not in got or got[name].shape != values.shape for name, values in expected.items()):
        return float("inf")
    return max(float(np.abs(got[name] - values).max()) for name, values in expected.items())


def _samples(model: Network, batch: int, generator: np.random.Generator) -> dict[str, NDArray[Any]]:
    """Draws inputs that are spread like the data, and zero behind each sequence's length."""
    spec = model.spec.input
    sequence = spec.layout == "sequence"
    frames = -(-spec.shape[0] // (2 if batch == 1 else 1))
    shape = (frames, *spec.shape[1:]) if sequence else spec.shape
    raw = model.mean.cpu().numpy() + model.std.cpu().numpy() * generator.standard_normal((batch, *shape))
    inputs = np.clip(raw.round(), 0, 255).astype(np.uint8) if spec.dtype == "uint8" else raw.astype(np.float32)
    if not sequence:
        return {"inputs": inputs}
    lengths = np.maximum(1, frames - np.arange(batch) * (frames // 3)).astype(np.int64)
    inputs[np.arange(frames) >= lengths[:, None]] = 0
    return {"inputs": inputs, "lengths": lengths}


class _Positional(nn.Module):
    """A network as the exporters want it: a tensor per input, and a tensor per output."""

    def __init__(self, network: Network, names: Sequence[str]) -> None:
        super().__init__()
        self.network, self.names = network, names

    def forward(self, *values: Tensor) -> tuple[Tensor, ...]:
        """Returns the outputs in their order."""
        return tuple(self.network(dict(zip(self.names, values, strict=True))).values())


def _write(model: Network, path: Path) -> None:
    spec = model.spec
    names, arguments = ["inputs"], [_example(spec.input)]
    if spec.input.layout == "sequence":
        names, arguments = ["inputs", "lengths"], [*arguments, torch.tensor([spec.input.shape[0]] * 2)]
    outputs = [output.name for output in model.heads.outputs(spec.targets)]
    with _silence():
        torch.onnx.export(
            _Positional(model, names).eval(),
            tuple(arguments),
            path,
            input_names=names,
            output_names=outputs,
            external_data=False,
            verbose=False,
            **_dynamic_axes(spec.input, outputs),
        )
    exported = onnx.load(path)
    tidy(exported)
    onnx.checker.check_model(exported, full_check=True)
    path.write_bytes(exported.SerializeToString(deterministic=True))


def _example(spec: InputSpec) -> Tensor:
    # Two samples: an example of one would be taken as an axis of length 1 for ever.
    return torch.ones((2, *spec.shape), dtype=torch.uint8 if spec.dtype == "uint8" else torch.float32)


def _dynamic_axes(spec: InputSpec, outputs: Sequence[str]) -> dict[str, Any]:
    """Says to the exporter which axes may vary, and which exporter it is.

    torch.export folds batch norm, but with LSTM and GRU it can freeze the frames and report success (torch 2.13): these
    go through TorchScript.
    """
    if spec.layout == "sequence":
        axes = {"inputs": {0: "batch", 1: "frames"}, **{name: {0: "batch"} for name in ("lengths", *outputs)}}
        return {"dynamo": False, "dynamic_axes": axes}
    return {"dynamo": True, "dynamic_shapes": (({0: torch.export.Dim("batch")},),)}


@contextmanager
def _silence() -> Iterator[None]:
    """Keeps the exporter's advice to its developers away from the person who runs a recipe."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
