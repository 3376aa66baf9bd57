"""Masks that follow their pictures: each new pixel takes the value that was at its middle, exactly."""

import numpy as np
from numpy.typing import NDArray

Masks = NDArray[np.uint8]
Doubles = NDArray[np.float64]


def moved(masks: Masks, matrices: Doubles, outside: int) -> Masks:
    """Returns masks (n, height, width) moved by affine maps (n, 2, 3) of places (row, column) in pixels.

    A pixel covers a square of side 1, the first one from 0 to 1. A map turns by quarters of a circle at most, as all
    steps of augmentation do: then rows and columns move apart from each other.
    """
    return np.stack([_one(mask, matrix, outside) for mask, matrix in zip(masks, matrices, strict=True)])


def _one(mask: Masks, matrix: Doubles, outside: int) -> Masks:
    if not matrix[0, 0]:  # rows become columns: the same as to move the transposed mask
        mask, matrix = mask.T, matrix[:, [1, 0, 2]]
    height, width = mask.shape
    # A quarter of a turn keeps the shape of a square alone, so rows and columns are as many as before.
    rows, columns = _sources(matrix[0, 0], matrix[0, 2], height), _sources(matrix[1, 1], matrix[1, 2], width)
    taken = mask[np.clip(rows, 0, height - 1)][:, np.clip(columns, 0, width - 1)]
    inside = ((rows >= 0) & (rows < height))[:, None] & ((columns >= 0) & (columns < width))
    return np.where(inside, taken, np.uint8(outside))


def _sources(scale: float, start: float, size: int) -> NDArray[np.int64]:
    """Returns where the middle of each new pixel was."""
    places: NDArray[np.int64] = np.floor((np.arange(size) + 0.5 - start) / scale).astype(np.int64)
    return places
