"""From a network to one ONNX file: raw inputs in, logits out, and the proof that it computes what torch computes."""

import copy
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor

from tasks.contracts.records import InputSpec
from tasks.core.errors import StageError, mismatch
from tasks.core.files import whole_file
from tasks.models.build import Network
from tasks.models.graph import tidy
from tasks.runtime.bundle.session import Session
from tasks.runtime.errors import RuntimeBundleError

TOLERANCE = 1e-3
"""largest difference of logits between torch and the file"""


def export_onnx(model: Network, spec: InputSpec, path: Path) -> None:
    """Writes `model` as ONNX, whole or not at all; equal weights give equal bytes.

    The inputs are `inputs` (batch, *spec.shape) in the raw dtype and, for sequences, `lengths` (batch,) int64; the
    output is `logits` (batch, outputs). The batch axis and the frames of a sequence may have any length.

    Raises:
        StageError: the exporter cannot follow the network, or the file does not compute what torch computes.
    """
    # As training leaves it, with channels last, its layout would become part of the file.
    model = copy.deepcopy(model).cpu().eval().to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    with whole_file(path) as temporary:
        try:
            _write(model, spec, temporary)
            difference = parity(model, Session(temporary.read_bytes()), spec, seed=0)
        except (RuntimeError, ValueError, TypeError, RuntimeBundleError, onnx.checker.ValidationError) as error:
            got = (str(error).splitlines() or [type(error).__name__])[0]
            do = "build the network from operators that ONNX has"
            raise StageError(mismatch(path.name, "", "an architecture that can be exported", got, do)) from error
        if not difference <= TOLERANCE:  # so that NaN fails
            do = "does the network depend on the batch size, the frames or the values in a way that Python decides?"
            expected, got = f"the logits of torch within {TOLERANCE:g}", f"a difference of {difference:g}"
            raise StageError(mismatch(path.name, "", expected, got, do))


def parity(model: Network, session: Session, spec: InputSpec, seed: int) -> float:
    """Returns the largest difference between the logits of torch and of a session, at two shapes.

    The shapes are (1, half the frames) and (3, all frames), the second with unequal lengths and padding. A file that
    gives another shape than torch differs infinitely.
    """
    generator = np.random.default_rng(seed)
    return max(_difference(model, session, *_samples(model, spec, batch, generator)) for batch in (1, 3))


def _samples(
    model: Network, spec: InputSpec, batch: int, generator: np.random.Generator
) -> tuple[NDArray[Any], NDArray[np.int64] | None]:
    """Draws inputs that are spread like the data, and zero behind each sequence's length."""
    sequence = spec.layout == "sequence"
    frames = -(-spec.shape[0] // (2 if batch == 1 else 1))
    shape = (frames, *spec.shape[1:]) if sequence else spec.shape
    raw = model.mean.cpu().numpy() + model.std.cpu().numpy() * generator.standard_normal((batch, *shape))
    inputs = np.clip(raw.round(), 0, 255).astype(np.uint8) if spec.dtype == "uint8" else raw.astype(np.float32)
    if not sequence:
        return inputs, None
    lengths = np.maximum(1, frames - np.arange(batch) * (frames // 3)).astype(np.int64)
    inputs[np.arange(frames) >= lengths[:, None]] = 0
    return inputs, lengths


@torch.no_grad()
def _difference(model: Network, session: Session, inputs: NDArray[Any], lengths: NDArray[np.int64] | None) -> float:
    tensor = torch.from_numpy(inputs), None if lengths is None else torch.from_numpy(lengths)
    expected = model(*tensor).numpy()
    got = session.predict(inputs, lengths)
    return float(np.abs(got - expected).max()) if got.shape == expected.shape else float("inf")


def _write(model: Network, spec: InputSpec, path: Path) -> None:
    names, arguments = ["inputs"], [_example(spec)]
    if spec.layout == "sequence":
        names, arguments = ["inputs", "lengths"], [*arguments, torch.tensor([spec.shape[0]] * 2)]
    with _silence():
        torch.onnx.export(
            model,
            tuple(arguments),
            path,
            input_names=names,
            output_names=["logits"],
            external_data=False,
            verbose=False,
            **_dynamic_axes(spec),
        )
    exported = onnx.load(path)
    tidy(exported)
    onnx.checker.check_model(exported, full_check=True)
    path.write_bytes(exported.SerializeToString(deterministic=True))


def _example(spec: InputSpec) -> Tensor:
    # Two samples: an example of one would be taken as an axis of length 1 for ever.
    return torch.ones((2, *spec.shape), dtype=torch.uint8 if spec.dtype == "uint8" else torch.float32)


def _dynamic_axes(spec: InputSpec) -> dict[str, Any]:
    """Says to the exporter which axes may vary, and which exporter it is.

    torch.export folds batch norm, but with LSTM and GRU it can freeze the frames and report success (torch 2.13): these
    go through TorchScript.
    """
    if spec.layout == "sequence":
        axes = {"inputs": {0: "batch", 1: "frames"}, "lengths": {0: "batch"}, "logits": {0: "batch"}}
        return {"dynamo": False, "dynamic_axes": axes}
    return {"dynamo": True, "dynamic_shapes": ({0: torch.export.Dim("batch")},)}


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
