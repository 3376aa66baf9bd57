"""Reads samples from bytes: `.npy`, `.npz`, JSON, CSV, or what the model's preprocessor reads. The bytes say which.

The bytes may be hostile: a header, or a member of an archive, promises no more than there is, and nothing is unpickled.
"""

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, prod
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ..bundle.fields import Json, JsonSource, parse
from ..bundle.manifest import TensorInfo
from ..bundle.session import INPUTS, LENGTHS, Arrays
from ..errors import WrongInputError
from .frames.frame import numbered
from .preprocessor import ModelInputs, Preprocessor

RECORDS = "records"
ANY_FILE = "application/octet-stream"
"""of a model that takes any file as a sample, be it one of numbers"""
_REQUEST = re.compile(rb'\s*\{\s*"(?:inputs|records)"\s*:')
"""how a request in JSON begins"""
CSV = "text/csv"
ZIP = (b"PK\x03\x04", b"PK\x05\x06")
"""a column may be called `PK`"""
NPZ = "application/x-npz"
_READ_HEADER = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_NUMBERS = "biuf"
_JSON = JsonSource(
    "inputs", 'give {"inputs": [...]}, {"inputs": [...], "lengths": [...]} or {"records": [{...}]}', WrongInputError
)


@dataclass(frozen=True)
class SampleLimits:
    """How much may be given at once."""

    samples: float = inf
    unpacked: float = 2**31
    """bytes of an array that comes out of an archive"""

    def check(self, samples: ModelInputs) -> None:
        """Refuses too many samples.

        Raises:
            WrongInputError: they are too many.
        """
        self.check_number(len(np.atleast_1d(samples.arrays.get(INPUTS, 0))))

    def check_number(self, samples: int) -> None:
        """Refuses too many samples, as `check`."""
        if samples > self.samples:
            raise WrongInputError(
                f"`inputs`: expected at most {self.samples} samples, got {samples}; ask several times"
            )


def read_samples(
    content: bytes, takes: TensorInfo, preprocessor: Preprocessor, limits: SampleLimits | None = None
) -> ModelInputs:
    """Returns the samples in a file: arrays as the model takes them, or what its preprocessor reads.

    Args:
        content: the whole file.
        takes: what the model takes as `inputs`; numbers written as text become its dtype, arrays must have it.
        preprocessor: of the model.
        limits: of what the file may hold.

    Raises:
        WrongInputError: they cannot be read, are no numbers of that dtype, or are more than the limits allow.
    """
    limits = limits or SampleLimits()
    samples = _read(content, takes, preprocessor, limits)
    limits.check(samples)
    return samples


def _read(content: bytes, takes: TensorInfo, preprocessor: Preprocessor, limits: SampleLimits) -> ModelInputs:
    if ANY_FILE in preprocessor.media_types and not _REQUEST.match(content):
        return preprocessor.from_file(content)
    if content.startswith((b"\x93NUMPY", b"PK")) and NPZ in preprocessor.media_types:
        return preprocessor.from_file(content)
    if content.startswith(b"\x93NUMPY"):
        return ModelInputs({INPUTS: read_npy(content)})
    if content.startswith(ZIP):
        return ModelInputs(_npz(content, limits))
    table = CSV in preprocessor.media_types
    stripped = content.strip()
    if stripped[:1] in (b"{", b"[") and (not table or stripped[-1:] in (b"}", b"]")):  # a column may be called `[x]`
        return _json(content, takes, preprocessor, limits)
    if table or (preprocessor.media_types and not _is_text(content)):
        return preprocessor.from_file(content)
    if preprocessor.media_types and not stripped:
        return preprocessor.from_file(content)
    return ModelInputs(_csv(content, takes, preprocessor.media_types))


def joined(parts: Sequence[ModelInputs]) -> ModelInputs:
    """Returns the samples of several files as one batch.

    Raises:
        WrongInputError: they are arrays of different names or shapes.
    """
    if len(parts) == 1:
        return parts[0]
    try:
        arrays = {name: np.concatenate([part.arrays[name] for part in parts]) for name in parts[0].arrays}
    except (KeyError, ValueError) as error:
        raise WrongInputError(f"`inputs`: expected samples of one shape, got {error}; ask for each alone") from None
    notes = [note for part in parts for note in part.notes or [()] * len(part.arrays[INPUTS])]
    # Arrays lie in no picture: with some among them, nothing can be said of all.
    framed = all(part.frames for part in parts)
    return ModelInputs(arrays, notes, numbered([part.frames for part in parts]) if framed else ())


