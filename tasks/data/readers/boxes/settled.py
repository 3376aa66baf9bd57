"""From boxes as somebody drew them to boxes inside of their pictures: what is clipped and dropped is counted and named.

Coordinates are rounded to a sixteenth of a pixel, so that equal annotations are equal whether a format writes them as
pixels, as sizes or as parts of the picture with six digits; equal boxes come in one order.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tasks.data.readers.boxes.annotations import AnnotatedPicture, DrawnBox, some

STEPS = 16
"""of a pixel, to which coordinates are rounded"""
LEAST = 1.0
"""pixels of height and width that must be left of a box"""
NO_AREA, TURNED_OVER = "boxes without area", "boxes whose corners are in the wrong order"
OUTSIDE, SMALL, TWICE = "boxes outside of their picture", "boxes of less than a pixel", "boxes that are there twice"
"""why a box is dropped"""
Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class SettledBoxes:
    """Boxes of one picture: corners (n, 4) in its pixels, the name of the class of each, and which count nowhere."""

    corners: Doubles
    names: tuple[str, ...]
    ignored: NDArray[np.bool_]


@dataclass
class BoxFates:
    """What became of boxes, picture by picture."""

    dropped: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """reason -> the picture of each box"""
    clipped: list[str] = field(default_factory=list)
    """the picture of each clipped box"""
    resized: list[str] = field(default_factory=list)
    """pictures of another size than their annotations say; height and width may be exchanged, and 0 says nothing"""

    def settle(self, picture: AnnotatedPicture, size: tuple[int, int]) -> SettledBoxes:
        """Returns the boxes of an upright picture of (height, width), from top to bottom."""
        height, width = size
        if picture.said and all(picture.said) and sorted(picture.said) != sorted(size):
            self.resized.append(picture.id)
        unit = (width, height, width, height) if picture.relative else (1, 1, 1, 1)
        drawn = np.array([box.corners for box in picture.boxes], dtype=np.float64).reshape(-1, 4)
        rounded = np.round(drawn * unit * STEPS) / STEPS
        inside = np.clip(rounded, 0, (width, height, width, height))
        kept: dict[tuple[float | str, ...], int] = {}
        for row, box in sorted(enumerate(picture.boxes), key=lambda one: one[1].ignored):
            key = _key(inside[row], box)
            if reason := _reason(rounded[row], inside[row], size) or (TWICE if key in kept else ""):
                self.dropped[reason].append(picture.id)
                continue
            kept[key] = row
            self.clipped += [picture.id] * bool((rounded[row] != inside[row]).any())
        rows = [row for _, row in sorted(kept.items())]
        boxes = [picture.boxes[row] for row in rows]
        ignored = np.array([box.ignored for box in boxes], dtype=np.bool_)
        return SettledBoxes(inside[rows].reshape(-1, 4), tuple(box.name for box in boxes), ignored)

    def counts(self) -> dict[str, int]:
        """Returns why boxes were dropped, with a few of their pictures -> how many."""
        return {f"{reason} (in {some(where)})": len(where) for reason, where in sorted(self.dropped.items())}

    def warnings(self) -> Iterator[str]:
        """Yields in words what a person should look at."""
        if self.clipped:
            where = some(self.clipped)
            yield f"boxes that reach out of their picture are clipped to it: {len(self.clipped):,} (in {where})"
        if self.resized:
            told = f"pictures of another size than their annotations say: {len(self.resized):,} ({some(self.resized)})"
            yield f"{told}; boxes are read as pixels of the picture as it is"


def _key(corners: Doubles, box: DrawnBox) -> tuple[float | str, ...]:
    left, top, right, bottom = corners.tolist()
    return top, left, bottom, right, box.name


def _reason(rounded: Doubles, inside: Doubles, size: tuple[int, int]) -> str:
    """Returns why a box cannot stay; empty where it can."""
    (left, top, right, bottom), (height, width) = rounded.tolist(), size
    if left > right or top > bottom:
        return TURNED_OVER
    if left == right or top == bottom:
        return NO_AREA
    if right <= 0 or bottom <= 0 or left >= width or top >= height:
        return OUTSIDE
    return SMALL if (inside[2:] - inside[:2] < LEAST).any() else ""
