"""Boxes that follow their pictures, and what is still seen of them."""

import numpy as np
from numpy.typing import NDArray

from tasks.kinds.detection.names import IGNORED

VISIBLE = 0.3
"""a box of which a smaller part than this is left in the picture counts as ignored: too little is seen to tell"""
LEAST = 1.0
"""pixels that are left of a box along both axes, or it is dropped"""
Boxes = NDArray[np.float32]
"""(n, 6) rows of the column"""
Places = NDArray[np.int64]


def moved(boxes: Boxes, of: Places, matrices: NDArray[np.float64], size: tuple[int, int]) -> tuple[Boxes, Places]:
    """Returns boxes moved by affine maps of places (row, column), and which of those that were given they are.

    Args:
        boxes: (n, 6).
        of: (n,) number of the picture of each box.
        matrices: (pictures, 2, 3); they turn by quarters of a circle at most, so boxes stay upright.
        size: (height, width) of the pictures, by which boxes are cut.

    Boxes of which less than `VISIBLE` of their area is left are ignored, those below `LEAST` pixels dropped.
    """
    corners = boxes[:, :4].astype(np.float64).reshape(-1, 2, 2)[:, :, ::-1]  # as (row, column)
    maps = matrices[of]
    places = np.einsum("nij,ncj->nci", maps[:, :, :2], corners) + maps[:, None, :, 2]
    whole = np.concatenate([places.min(axis=1), places.max(axis=1)], axis=1)
    cut = np.clip(whole, 0, np.tile(np.array(size, dtype=np.float64), 2))
    area, left = (np.prod(one[:, 2:] - one[:, :2], axis=1) for one in (whole, cut))
    stays = np.flatnonzero(np.all(cut[:, 2:] - cut[:, :2] >= LEAST, axis=1))
    result = boxes[stays]
    result[:, :4] = cut[stays][:, [1, 0, 3, 2]]
    result[left[stays] < VISIBLE * area[stays], IGNORED] = 1
    return result, stays
