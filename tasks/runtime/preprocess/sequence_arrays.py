"""Sequences in numpy files: `(n, frames, features)`, or `(n, frames)` with one number per frame, perhaps with lengths.

Or all sequences behind each other, `(frames of all, features)`, with lengths that sum up to all rows.

The bytes may be hostile: nothing is unpickled, and no array is larger than its file says.
"""

import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.fields import Fields, Json
from ..bundle.session import INPUTS, LENGTHS
from ..errors import WrongInputError
from .cells import LARGEST
from .preprocessor import FoundSample, ModelInputs
from .sequences import NO_FRAMES, FoundSequence, each_of, of_records, schema_of, whole

KIND = "sequence_arrays"
NPY, NPZ = "application/x-npy", "application/x-npz"
MAGIC, ARCHIVE = b"\x93NUMPY", b"PK"
MOST_BYTES = 2**33
"""of one array in an archive"""
_READ_HEADER = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
Array = NDArray[Any]


class BadArrayError(ValueError):
    """An array that cannot be used; `name` says which, `told` what was expected and got."""

    def __init__(self, name: str, expected: str, got: str, do: str) -> None:
        self.name, self.expected, self.got, self.do = name, expected, got, do
        super().__init__(f"`{name}`: expected {expected}, got {got}; {do}")


@dataclass(frozen=True)
class SequenceArraysPreprocessor:
    """Makes sequences of the arrays that a model knows; others, such as labels, are passed over."""

    features: int
    inputs: tuple[str, ...]
    """names of the array with the values, of which the first that is there is taken; else it is `inputs`"""
    lengths: tuple[str, ...]
    """for each of `inputs` the name of the array with the lengths; empty where all frames count"""
    media_types: tuple[str, ...] = (NPY, NPZ)

    def facts(self) -> dict[str, Any]:
        """Returns what `load` makes this of, as `preprocessing` of a manifest."""
        return {"kind": KIND, "features": self.features, "inputs": [*self.inputs], "lengths": [*self.lengths]}

    def from_file(self, content: bytes) -> ModelInputs:
        """Returns the sequences of an `.npz`, or of an `.npy` with the values alone.

        Raises:
            WrongInputError: it is no such file, or an array is wrong.
        """
        return whole(self._readable(content))

    def each(self, content: bytes) -> Iterator[FoundSample]:
        """Yields them one by one, those that are wrong among them; raises as `from_file` where none can be read."""
        return each_of(self._readable(content))

    def _readable(self, content: bytes) -> Iterator[FoundSequence]:
        try:
            return self._found(content)
        except BadArrayError as error:
            raise WrongInputError(str(error)) from None

    def from_records(self, records: Sequence[Mapping[str, Json]]) -> ModelInputs:
        """Returns sequences given as objects with `inputs`, frame by frame.

        Raises:
            WrongInputError: there are none, or a field is missing or wrong.
        """
        return of_records(records, self.features)

    def schema(self) -> dict[str, Any]:
        """Returns the JSON schema of a record."""
        return schema_of(self.features)

    def _found(self, content: bytes) -> Iterator[FoundSequence]:
        if content.startswith(MAGIC):
            values, _ = laid_out(array_of(content, self.inputs[0]), None, (self.inputs[0], ""))
            return self._checked(values, None, self.inputs[0])
        with archive(content, "inputs") as opened:
            names = array_names(opened)
            pairs = [*zip(self.inputs, self.lengths, strict=True), (INPUTS, LENGTHS if LENGTHS in names else "")]
            inputs, lengths = next((pair for pair in pairs if pair[0] in names), pairs[0])
            counts = member_of(opened, lengths) if lengths else None
            values, counts = laid_out(member_of(opened, inputs), counts, (inputs, lengths))
            return self._checked(values, counts, inputs)

    def _checked(self, values: Sequence[Array], lengths: Array | None, name: str) -> Iterator[FoundSequence]:
        features = values[0].shape[1]
        if features != self.features:
            do = "give what the model was trained on"
            raise BadArrayError(name, f"{self.features} features per frame", f"{features}", do)
        return sequences(values, lengths, name)


def load(fields: Fields) -> SequenceArraysPreprocessor:
    """Returns the preprocessor that a manifest describes.

    Raises:
        ManifestError: a field is missing, unknown or wrong.
    """
    features, inputs, lengths = fields.integer("features"), fields.texts("inputs"), fields.texts("lengths")
    if not inputs or features < 1 or len(lengths) != len(inputs):
        raise fields.wrong("lengths", "a text for each of `inputs`", [*lengths])
    return SequenceArraysPreprocessor(features, inputs, lengths)


def laid_out(values: Array, lengths: Array | None, names: tuple[str, str]) -> tuple[Sequence[Array], Array | None]:
    """Returns n arrays (frames, features) of numbers, and how many frames of each count; None where all do.

    Args:
        values: as they are in the file.
        lengths: as well; None where there are none.
        names: what both are called.

    Raises:
        BadArrayError: an array has another form, is empty, or does not go with the other.
    """
    if lengths is not None and values.ndim == 2 and lengths.shape != (len(values),) and lengths.ndim == 1:
        whole = lengths_of(lengths, len(lengths), names[1])
        if len(whole) and (whole >= 1).all() and whole.sum() == len(values):
            ends = np.cumsum(whole).astype(np.int64)
            return np.split(_numbers(values, names[0]), ends[:-1]), None
    found = three_axes(values, names[0])
    return [*found], None if lengths is None else lengths_of(lengths, len(found), names[1])


