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

from tasks.core.errors import StageError, mismatch
from tasks.core.files import whole_file
from tasks.kinds.contract import Arrays
from tasks.layouts import InputLayout
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
    """Draws inputs that are spread like the data."""
    spec = model.spec.input

    def draw(shape: tuple[int, ...]) -> NDArray[Any]:
        raw = model.mean.cpu().numpy() + model.std.cpu().numpy() * generator.standard_normal(shape)
        return np.clip(raw.round(), 0, 255).astype(np.uint8) if spec.dtype == "uint8" else raw.astype(np.float32)

    return model.form.drawn(spec, batch, draw)


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
    outputs = [output.name for output in model.heads.outputs(spec.targets)]
    # Two samples: an example of one would be taken as an axis of length 1 for ever.
    example = model.form.full(np.ones((2, *spec.input.shape), spec.input.dtype))
    with _silence():
        torch.onnx.export(
            _Positional(model, list(example)).eval(),
            tuple(torch.from_numpy(values) for values in example.values()),
            path,
            input_names=list(example),
            output_names=outputs,
            external_data=False,
            verbose=False,
            **_exporter(model.form, outputs),
        )
    exported = onnx.load(path)
    tidy(exported)
    onnx.checker.check_model(exported, full_check=True)
    path.write_bytes(exported.SerializeToString(deterministic=True))


def _exporter(form: InputLayout, outputs: Sequence[str]) -> dict[str, Any]:
    """Says to the exporter which axes may vary, and which exporter it is: torch.export folds batch norm."""
    if form.traced:
        axes = {name: dict(free) for name, free in form.axes.items()} | {name: {0: "batch"} for name in outputs}
        return {"dynamo": False, "dynamic_axes": axes}
    free = tuple({axis: torch.export.Dim(name) for axis, name in axes.items()} for axes in form.axes.values())
    return {"dynamo": True, "dynamic_shapes": (free,)}


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