def read_npy(content: bytes) -> NDArray[Any]:
    """Returns the array in an `.npy`, whose header may not promise more than there is.

    Raises:
        WrongInputError: it is malformed, cut, or holds anything but numbers.
    """
    stream = io.BytesIO(content)
    try:
        shape, by_column, dtype = _READ_HEADER[np.lib.format.read_magic(stream)](stream)
        if dtype.kind not in _NUMBERS or any(side < 0 for side in shape):
            raise ValueError(f"{dtype} of shape {shape}")
        values = np.frombuffer(content, dtype, prod(shape), stream.tell()) if prod(shape) else np.empty(0, dtype)
        return values.reshape(shape, order="F" if by_column else "C")
    except Exception as error:  # NumPy evaluates the header as Python: a hostile one raises what it likes
        problem = str(error)[:200] or type(error).__name__
        raise WrongInputError(f"`inputs`: expected a whole .npy of numbers, got {problem}; write it again") from None


def array_of(values: Json, dtype: np.dtype[Any], name: str) -> NDArray[Any]:
    """Returns the array in nested lists of numbers.

    Raises:
        WrongInputError: they are ragged, or no numbers that the dtype can hold.
    """
    try:
        array = np.asarray(values)
    except ValueError:
        raise WrongInputError(f"`{name}`: expected lists of equal lengths, got others; pad the shorter ones") from None
    if array.dtype.kind not in "iuf" or bool in _types(values):
        raise WrongInputError(f"`{name}`: expected lists of numbers, got others; give numbers only")
    return _converted(array, dtype, name)


def _json(content: bytes, takes: TensorInfo, preprocessor: Preprocessor, limits: SampleLimits) -> ModelInputs:
    parsed = parse(content, _JSON)
    if isinstance(parsed, list):
        parsed = {RECORDS if parsed and isinstance(parsed[0], dict) else INPUTS: parsed}
    if isinstance(parsed, dict) and parsed.keys() == {RECORDS} and isinstance(records := parsed[RECORDS], list):
        limits.check_number(len(records))
        return preprocessor.from_records(_records(records))
    if not isinstance(parsed, dict) or INPUTS not in parsed or parsed.keys() - {INPUTS, LENGTHS}:
        raise _JSON.wrong("", "an object with `inputs` and perhaps `lengths`, or with `records`", repr(parsed)[:80])
    if isinstance(parsed[INPUTS], list):
        limits.check_number(len(parsed[INPUTS]))
    arrays = {INPUTS: array_of(parsed[INPUTS], np.dtype(takes.dtype), INPUTS)}
    if parsed.get(LENGTHS) is not None:
        arrays[LENGTHS] = array_of(parsed[LENGTHS], np.dtype(np.int64), LENGTHS)
    return ModelInputs(arrays)


def _records(records: list[Any]) -> Sequence[Mapping[str, Json]]:
    if not records or not all(isinstance(record, dict) for record in records):
        raise _JSON.wrong(RECORDS, "objects", repr(records)[:80])
    return cast(Sequence[Mapping[str, Json]], records)


def _npz(content: bytes, limits: SampleLimits) -> Arrays:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            named = {name: f"{name}.npy" for name in (INPUTS, LENGTHS)}
            there = {INPUTS, *(name for name, member in named.items() if member in archive.namelist())}
            members = {name: _member(archive, named[name], limits) for name in there}
    except WrongInputError:
        raise
    except Exception as error:  # a corrupt or encrypted archive raises what its compression likes
        raise WrongInputError(f"`inputs`: expected an .npz with `inputs`, got {error}; write it again") from None
    return {name: read_npy(member) for name, member in members.items()}


def _member(archive: zipfile.ZipFile, name: str, limits: SampleLimits) -> bytes:
    """Returns the bytes of one member; its own word for their number is not trusted."""
    most = int(limits.unpacked)
    with archive.open(name) as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        raise WrongInputError(f"`{name}`: expected at most {most} bytes, got more; give several files")
    return content


def _csv(content: bytes, takes: TensorInfo, others: Sequence[str]) -> Arrays:
    shape = tuple(side for side in takes.shape[1:] if side is not None)
    try:
        text = content.decode("utf-8-sig")
        if not text.strip():
            raise ValueError("an empty file")
        rows = np.loadtxt(io.StringIO(text), delimiter=",", comments=None, ndmin=2)
    except ValueError as error:
        forms = ", ".join([*others, ".npy", ".npz", "JSON", "or CSV with numbers only"])
        raise WrongInputError(f"`inputs`: expected {forms}, got {error}; write one of them") from None
    if len(shape) < len(takes.shape) - 1 or rows.shape[1:] != (prod(shape),):
        raise WrongInputError(
            f"`inputs`: expected rows of shape {_shown(takes.shape[1:])} laid flat, got {rows.shape[1]} columns;"
            " give JSON or .npy"
        )
    return {INPUTS: _converted(rows.reshape(-1, *shape), np.dtype(takes.dtype), INPUTS)}


def _types(values: Json) -> set[type]:
    """Returns the types in nested lists: for NumPy, `true` beside numbers is a number."""
    if not isinstance(values, list):
        return {type(values)}
    types: set[type] = set(map(type, values))
    return types.union(*map(_types, values)) if list in types else types


def _is_text(content: bytes) -> bool:
    return content.isascii() and b"\0" not in content


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
