"""The names that the parts of this kind share, and what is known of boxes and of the cells that answer for them."""

from typing import cast

from params.readers import BOXES
from tasks.contracts.targets import TargetCard

CLASSES, SIDES = "classes", "sides"
"""the outputs, both logits: (batch, classes, cells), and (batch, 4 * BINS, cells) with the bins of a side together"""
BINS = 16
"""of the distribution of a side: 0, 1, ... strides between the middle of a cell and that side of its box"""
LEFT, UP, RIGHT, DOWN, CLASS, IGNORED = range(6)
"""places in a row of the column: x0, y0, x1, y1 in pixels of the prepared picture, the number of the class, 1 or 0"""

PICTURE = "picture"
"""a column where pictures are cut into tiles: a number for the picture that a sample was cut from"""

__all__ = [
    "BINS",
    "BOXES",
    "CLASS",
    "CLASSES",
    "IGNORED",
    "PICTURE",
    "SIDES",
    "grids_of",
    "is_tiled",
    "reach_of",
    "size_of",
    "strides_of",
]


def size_of(card: TargetCard) -> tuple[int, int]:
    """Returns (height, width) of a prepared picture."""
    height, width = cast(list[int], card.facts["size"])
    return height, width


def strides_of(card: TargetCard) -> tuple[int, ...]:
    """Returns how many pixels a cell of each grid is wide and high, the finest grid first."""
    return tuple(cast(list[int], card.facts["strides"]))


def grids_of(card: TargetCard) -> tuple[tuple[int, int], ...]:
    """Returns (rows, columns) of each grid; cells at the lower and right edge may reach out of the picture."""
    height, width = size_of(card)
    return tuple((-(-height // stride), -(-width // stride)) for stride in strides_of(card))


def reach_of(card: TargetCard) -> int:
    """Returns how many pixels the largest box that can be answered is wide and high."""
    return 2 * (BINS - 1) * max(strides_of(card))


def is_tiled(card: TargetCard) -> bool:
    """Says whether several samples are parts of one picture."""
    return bool(card.facts.get("tiled"))
