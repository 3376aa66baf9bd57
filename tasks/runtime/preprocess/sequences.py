"""Sequences as a model takes them, padded with zeros and with their lengths; and from JSON records."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.fields import Json
from ..bundle.session import INPUTS, LENGTHS, Arrays
from ..errors import WrongInputError
from .cells import LARGEST
from .preprocessor import FoundSample, ModelInputs

Frames = NDArray[np.float32]
"""(frames, features) of one sequence"""
NO_FRAMES: Frames = np.empty((0, 0), dtype=np.float32)


@dataclass(frozen=True)
class FoundSequence:
    """A sequence of a file: what it is called, the rows that it comes from, and its frames or what is wrong."""

    name: str
    rows: range
    frames: Frames = field(default_factory=lambda: NO_FRAMES)
    problem: str = ""


def padded(sequences: Sequence[Frames]) -> Arrays:
    """Returns `inputs` (n, longest, features) float32 and `lengths` (n,) int64."""
    lengths = np.array([len(frames) for frames in sequences], dtype=np.int64)
    inputs = np.zeros((len(sequences), int(lengths.max()), sequences[0].shape[1]), dtype=np.float32)
    for row, frames in zip(inputs, sequences, strict=True):
        row[: len(frames)] = frames
    return {INPUTS: inputs, LENGTHS: lengths}


def whole(found: Iterable[FoundSequence]) -> ModelInputs:
    """Returns the sequences of a file, all of which must be right.

    Raises:
        WrongInputError: there are none, or one is wrong.
    """
    sequences = [*found]
    wrong = [one for one in sequences if one.problem]
    if wrong:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        raise WrongInputError(f"`{wrong[0].name}`: {wrong[0].problem}{more}; correct it")
    if not sequences:
        raise WrongInputError("`inputs`: expected at least one sequence, got none; give rows below the header")
    return ModelInputs(padded([one.frames for one in sequences]))


def each_of(found: Iterable[FoundSequence]) -> Iterator[FoundSample]:
    """Yields the sequences of a file, those that are wrong among them."""
    for one in found:
        yield FoundSample(one.name, one.frames, one.problem)


def of_records(records: Sequence[Mapping[str, Json]], features: int, names: Sequence[str] = ()) -> ModelInputs:
    """Returns sequences given as objects: `inputs` (frames, features), or a list of numbers for each name.

    Raises:
        WrongInputError: there are none, or a field is missing or wrong.
    """
    if not records:
        raise WrongInputError("`inputs`: expected records, got none; give at least one")
    return ModelInputs(padded([_frames(f"record {n}", one, features, names) for n, one in enumerate(records, start=1)]))


def schema_of(features: int, names: Sequence[str] = ()) -> dict[str, Any]:
    """Returns the JSON schema of a record: a list of numbers for each name, or `inputs` frame by frame.

    Where there are names, `inputs` may be given in their place; the schema names one way alone.
    """
    row = {"type": "array", "items": {"type": "number"}, "minItems": 1, "examples": [[0.0, 0.0]]}
    frame = {"type": "array", "items": {"type": "number"}, "minItems": features, "maxItems": features}
    frames = {"type": "array", "items": frame, "minItems": 1, "examples": [[[0.0] * features] * 2]}
    properties: dict[str, Any] = dict.fromkeys(names, row) or {INPUTS: frames}
    return {"type": "object", "properties": properties, "required": [*properties]}


def _frames(where: str, record: Mapping[str, Json], features: int, names: Sequence[str]) -> Frames:
    if INPUTS in record and INPUTS not in names:
        rows = _listed(where, INPUTS, record[INPUTS], "a list of frames")
        return _stacked(where, [_frame(where, place, row, features) for place, row in enumerate(rows, start=1)])
    missing = [name for name in names or (INPUTS,) if name not in record]
    if missing:
        got = ", ".join(f"`{name}`" for name in record) or "none"
        raise WrongInputError(f"`{where}`: expected {', '.join(f'`{name}`' for name in missing)}, got {got}; add them")
    columns = [[_number(where, name, value) for value in _listed(where, name, record[name])] for name in names]
    if len({len(column) for column in columns}) > 1:
        got = ", ".join(f"`{name}` {len(column)}" for name, column in zip(names, columns, strict=True))
        raise WrongInputError(f"`{where}`: expected equally many numbers of each, got {got}; give one per frame")
    return _stacked(where, [list(frame) for frame in zip(*columns, strict=True)])


def _frame(where: str, place: int, row: Json, features: int) -> list[float]:
    field = f"frame {place}"
    values = _listed(where, field, [row] if features == 1 and not isinstance(row, list) else row)
    if len(values) != features:
        raise WrongInputError(f"`{where}`: `{field}`: expected {features} numbers, got {len(values)}; correct it")
    return [_number(where, field, value) for value in values]


def _stacked(where: str, frames: list[list[float]]) -> Frames:
    if not frames:
        raise WrongInputError(f"`{where}`: expected at least one frame, got none; leave the record out")
    return np.array(frames, dtype=np.float64).astype(np.float32)


def _listed(where: str, field: str, value: Json, expected: str = "a list of numbers") -> list[Any]:
    if not isinstance(value, list):
        raise WrongInputError(f"`{where}`: `{field}`: expected {expected}, got {repr(value)[:80]}; correct it")
    return value


def _number(where: str, field: str, value: Json) -> float:
    # A whole number may be larger than any float: it is compared before it is converted.
    if isinstance(value, bool) or not isinstance(value, int | float) or not -LARGEST <= value <= LARGEST:
        raise WrongInputError(f"`{where}`: `{field}`: expected a number, got {repr(value)[:80]}; correct it")
    return float(value)
