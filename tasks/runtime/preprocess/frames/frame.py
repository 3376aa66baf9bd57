"""A sample as a place in its picture: what is found in one is told in pixels of the other."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.floating]
"""(n, 4) left, top, right, bottom"""


@dataclass(frozen=True)
class Frame:
    """The part of an upright picture that became one sample.

    Attributes:
        picture: (height, width) of the whole picture.
        corner: (top, left) of the part.
        size: (height, width) of the part, which may reach out of the picture.
        scale: (rows, columns) of the sample for a pixel of the picture.
        of: the number of the picture, where there are several.
    """

    picture: tuple[int, int]
    corner: tuple[int, int]
    size: tuple[int, int]
    scale: tuple[float, float]
    of: int = 0

    def inside(self, boxes: Boxes) -> Boxes:
        """Returns boxes in pixels of the picture as boxes in pixels of the sample."""
        return (boxes - self._moved) * self._scaled

    def outside(self, boxes: Boxes) -> Boxes:
        """Returns boxes in pixels of the sample as boxes in pixels of the picture, clipped to it."""
        height, width = self.picture
        return np.clip(boxes / self._scaled + self._moved, 0, (width, height, width, height))

    @property
    def area(self) -> Boxes:
        """(4,) the part as a box in the picture."""
        (top, left), (height, width) = self.corner, self.size
        return np.array([left, top, left + width, top + height], dtype=np.float64)

    @property
    def edges(self) -> Boxes:
        """(4,) the edges of the part in the picture; infinite where the picture ends there, too."""
        height, width = self.picture
        ends = np.array([self.area[:2] <= 0, self.area[2:] >= (width, height)]).ravel()
        return np.where(ends, (-np.inf, -np.inf, np.inf, np.inf), self.area)

    @property
    def _moved(self) -> Boxes:
        top, left = self.corner
        return np.array([left, top, left, top], dtype=np.float64)

    @property
    def _scaled(self) -> Boxes:
        rows, columns = self.scale
        return np.array([columns, rows, columns, rows], dtype=np.float64)


def numbered(files: Sequence[Sequence[Frame]]) -> tuple[Frame, ...]:
    """Returns the frames of the pictures of several files, the pictures numbered one behind the other."""
    found: list[Frame] = []
    for frames in files:
        first = found[-1].of + 1 if found else 0
        found += [replace(frame, of=first + frame.of) for frame in frames]
    return tuple(found)
