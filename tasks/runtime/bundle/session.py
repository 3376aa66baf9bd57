"""A model in ONNX Runtime, loaded from bytes in memory: named arrays in, named arrays out.

What is loaded is what was verified: a session is made from bytes; a path is read once, checked, and not opened again.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from ..errors import ModelError, WrongInputError
from .manifest import TensorInfo
from .verify import read_checked, read_verified

MODEL = "model.onnx"
INPUTS, LENGTHS = "inputs", "lengths"
Arrays = Mapping[str, NDArray[Any]]
_QUIET = 4
"""what ONNX Runtime has to say comes as an exception; on the terminal it would stand twice"""


class Session:
    """One loaded model; `predict` may be called from several threads."""

    def __init__(self, model: bytes, threads: int = 1) -> None:
        self._session = _loaded(model, threads)
        self.inputs = {info.name: info for info in map(_info, self._session.get_inputs())}
        self.outputs = {info.name: info for info in map(_info, self._session.get_outputs())}
        if INPUTS not in self.inputs or self.inputs.keys() - {INPUTS, LENGTHS}:
            raise ModelError(f"model: expected `inputs` (and `lengths`), got {sorted(self.inputs)}; export it again")
        self._names = list(self.outputs)
        self._dtype = np.dtype(self.inputs[INPUTS].dtype)
        self._shape = self.inputs[INPUTS].shape
        self._takes_lengths = LENGTHS in self.inputs
        self._fitting: tuple[int, ...] = ()
        """the shape that was looked at last and fits: to look again takes as long as a small layer"""

    @classmethod
    def from_file(cls, path: Path, sha256: str, threads: int = 1) -> "Session":
        """Loads a file after checking its digest.

        Raises:
            TamperedError: the file is missing or has other bytes.
            ModelError: ONNX Runtime cannot run it.
        """
        return cls(read_checked(path, sha256), threads)

    @classmethod
    def from_bundle(cls, directory: Path, threads: int | None = None) -> "Session":
        """Loads the model of a bundle after checking all its files; as many threads as its target has, unless said."""
        contents = read_verified(directory)
        return cls(contents.file(MODEL), threads or contents.manifest.target.threads)

    def predict(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        """Returns the outputs by name, (batch, ...) each.

        Args:
            inputs: `inputs` (batch, *sample shape) in the data's own dtype and scale; for sequences also `lengths`
                (batch,) int64, the number of frames that are no padding, or all of them when left out.

        Raises:
            WrongInputError: names, dtype, shape or lengths are not what the model takes.
            ModelError: the model fails on an input of the right shape.
        """
        feed = self.checked(inputs)
        try:
            return dict(zip(self._names, self._session.run(self._names, feed), strict=True))
        except Exception as error:  # ONNX Runtime's exceptions share no base of their own
            shape = feed[INPUTS].shape
            raise ModelError(f"model: expected outputs for {shape}, got {error}; export it again") from None

    def checked(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        """Returns what the model is fed.

        Raises:
            WrongInputError: names, dtype, shape or lengths are not what the model takes.
        """
        if INPUTS not in inputs or not inputs.keys() <= self.inputs.keys():
            names = " and ".join(f"`{name}`" for name in self.inputs)
            raise WrongInputError(f"`inputs`: expected {names}, got {', '.join(inputs)}; give arrays of these names")
        values = inputs[INPUTS]
        if values.shape != self._fitting or values.dtype != self._dtype:
            self._require_fits(values)
            self._fitting = values.shape
        if not self._takes_lengths:
            return {INPUTS: values}
        lengths = inputs.get(LENGTHS)
        lengths = _full_lengths(values) if lengths is None else _checked_lengths(values, lengths)
        return {INPUTS: values, LENGTHS: lengths}

    def _require_fits(self, inputs: NDArray[Any]) -> None:
        if inputs.dtype != self._dtype:
            raise WrongInputError(f"`inputs`: expected {self._dtype}, got {inputs.dtype}; convert the array")
        if not _fits(inputs.shape, self._shape):
            shape = tuple("any" if side is None else side for side in self._shape)
            raise WrongInputError(f"`inputs`: expected shape {shape}, got {inputs.shape}; the first axis is the batch")


def _loaded(model: bytes, threads: int) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _QUIET
    # A waiting thread that spins burns the battery of the device and slows down everything beside it.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    # Without VNNI, the fast kernels add two products of 8 bits in 16 and cut off what does not fit: with weights of 8
    # bits the answers are wrong. This takes slower kernels there, and those that it would take anyway elsewhere.
    options.add_session_config_entry("session.x64quantprecision", "1")
    try:
        return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's exceptions share no base of their own
        problem = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(
            f"model: expected ONNX that onnxruntime {ort.__version__} runs, got {problem}; export it again"
        ) from None


def _info(node: Any) -> TensorInfo:
    names = {"tensor(float)": "float32", "tensor(uint8)": "uint8", "tensor(int64)": "int64"}
    shape = tuple(side if isinstance(side, int) else None for side in node.shape)
    return TensorInfo(node.name, names.get(node.type, node.type), shape)


def _fits(shape: tuple[int, ...], expected: tuple[int | None, ...]) -> bool:
    if len(shape) != len(expected):
        return False
    return all(side > 0 and want in (None, side) for side, want in zip(shape, expected, strict=True))


def _full_lengths(inputs: NDArray[Any]) -> NDArray[np.int64]:
    return np.full(inputs.shape[0], inputs.shape[1], np.int64)


def _checked_lengths(inputs: NDArray[Any], lengths: NDArray[Any]) -> NDArray[np.int64]:
    if lengths.dtype != np.int64 or lengths.shape != inputs.shape[:1]:
        raise WrongInputError(
            f"`lengths`: expected int64 of shape {inputs.shape[:1]}, got {lengths.dtype} of shape {lengths.shape};"
            " give one length per sample"
        )
    given = lengths.tolist()  # of one sample, a list is compared in a tenth of the time of an array
    if min(given) < 1 or max(given) > inputs.shape[1]:
        raise WrongInputError(
            f"`lengths`: expected 1 to {inputs.shape[1]}, got {min(given)} to {max(given)};"
            " count the frames before the padding"
        )
    return lengths
