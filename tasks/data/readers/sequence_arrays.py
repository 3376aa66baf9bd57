"""Sequences in numpy files: an `.npz`, or `.npy` files in a folder."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import isnan
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from params.readers import LABEL, SequenceArrays, SequenceArraysReader
from params.section import Part
from tasks.core.errors import DataError, mismatch
from tasks.data.readers.raw import open_raw, raw_names
from tasks.data.readers.samples import Reading, Sample
from tasks.runtime.preprocess.sequence_arrays import (
    BadArrayError,
    SequenceArraysPreprocessor,
    archive,
    array_of,
    laid_out,
    member_of,
    sequences,
)

PARTS: tuple[Part, ...] = ("test", "validation", "train")
NPY, NPZ = ".npy", ".npz"
Array = NDArray[Any]


@dataclass(frozen=True)
class _PartArrays:
    """The arrays of one part of a split, or of all samples."""

    name: str
    part: Part | None
    values: Sequence[Array]
    lengths: Array | None
    labels: list[str]


def read(reader: SequenceArraysReader, raw: Path) -> Reading:
    """Reads the arrays that the recipe names; nothing is unpickled.

    Raises:
        DataError: an array is missing, has another form, or does not go with the others.
    """
    given: list[tuple[Part | None, SequenceArrays]] = [(None, reader.arrays)] if reader.arrays else []
    given += [(part, found) for part in PARTS if (found := getattr(reader, part))]
    try:
        parts = [_opened(raw, part, names) for part, names in given]
    except BadArrayError as error:
        raise DataError(mismatch("data.reader", error.name, error.expected, error.got, error.do)) from None
    features = {one.name: one.values[0].shape[1] for one in parts}
    if len({*features.values()}) > 1:
        got = ", ".join(f"`{name}` {count}" for name, count in features.items())
        raise DataError(mismatch("data.reader", "inputs", "equally many features in all parts", got, "correct one"))
    preprocessor = SequenceArraysPreprocessor(
        features[parts[0].name],
        tuple(_array_name(names.inputs) for _, names in given),
        tuple(_array_name(names.lengths or "") for _, names in given),
    )
    return Reading("sequence", partial(_samples, parts), preprocessing=preprocessor.facts())


def _samples(parts: list[_PartArrays]) -> Iterator[Sample]:
    for one in parts:
        for label, found in zip(one.labels, sequences(one.values, one.lengths, one.name), strict=True):
            yield Sample(found.name, {LABEL: label}, found.frames, one.part, found.problem)


def _opened(raw: Path, part: Part | None, names: SequenceArrays) -> _PartArrays:
    lengths = _array(raw, names.lengths) if names.lengths else None
    values, lengths = laid_out(_array(raw, names.inputs), lengths, (names.inputs, names.lengths or ""))
    labels = labels_of(_array(raw, names.labels), len(values), names)
    return _PartArrays(names.inputs, part, values, lengths, labels)


def _array(raw: Path, reference: str) -> Array:
    """Returns the array that a recipe names: `NAME`, `FILE.npz:NAME` or `NAME.npy`."""
    file, _, name = reference.rpartition(":")
    if reference.endswith(NPY):
        return array_of(_content(raw, reference), reference)
    with archive(_content(raw, file or _only_archive(raw, reference)), reference) as opened:
        return member_of(opened, name)


def _content(raw: Path, name: str) -> bytes:
    with open_raw(raw, name, "arrays") as stream:
        return stream.read()


def _only_archive(raw: Path, reference: str) -> str:
    names = [name for name in raw_names(raw) if name.endswith(NPZ)]
    if len(names) != 1:
        do = f"say `FILE.npz:{reference}`, or `{reference}.npy` for a file of its own"
        raise BadArrayError(reference, "one .npz", f"{names or raw_names(raw)}", do)
    return names[0]


def _array_name(reference: str) -> str:
    """Returns what an array is called inside its `.npz`."""
    return reference.rpartition(":")[2].removesuffix(NPY)


def labels_of(values: Array, samples: int, names: SequenceArrays) -> list[str]:
    """Returns the labels as texts.

    Raises:
        BadArrayError: they are not one for each sequence, or neither numbers nor texts.
    """
    if values.shape not in ((samples,), (samples, 1)):
        expected = f"{samples} labels, one for each sequence in `{names.inputs}`"
        raise BadArrayError(names.labels, expected, f"an array of shape {values.shape}", "give one per sequence")
    if values.dtype.kind not in "biufUS":
        raise BadArrayError(names.labels, "numbers or texts", f"{values.dtype}", "convert them")
    return [_text(value, names.labels) for value in values.reshape(-1).tolist()]


def _text(value: Any, name: str) -> str:
    """Returns a label as text: whole numbers without `.0`, nothing for NaN."""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise BadArrayError(name, "texts in UTF-8", f"{value!r}", "save them as str") from None
    if isinstance(value, float):
        return "" if isnan(value) else str(int(value)) if value.is_integer() else repr(value)
    return str(value)
