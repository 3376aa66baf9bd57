"""Boxes that were found in the tiles of a picture become boxes of the picture, each thing once.

Tiles overlap, so a thing may be found in several. Two boxes of two tiles are of one thing if they are alike in the part
of the picture that both tiles see. Where a tile cuts a thing, its box ends at the edge of the tile and is a piece: a
piece goes where another tile sees the thing whole, and pieces alone become one box around all of them. Of boxes that
see the thing whole, that with the highest score stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .frame import Boxes, Frame

ALIKE = 0.5
"""intersection over union of what both tiles see, from which on two boxes are of one thing"""
NEAR = 0.02
"""part of the side of a tile: a box that ends so close to its edge is a piece"""


Found = tuple[Boxes, NDArray[np.floating], NDArray[np.integer]]
"""boxes (n, 4) of one sample or picture, their scores (n,), and the number (n,) of the class of each"""


@dataclass(frozen=True)
class FramesOfPictures:
    """The frames of the samples of some pictures, numbered from 0; those of one picture follow each other."""

    frames: Sequence[Frame]

    @property
    def sizes(self) -> list[tuple[int, int]]:
        """The (height, width) of each picture."""
        return list({frame.of: frame.picture for frame in self.frames}.values())

    def joined(self, found: Sequence[Found]) -> list[Found]:
        """Returns what is in each picture, in its pixels, the highest score first.

        Args:
            found: in each sample, in pixels of the sample.
        """
        parts = list(zip(found, self.frames, strict=True))
        return [
            _joined([part for part in parts if part[1].of == picture])
            for picture in sorted({frame.of for frame in self.frames})
        ]


def _joined(parts: Sequence[tuple[Found, Frame]]) -> Found:
    boxes = [frame.outside(np.asarray(one[0], dtype=np.float64).reshape(-1, 4)) for one, frame in parts]
    scores, numbers = (np.concatenate([one[place] for one, _ in parts]) for place in (1, 2))
    found: Found = np.concatenate(boxes), scores, numbers
    if len(parts) > 1:
        pieces = [_pieces(some, frame) for some, (_, frame) in zip(boxes, parts, strict=True)]
        areas = [np.broadcast_to(frame.area, (len(some), 4)) for some, (_, frame) in zip(boxes, parts, strict=True)]
        found = _once(found, np.concatenate(pieces), np.concatenate(areas))
    # What lies beside the picture, where that is padded, has no area in it.
    found = _taken(found, np.flatnonzero(_areas(found[0]) > 0))
    return _taken(found, np.argsort(-found[1], kind="stable"))


def _taken(found: Found, rows: NDArray[np.integer]) -> Found:
    boxes, scores, numbers = found
    return boxes[rows], scores[rows], numbers[rows]


def _pieces(boxes: Boxes, frame: Frame) -> NDArray[np.bool_]:
    """Says of each box whether it ends at an edge of its tile beyond which the picture goes on."""
    height, width = frame.size
    near = np.array([width, height, width, height]) * NEAR
    pieces: NDArray[np.bool_] = np.any(np.abs(boxes - frame.edges) <= near, axis=1)
    return pieces


def _once(found: Found, pieces: NDArray[np.bool_], tiles: Boxes) -> Found:
    """Returns each thing once; `tiles` (n, 4) is what the tile of each box sees of the picture."""
    boxes, scores, numbers = found
    things, grown = np.full(len(boxes), -1), boxes.copy()
    # Whole boxes come first, so that a piece meets the thing that it is of; then by score.
    for row in np.lexsort((-scores, pieces)):
        others = np.flatnonzero((things >= 0) & (numbers == numbers[row]) & (tiles != tiles[row]).any(axis=1))
        same = others[_alike(boxes[row], boxes[others], tiles[row], tiles[others]) >= ALIKE]
        if not len(same):
            things[row] = row
            continue
        first = min(things[same], key=lambda thing: (pieces[thing], -scores[thing]))
        things[row] = first
        if pieces[first]:
            members = [row, *np.unique(things[same])]
            things[np.isin(things, members)] = first
            grown[first, :2] = grown[members, :2].min(axis=0)
            grown[first, 2:] = grown[members, 2:].max(axis=0)
    return _taken((grown, scores, numbers), np.flatnonzero(things == np.arange(len(things))))


def _alike(box: Boxes, others: Boxes, tile: Boxes, tiles: Boxes) -> Boxes:
    """Returns (n,) the intersection over union of a box and others in the part of the picture that both tiles see."""
    low, high = np.maximum(tile[:2], tiles[:, :2]), np.minimum(tile[2:], tiles[:, 2:])
    ours = np.concatenate([np.maximum(box[:2], low), np.minimum(box[2:], high)], axis=1)
    theirs = np.concatenate([np.maximum(others[:, :2], low), np.minimum(others[:, 2:], high)], axis=1)
    both = np.concatenate([np.maximum(ours[:, :2], theirs[:, :2]), np.minimum(ours[:, 2:], theirs[:, 2:])], axis=1)
    shared = _areas(both)
    union = _areas(ours) + _areas(theirs) - shared
    alike: Boxes = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return alike


def _areas(boxes: Boxes) -> Boxes:
    areas: Boxes = np.prod(np.clip(boxes[:, 2:] - boxes[:, :2], 0, None), axis=1)
    return areas
