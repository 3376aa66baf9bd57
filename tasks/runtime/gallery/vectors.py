"""The vectors of a gallery, and how a sample's vector is compared with them.

A name has one vector for each sample that it was enrolled with. Its score is the largest cosine similarity with one of
them: each comparison is one of two samples, which is what the threshold of a release was found for. A mean would be
nearer to nobody where the samples differ.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class EnrolledName:
    """A name."""

    name: str
    enrolled: str
    """ISO 8601, by the device's clock"""
    vectors: Vectors
    """(samples, size), each of length 1"""


@dataclass(frozen=True)
class Nearest:
    """The enrolled name that a vector is most like."""

    name: str
    score: float
    """cosine similarity"""


@dataclass(frozen=True, eq=False)
class DeviceGallery:
    """All names that were enrolled in one space; never changed, but made anew."""

    space: str
    """which model made the vectors: see `space_of`"""
    size: int
    """numbers of a vector"""
    names: Mapping[str, EnrolledName]

    def having(self, name: EnrolledName) -> "DeviceGallery":
        """Returns a gallery with this name, in place of one that is called so."""
        return DeviceGallery(self.space, self.size, {**self.names, name.name: name})

    def without(self, name: str) -> "DeviceGallery":
        """Returns a gallery without a name."""
        return DeviceGallery(self.space, self.size, {key: one for key, one in self.names.items() if key != name})

    def nearest(self, vectors: Vectors) -> Iterator[Nearest | None]:
        """Yields for each vector (samples, size) the nearest name; None where nobody is enrolled."""
        if not self.names:
            yield from [None] * len(vectors)
            return
        # One product for all names: a loop over a thousand of them takes longer than a small network.
        scores = np.maximum.reduceat(vectors @ self._matrix.T, self._starts, axis=1)
        names = [*self.names]
        for row, best in zip(scores, scores.argmax(axis=1).tolist(), strict=True):
            yield Nearest(names[best], similarity(row[best]))

    @cached_property
    def _matrix(self) -> Vectors:
        return np.concatenate([one.vectors for one in self.names.values()])

    @cached_property
    def _starts(self) -> NDArray[np.intp]:
        counts = [len(one.vectors) for one in self.names.values()]
        return np.cumsum([0, *counts[:-1]])


def similarity(product: np.float32) -> float:
    """Returns a product of two vectors of length 1 without what rounding leaves beyond 1."""
    return max(-1.0, min(1.0, float(product)))
