"""Reads samples from bytes: `.npy`, `.npz`, JSON, or CSV with one flat sample per row. The bytes say which it is."""

import io
import zipfile
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.fields import Json, JsonSource, parse
from ..bundle.manifest import TensorInfo
from ..bundle.session import INPUTS, LENGTHS, Arrays
from ..errors import WrongInputError
from .preprocessor import ModelInputs, Preprocessor

_READ_HEADER = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_JSON = JsonSource("inputs", 'give {"inputs": [...]} or {"inputs": [...], "lengths": [...]}', WrongInputError)


def read_samples(content: bytes, takes: TensorInfo, preprocessor: Preprocessor) -> ModelInputs:
    """Returns the samples in a file: arrays as the model takes them, or what its preprocessor reads.

    Args:
        content: the whole file.
        preprocessor: of the model.
        takes: what the model takes as `inputs`; numbers written as text become its dtype, arrays must have it.

    Raises:
        WrongInputError: they cannot be read, or are no numbers of that dtype.
    """
    if content.startswith(b"\x93NUMPY"):
        return ModelInputs({INPUTS: read_npy(content)})
    if content.startswith(b"PK"):
        return ModelInputs(_npz(content))
    if content.lstrip()[:1] in (b"{", b"["):
        return ModelInputs(read_json(content, takes))
    return preprocessor.from_file(content) if preprocessor.media_types else ModelInputs(_csv(content, takes))


def read_npy(content: bytes) -> NDArray[Any]:
    """Returns the array in an `.npy`, whose header may not promise more than there is.

    Raises:
        WrongInputError: it is malformed, cut, or holds objects.
    """
    stream = io.BytesIO(content)
    try:
        shape, by_column, dtype = _READ_HEADER[np.lib.format.read_magic(stream)](stream)
        if dtype.hasobject or any(side < 0 for side in shape):
            raise ValueError(f"{dtype} of shape {shape}")
        values = np.frombuffer(content, dtype, prod(shape), stream.tell()) if prod(shape) else np.empty(0, dtype)
        return values.reshape(shape, order="F" if by_column else "C")
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise WrongInputError(f"`inputs`: expected a whole .npy of numbers, got {error}; write it again") from None


def read_json(content: bytes, takes: TensorInfo) -> Arrays:
    """Returns the samples in `{"inputs": [...], "lengths": [...]}`, or in a bare list.

    Raises:
        WrongInputError: it is anything else.
    """
    parsed = parse(content, _JSON)
    if isinstance(parsed, list):
        parsed = {INPUTS: parsed}
    if not isinstance(parsed, dict) or INPUTS not in parsed or parsed.keys() - {INPUTS, LENGTHS}:
        raise _JSON.wrong("", "an object with `inputs` and perhaps `lengths`", repr(parsed)[:80])
    lengths = parsed.get(LENGTHS)
    samples = {INPUTS: _converted(_array(parsed[INPUTS], INPUTS), np.dtype(takes.dtype), INPUTS)}
    if lengths is not None:
        samples[LENGTHS] = _converted(_array(lengths, LENGTHS), np.dtype(np.int64), LENGTHS)
    return samples


def _npz(content: bytes) -> Arrays:
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in (INPUTS, *({LENGTHS} & {*arrays}))}
    except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
        raise WrongInputError(f"`inputs`: expected an .npz with `inputs`, got {error}; write it again") from None


def _csv(content: bytes, takes: TensorInfo) -> Arrays:
    shape = tuple(side for side in takes.shape[1:] if side is not None)
    try:
        rows = np.loadtxt(io.StringIO(content.decode()), delimiter=",", ndmin=2)
    except ValueError as error:
        raise WrongInputError(
            f"`inputs`: expected .npy, .npz, JSON, or CSV with numbers only, got {error}; write one of them"
        ) from None
    if len(shape) < len(takes.shape) - 1 or rows.shape[1:] != (prod(shape),):
        raise WrongInputError(
            f"`inputs`: expected rows of shape {_shown(takes.shape[1:])} laid flat, got {rows.shape[1]} columns;"
            " give JSON or .npy"
        )
    return {INPUTS: _converted(rows.reshape(-1, *shape), np.dtype(takes.dtype), INPUTS)}


def _array(values: Json, name: str) -> NDArray[Any]:
    try:
        array = np.asarray(values)
    except ValueError:
        raise WrongInputError(f"`{name}`: expected lists of equal lengths, got others; pad the shorter ones") from None
    if array.dtype.kind not in "iuf":
        raise WrongInputError(f"`{name}`: expected lists of numbers, got {array.dtype}; give numbers only")
    return array


def _converted(values: NDArray[Any], dtype: np.dtype[Any], name: str) -> NDArray[Any]:
    """Returns numbers in another dtype where that changes none; for floats, where they stay finite."""
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        fits = bool(np.all((values >= info.min) & (values <= info.max) & (values == np.rint(values))))
    else:
        fits = bool(np.all(np.abs(values) <= np.finfo(dtype).max))
    if not fits:
        raise WrongInputError(f"`{name}`: expected numbers that {dtype} can hold, got others; scale as in the data")
    return values.astype(dtype)


def _shown(shape: tuple[int | None, ...]) -> str:
    return str(tuple("any" if side is None else side for side in shape))
