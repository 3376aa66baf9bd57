"""The best boxes that look at no picture: those that are usual at each place."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from tasks.contracts.targets import TargetCard, Targets
from tasks.kinds.contract import Arrays
from tasks.kinds.detection.decode import cells_of
from tasks.kinds.detection.names import BINS, BOXES, CLASS, CLASSES, IGNORED, SIDES

RARE = 0.01
"""boxes that count as seen in each cell before any is"""
FAR = 12.0
"""logits between neighbouring bins: the mean of the distribution is where it should be"""


def usual_boxes(trained: Iterable[Targets], card: TargetCard) -> Arrays:
    """Returns outputs (1, ...): how often the middle of a box of each class is in each cell, and the mean sides there.

    Sides are those of the mean box of all classes around the middle of the cell.
    """
    cells = cells_of(card.facts)
    counts, pictures = np.full((len(card.names), len(cells.stride)), RARE), 0
    total, boxes = np.zeros(2), 0
    for targets in trained:
        rows = np.asarray(targets[BOXES])
        rows = rows[rows[:, IGNORED] == 0].astype(np.float64)
        pictures += len(targets)
        total, boxes = total + (rows[:, 2:4] - rows[:, :2]).sum(axis=0), boxes + len(rows)
        middles = (rows[:, :2] + rows[:, 2:4]) / 2
        # Of the finest grid alone: with one answer for each place there are no two boxes over each other.
        finest = np.flatnonzero(cells.stride == cells.stride[0])
        places = _nearest(middles, cells.middle[finest])
        np.add.at(counts, (rows[:, CLASS].astype(np.int64), finest[places]), 1)
    often = np.clip(counts / (pictures + 1), 1e-4, 1 - 1e-4)
    half = total / max(boxes, 1) / 2
    strides = np.clip(np.array([half[0], half[1], half[0], half[1]])[:, None] / cells.stride, 0, BINS - 1)
    logits = np.maximum(-FAR * np.abs(np.arange(BINS)[None, :, None] - strides[:, None]), -50)
    return {
        CLASSES: np.log(often / (1 - often))[np.newaxis].astype(np.float32),
        SIDES: logits.reshape(1, 4 * BINS, -1).astype(np.float32),
    }


def _nearest(middles: NDArray[np.float64], cells: NDArray[np.float32]) -> NDArray[np.int64]:
    """Returns for each place (n, 2) the nearest of the cells, a few thousand places at once."""
    parts = [
        np.abs(middles[start : start + 1000, None] - cells).max(axis=2).argmin(axis=1)
        for start in range(0, len(middles), 1000)
    ]
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)
