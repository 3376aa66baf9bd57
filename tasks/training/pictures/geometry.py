"""Where the steps of augmentation move the places of a picture, so that what lies on it can follow.

A place is (row, column) in pixels from the upper left corner. The numbers are drawn as the step itself draws them.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from params.training import Crop, Flip, Shift

Doubles = NDArray[np.float64]
Size = tuple[int, int]


class Uniform(Protocol):
    """Random numbers of n samples."""

    def uniform(self, count: int) -> Doubles:
        """Returns (n, count) numbers in 0..1."""


def _still(samples: int) -> Doubles:
    """Returns maps (n, 2, 3) that move nothing."""
    return np.tile(np.eye(2, 3), (samples, 1, 1))


def _then(first: Doubles, second: Doubles) -> Doubles:
    """Returns one map (n, 2, 3) for two, one after the other."""
    turned = second[:, :, :2] @ first
    turned[:, :, 2] += second[:, :, 2]
    return turned


def moves_of(kind: str, step: Any, draws: Uniform, size: Size) -> Doubles | None:
    """Returns the map (n, 2, 3) of one step for each sample; None of a step that changes values alone."""
    return MOVES[kind](step, draws, size) if kind in MOVES else None


def _flip(step: Flip, draws: Uniform, size: Size) -> Doubles:
    mirrored = draws.uniform(2) < 0.5
    maps = _still(len(mirrored))
    for axis, asked, chosen in ((0, step.vertical, mirrored[:, 1]), (1, step.horizontal, mirrored[:, 0])):
        if asked:
            maps[chosen, axis, axis], maps[chosen, axis, 2] = -1, size[axis]
    return maps


def _dihedral(_step: object, draws: Uniform, size: Size) -> Doubles:
    side = size[0]
    which = (draws.uniform(1)[:, 0] * 8).astype(np.int64)
    # A quarter to the left, as `numpy.rot90` turns: columns become rows, counted from the other end.
    quarter, mirror = np.array([[[0, -1, side], [1, 0, 0]]]), np.array([[[1, 0, 0], [0, -1, side]]])
    maps = np.empty((len(which), 2, 3))
    for symmetry in range(8):
        one = _still(1)
        for _ in range(symmetry % 4):
            one = _then(one, quarter.astype(np.float64))
        maps[which == symmetry] = _then(one, mirror.astype(np.float64)) if symmetry >= 4 else one
    return maps


def _shift(step: Shift, draws: Uniform, _size: Size) -> Doubles:
    places = (draws.uniform(2) * (2 * step.pixels + 1)).astype(np.int64)
    maps = _still(len(places))
    maps[:, :, 2] = step.pixels - places
    return maps


def _crop(step: Crop, draws: Uniform, size: Size) -> Doubles:
    scale, *places = draws.uniform(3).T
    scale = step.smallest + (1 - step.smallest) * scale
    maps = _still(len(scale))
    for axis, place in enumerate(places):
        maps[:, axis, axis] = 1 / scale
        maps[:, axis, 2] = -place * (1 - scale) * size[axis] / scale
    return maps


MOVES: Mapping[str, Callable[[Any, Uniform, Size], Doubles]] = {
    "flip": _flip,
    "dihedral": _dihedral,
    "shift": _shift,
    "crop": _crop,
}
