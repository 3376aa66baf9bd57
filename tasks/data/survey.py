"""The first pass over all samples: what is kept of each is its name, label, length and digest, never its values."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from params.pipeline import Recipe
from tasks.data.samples import Part, Reading, Sample, Values
from tasks.errors import DataError, mismatch
from tasks.records import InputSpec

DTYPES = {"image": "uint8", "sequence": "float32", "vector": "float32"}
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Entry:
    """One sample without its values."""

    id: str
    label: str
    content: bytes
    """digest of shape and values"""
    frames: int
    part: Part | None
    heads: tuple[str, ...] = ()
    slices: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """What is kept beside the label, in the order of `columns_kept` of the reader."""
        return (*self.heads, *self.slices)


@dataclass
class Survey:
    """All samples, sorted by id so that the order of reading does not matter, and what one of them looks like."""

    entries: list[Entry] = field(default_factory=list)
    shape: tuple[int, ...] = ()
    """of a sample; of one frame for sequences"""

    def spec(self, reading: Reading) -> InputSpec:
        """Returns what a prepared sample looks like; sequences are as long as the longest."""
        longest = max(entry.frames for entry in self.entries)
        shape = (longest, *self.shape) if reading.layout == "sequence" else self.shape
        dtype = "uint8" if reading.layout == "image" else "float32"
        return InputSpec(layout=reading.layout, dtype=dtype, shape=shape)


def survey(recipe: Recipe, reading: Reading) -> Survey:
    """Reads every sample once and checks it.

    Raises:
        DataError: with the first few samples that cannot be read, differ in shape, or hold NaN or infinity; or there
            are none at all.
    """
    result = Survey()
    problems: list[str] = []
    for sample in reading.samples():
        problem = sample.problem or _problem(sample, reading, result)
        if problem:
            problems.append(f"`{sample.id}`: {problem}")
            continue
        frames = len(sample.values) if reading.layout == "sequence" else 1
        content = _digest(sample.values)
        entry = Entry(sample.id, sample.label, content, frames, sample.part, sample.heads, sample.slices)
        result.entries.append(entry)
    if problems:
        raise DataError(_told(recipe, problems))
    if not result.entries:
        raise DataError(mismatch(f"data of {recipe.name}", "", "samples", "none", "is `data.source` the right one?"))
    result.entries.sort(key=lambda entry: entry.id)
    return result


def _problem(sample: Sample, reading: Reading, known: Survey) -> str:
    """Returns what is wrong with the values of a sample; the first one decides which shape the others must have."""
    values = sample.values
    if values.dtype != DTYPES[reading.layout]:
        return f"expected {DTYPES[reading.layout]} values, got {values.dtype}"
    shape = values.shape[1:] if reading.layout == "sequence" else values.shape
    known.shape = known.shape or shape
    if shape != known.shape or values.size == 0:
        return f"expected shape {known.shape} like the first sample, got {shape}"
    bad = 0 if values.dtype == np.uint8 else int(values.size - np.isfinite(values).sum())
    return f"expected finite numbers, got {bad} of {values.size} that are NaN or infinite" if bad else ""


def _digest(values: Values) -> bytes:
    content = hashlib.sha256(repr(values.shape).encode())
    content.update(np.ascontiguousarray(values).data)
    return content.digest()[:16]


def _told(recipe: Recipe, problems: list[str]) -> str:
    """Words a few problems in full and counts the others."""
    return "\n".join(_lines(recipe, problems))


def _lines(recipe: Recipe, problems: list[str]) -> Iterator[str]:
    yield f"data of `{recipe.name}`: expected only samples that can be used, got {len(problems)} that cannot:"
    yield from (f"  {problem}" for problem in problems[:SHOWN])
    if len(problems) > SHOWN:
        yield f"  and {len(problems) - SHOWN} more"
    yield "mend or remove them in the source, then run again"