def sequences(values: Sequence[Array], lengths: Array | None, name: str) -> Iterator[FoundSequence]:
    """Yields each sequence (frames, features) of n arrays of that form, without its padding."""
    for place, frames in enumerate(values):
        called, length = f"{name}[{place:07d}]", len(frames) if lengths is None else int(lengths[place])
        rows = range(place, place + 1)
        if not 0 < length <= len(frames):
            problem = f"expected a length of 1 to {len(frames)}, got {length}"
            yield FoundSequence(called, rows, problem=problem)
            continue
        problem = _problem(frames[:length])
        yield FoundSequence(called, rows, NO_FRAMES if problem else frames[:length].astype(np.float32), problem)


def three_axes(values: Array, name: str) -> Array:
    """Returns (n, frames, features) of numbers; of (n, frames), each number is a frame.

    Raises:
        BadArrayError: it has another form, or is empty.
    """
    if _numbers(values, name).ndim not in (2, 3) or 0 in values.shape:
        expected = "an array (n, frames, features), or (n, frames)"
        raise BadArrayError(name, expected, f"one of shape {values.shape}", "reshape it")
    return values[:, :, None] if values.ndim == 2 else values


def _numbers(values: Array, name: str) -> Array:
    if values.dtype.kind not in "biuf":
        raise BadArrayError(name, "an array of numbers", f"{values.dtype}", "convert it")
    return values


def lengths_of(values: Array, samples: int, name: str) -> Array:
    """Returns a length for each sequence.

    Raises:
        BadArrayError: they are no whole numbers, or not one for each.
    """
    if values.shape != (samples,):
        raise BadArrayError(name, f"{samples} lengths", f"an array of shape {values.shape}", "give one per sequence")
    if values.dtype.kind not in "iuf" or not bool(np.all(values == np.rint(values))):
        raise BadArrayError(name, "whole numbers", f"{values.dtype} with others", "give numbers of frames")
    return values


def archive(content: bytes, name: str) -> zipfile.ZipFile:
    """Opens an `.npz`.

    Raises:
        BadArrayError: it is none.
    """
    try:
        return zipfile.ZipFile(io.BytesIO(content))
    except Exception as error:  # a hostile archive raises what it likes
        raise BadArrayError(name, "an .npz or .npy", f"another file ({error})", "write it with numpy.savez") from None


def array_names(opened: zipfile.ZipFile) -> list[str]:
    """Returns the names of the arrays in an `.npz`."""
    return [name.removesuffix(".npy") for name in opened.namelist() if name.endswith(".npy")]


def member_of(opened: zipfile.ZipFile, name: str) -> Array:
    """Returns an array of an `.npz`.

    Raises:
        BadArrayError: it is not there, is damaged, too large, or holds objects.
    """
    if name not in array_names(opened):
        known = ", ".join(f"`{one}`" for one in array_names(opened)[:20]) or "no array"
        raise BadArrayError(name, f"one of the arrays {known}", "no such array", "correct the name")
    if opened.getinfo(f"{name}.npy").file_size > MOST_BYTES:
        raise BadArrayError(name, f"at most {MOST_BYTES:,} bytes", "more", "split the file")
    try:
        content = opened.read(f"{name}.npy")
    except Exception as error:  # that of zlib, lzma, zipfile or the file system
        raise BadArrayError(name, "a whole array", f"{error or type(error).__name__}", "write the file again") from None
    return array_of(content, name)


def array_of(content: bytes, name: str) -> Array:
    """Returns the array of an `.npy`; nothing is unpickled.

    Raises:
        BadArrayError: it is damaged, cut, or holds objects.
    """
    stream = io.BytesIO(content)
    try:
        shape, by_column, dtype = _READ_HEADER[np.lib.format.read_magic(stream)](stream)
        if dtype.hasobject:
            do = "pad the sequences to one length and save numbers, and their lengths beside them"
            raise BadArrayError(name, "numbers or texts", "objects, which only unpickling could read", do)
        values = np.ndarray(shape, dtype, content, stream.tell(), order="F" if by_column else "C")
    except BadArrayError:
        raise
    except Exception as error:  # NumPy evaluates the header as Python: a hostile one raises what it likes
        got = str(error)[:200] or type(error).__name__
        raise BadArrayError(name, "a whole .npy", got, "write it again with numpy.save") from None
    return values


def _problem(frames: Array) -> str:
    """Returns how many values are no numbers that the model can take; empty where all are."""
    with np.errstate(invalid="ignore"):
        bad = int(frames.size - (np.abs(frames.astype(np.float64)) <= LARGEST).sum())
    return f"expected finite numbers, got {bad} of {frames.size} that are NaN or infinite" if bad else ""
