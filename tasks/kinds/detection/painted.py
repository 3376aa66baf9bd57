"""Boxes that a teacher has found, drawn into the cells of this kind: soft labels of a detector with other cells.

Each box goes to one grid, by its size as in FCOS (Tian et al. 2019, arXiv:1904.01355, section 3.2): the finest where
none of its sides is further than eight cells from its middle. It is told by the cells around that (1.5 of them to each
side), by each the less the further it is off ("centre-ness", ibid., equation 3), with each side as the two bins next to
it. What such cells are decoded to is the box itself, with the score that it has.
"""

from math import log

import numpy as np
from numpy.typing import NDArray

from tasks.contracts.targets import TargetCard
from tasks.kinds.detection.decode import BINS, CANDIDATES, Cells, Floats, cells_of, suppressed
from tasks.kinds.detection.names import size_of

LEAST = 0.01
"""score from which on a box is drawn"""
NEVER = log(1e-3 / (1 - 1e-3))
"""logit of what no box says"""
SURE = 1 - 1e-3
FURTHEST, AROUND = 8, 1.5
"""cells from the middle of a box to its sides, and to the cells that tell it"""
UNLIKELY = -12.0
"""logit of a bin that is not next to a side"""
NEAR_END = 0.01
"""bins before the last one, up to which a side is a mean of two"""


def painted(boxes: Floats, scores: Floats, card: TargetCard) -> tuple[Floats, Floats]:
    """Returns the logits of classes (classes, cells) and of sides (4 * BINS, cells) of one picture.

    Args:
        boxes: (n, 4) x0, y0, x1, y1 in pixels of the prepared picture.
        scores: (n, classes) 0..1.
        card: of the data.
    """
    cells, strides = cells_of(card.facts), np.array(card.facts["strides"], dtype=np.float32)
    classes = np.full((len(card.names), len(cells.stride)), NEVER, dtype=np.float32)
    sides = np.zeros((4, BINS, len(cells.stride)), dtype=np.float32)
    boxes, scores = _best(boxes, scores, card)
    for box, told in zip(boxes[::-1], scores[::-1], strict=True):  # where two want a cell, the better one has it
        half = float((box[2:] - box[:2]).max()) / 2
        fits = np.flatnonzero(half <= FURTHEST * strides)
        taken, part = _around(box, cells, float(strides[fits[0] if len(fits) else -1]))
        likely = np.clip(told[:, None] * part, 1 - SURE, SURE)
        classes[:, taken] = np.log(likely / (1 - likely))
        sides[:, :, taken] = _bins(box, cells, taken)
    return classes, sides.reshape(4 * BINS, -1)


def _best(boxes: Floats, scores: Floats, card: TargetCard) -> tuple[Floats, Floats]:
    """Returns boxes inside the picture, the best first, without those over a better one of their class."""
    height, width = size_of(card)
    boxes = np.clip(boxes, 0, np.array([width, height, width, height], dtype=np.float32))
    highest = scores.max(axis=1, initial=0)
    there = np.flatnonzero((highest >= LEAST) & np.all(boxes[:, 2:] - boxes[:, :2] >= 1, axis=1))
    there = there[np.argsort(-highest[there], kind="stable")][:CANDIDATES]
    overlap, most = card.facts["overlap"], card.facts["most"]
    assert isinstance(overlap, float)
    assert isinstance(most, int)
    stays = there[suppressed(boxes[there], scores[there].argmax(axis=1), overlap)][:most]
    return boxes[stays], scores[stays]


def _around(box: Floats, cells: Cells, stride: float) -> tuple[NDArray[np.int64], Floats]:
    """Returns the cells of a grid that tell a box, and how much of its score each says; the nearest says all of it."""
    of_grid = np.flatnonzero(cells.stride == stride)
    middles = cells.middle[of_grid]
    away = np.abs(middles - (box[:2] + box[2:]) / 2).max(axis=1)
    inside = np.all((middles > box[:2]) & (middles < box[2:]), axis=1)
    near = np.flatnonzero(inside & (away <= AROUND * stride))
    if not len(near):
        near = away.argmin(keepdims=True)
    low, high = middles[near] - box[:2], box[2:] - middles[near]
    parts = np.clip(np.minimum(low, high) / np.maximum(np.maximum(low, high), 1e-6), 1e-3, 1).prod(axis=1) ** 0.5
    return of_grid[near], (parts / parts.max()).astype(np.float32)


def _bins(box: Floats, cells: Cells, taken: NDArray[np.int64]) -> Floats:
    """Returns logits (4, BINS, cells) of the two bins next to each side, whose mean is the side."""
    middle, stride = cells.middle[taken], cells.stride[taken, None]
    away = np.concatenate([middle - box[:2], box[2:] - middle], axis=1) / stride
    away = np.clip(away, 0, BINS - 1 - NEAR_END).T[:, None]
    likely = np.maximum(1 - np.abs(np.arange(BINS, dtype=np.float32)[None, :, None] - away), 0)
    logits: Floats = np.log(np.maximum(likely, np.exp(UNLIKELY))).astype(np.float32)
    return logits
