"""What makes a model's inputs of raw input: found by the `kind` of the manifest's `preprocessing`.

A module `preprocess/KIND.py` per kind of raw input, with a `load`. Training reads its samples through the same code, so
a device cannot compute other inputs than those that the model was trained on.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol

from numpy.typing import NDArray

from ..bundle.fields import Fields, Json
from ..bundle.manifest import MANIFEST, Manifest
from ..bundle.session import Arrays
from ..errors import ManifestError, WrongInputError
from .frames.frame import Frame

_KIND = re.compile(r"[a-z][a-z0-9_]{0,49}")
ARRAYS: Mapping[str, Any] = {"kind": "arrays"}
"""of a model that takes arrays alone: what raw samples look like is not known"""


@dataclass(frozen=True)
class ModelInputs:
    """Named inputs of a batch, and what a person should know of each sample; no notes at all where there are none."""

    arrays: Arrays
    notes: Sequence[Sequence[str]] = field(default_factory=list)
    """such as a category that training did not have"""
    frames: Sequence[Frame] = ()
    """where each sample lies in the picture that it was made of; none where samples are made of no pictures"""

    @property
    def first(self) -> int:
        """How many samples the first file or record is, which is 1 unless it is cut into several."""
        return sum(frame.of == self.frames[0].of for frame in self.frames) or 1


@dataclass(frozen=True)
class FoundSample:
    """One sample of a file: what it is called there, its values without padding, or what is wrong, and notes on it."""

    name: str
    values: NDArray[Any]
    problem: str = ""
    notes: Sequence[str] = ()


class Preprocessor(Protocol):
    """Makes inputs of raw samples; built by `load` of its module from `preprocessing` of the manifest."""

    @property
    def media_types(self) -> tuple[str, ...]:
        """Of the files that `from_file` reads, such as `text/csv`."""

    def from_file(self, content: bytes) -> ModelInputs:
        """Returns the samples in a file.

        Raises:
            WrongInputError: they cannot be read.
        """

    def each(self, content: bytes) -> Iterator[FoundSample]:
        """Yields the samples in a file, those that are wrong among them.

        Raises:
            WrongInputError: nothing of it can be read.
        """

    def from_records(self, records: Sequence[Mapping[str, Json]]) -> ModelInputs:
        """Returns samples given as JSON objects.

        Raises:
            WrongInputError: a field is missing or wrong.
        """

    def schema(self) -> dict[str, Any] | None:
        """Returns the JSON schema of a record; None where records are not taken."""


class ArraysOnly:
    """Of a model whose raw input is not known: every sample is an array as the model takes it."""

    media_types: tuple[str, ...] = ()

    def from_file(self, content: bytes) -> ModelInputs:  # noqa: ARG002 - of the protocol
        """Refuses."""
        raise WrongInputError("`inputs`: expected .npy, .npz, JSON or CSV, got another file; write one of them")

    def each(self, content: bytes) -> Iterator[FoundSample]:
        """Refuses."""
        self.from_file(content)
        yield from ()

    def from_records(self, records: Sequence[Mapping[str, Json]]) -> ModelInputs:  # noqa: ARG002 - of the protocol
        """Refuses."""
        raise WrongInputError("`inputs`: expected arrays, got records; this model knows no names of columns")

    def schema(self) -> dict[str, Any] | None:
        """Returns None: there are no records."""
        return None


def preprocessor_of(manifest: Manifest) -> Preprocessor:
    """Returns what reads raw input for a model.

    Raises:
        ManifestError: this runtime does not know the kind of raw input, or a field is missing, unknown or wrong.
    """
    return preprocessor_from(manifest.preprocessing)


def preprocessor_from(facts: Mapping[str, Any]) -> Preprocessor:
    """Returns what reads raw input as `preprocessing` of a manifest says; raises as `preprocessor_of`."""
    fields = Fields(dict(facts), "preprocessing")
    kind = fields.text("kind")
    if kind == ARRAYS["kind"]:
        return ArraysOnly()
    name = f"{__package__}.{kind}"
    if not _KIND.fullmatch(kind) or find_spec(name) is None or not hasattr(module := import_module(name), "load"):
        raise ManifestError(
            f"`{MANIFEST}`: `preprocessing.kind`: expected one that this runtime knows, got {kind}; update the runtime"
        )
    preprocessor: Preprocessor = module.load(fields)
    fields.finish()
    return preprocessor
