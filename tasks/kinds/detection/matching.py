"""Which boxes of a picture are right: the rules of COCO's evaluation, for all overlaps and sizes at once; numpy only.

Box by box, that with the highest score first, each takes the free target of its class that it overlaps most. Targets
that are ignored, and those of another size, are taken only where no other is there; what takes one counts nowhere, and
neither does a box of another size that takes none. A crowd may be taken many times, and the overlap with it is the part
of the box inside of it. (`COCOeval.evaluateImg` of pycocotools, in which equal overlaps go to the later target.)
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.kinds.detection.decode import FoundBoxes, overlaps
from tasks.kinds.detection.names import CLASS, IGNORED

OVERLAPS = np.linspace(0.5, 0.95, 10)
"""intersections over union from which on a box counts as found"""
SIZES = ("small", "medium", "large")
"""below 32 x 32 pixels of the prepared picture, up to 96 x 96, above"""
AREAS = np.array([[0, 1e10], [0, 32**2], [32**2, 96**2], [96**2, 1e10]])
"""square pixels, both ends included: of all boxes, then of each of `SIZES`"""
FALSE, RIGHT, NOWHERE = range(3)
"""what becomes of a box; the last one is counted nowhere"""
MOST = 100
"""boxes of a class and picture that count, those with the highest scores"""
NEARLY = 1 - 1e-10
Doubles = NDArray[np.float64]
Outcomes = NDArray[np.uint8]
"""(boxes, areas, overlaps)"""


class MatchedBoxes(NamedTuple):
    """What became of the boxes of a picture, and how many there should be."""

    found: FoundBoxes
    of: Outcomes
    truths: NDArray[np.int32]
    """(classes, areas) targets that are not ignored"""


def match(found: FoundBoxes, rows: NDArray[np.float32], classes: int) -> MatchedBoxes:
    """Returns what becomes of boxes.

    Args:
        found: of one picture, that with the highest score first; a class has the first `MOST` of its boxes.
        rows: (targets, 6) of the picture.
        classes: how many there are.
    """
    parts, places, truths = [], [], np.zeros((classes, len(AREAS)), dtype=np.int32)
    kinds = rows[:, CLASS].astype(np.int64)
    for number in np.union1d(found.classes, kinds):
        mine, theirs = np.flatnonzero(found.classes == number)[:MOST], rows[kinds == number]
        parts.append(_of_class(found.boxes[mine].astype(np.float64), theirs))
        places.append(mine)
        truths[number] = _counted(theirs).sum(axis=1)
    order = np.sort(np.concatenate(places)) if places else np.empty(0, dtype=np.int64)
    of = np.zeros((len(found.scores), len(AREAS), len(OVERLAPS)), dtype=np.uint8)
    for mine, part in zip(places, parts, strict=True):
        of[mine] = part
    kept = FoundBoxes(found.boxes[order], found.scores[order], found.classes[order])
    return MatchedBoxes(kept, of[order], truths)


def _counted(targets: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Returns (areas, targets) which of them are not ignored, and of that size."""
    sides = targets[:, 2:4].astype(np.float64) - targets[:, :2]
    counted: NDArray[np.bool_] = ~_outside(sides.prod(axis=1)) & (targets[:, IGNORED] == 0)
    return counted


def _outside(area: Doubles) -> NDArray[np.bool_]:
    """Returns (areas, n) which are of another size."""
    return (area < AREAS[:, :1]) | (area > AREAS[:, 1:])


def _of_class(boxes: Doubles, targets: NDArray[np.float32]) -> Outcomes:
    crowd, counted = targets[:, IGNORED] > 0, _counted(targets)
    shared = overlaps(boxes, targets[:, :4].astype(np.float64), of_box=crowd)
    least = np.minimum(OVERLAPS, NEARLY)
    outside = _outside((boxes[:, 2:] - boxes[:, :2]).prod(axis=1))
    of = np.where(outside.T[:, :, None], NOWHERE, FALSE).repeat(len(OVERLAPS), axis=2).astype(np.uint8)
    free = np.ones((len(AREAS), len(OVERLAPS), len(targets)), dtype=np.bool_)
    for row in np.flatnonzero((shared >= least[0]).any(axis=1)):
        near = np.flatnonzero(shared[row] >= least[0])[::-1]  # turned round: of equals `argmax` takes the first
        values = shared[row, near]
        open_ = free[:, :, near] & (values >= least[:, None])
        wanted = counted[:, None, near]
        right, nowhere = open_ & wanted, open_ & ~wanted
        for chosen, what, unless in ((right, RIGHT, None), (nowhere, NOWHERE, right.any(axis=2))):
            takes = chosen.any(axis=2) if unless is None else chosen.any(axis=2) & ~unless
            place = near[np.where(chosen, values, -1).argmax(axis=2)]
            of[row][takes] = what
            area, overlap = np.nonzero(takes)
            free[area, overlap, place[takes]] = crowd[place[takes]]
    return of


def missed(outcome: MatchedBoxes, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the targets (n, 6) that no right box is over, at the least overlap: each takes the nearest free one."""
    wanted: NDArray[np.float32] = rows[rows[:, IGNORED] == 0]
    free = np.ones(len(wanted), dtype=np.bool_)
    found = outcome.found
    shared = overlaps(found.boxes.astype(np.float64), wanted[:, :4].astype(np.float64))
    for place in np.flatnonzero(outcome.of[:, 0, 0] == RIGHT):
        mine = np.where(free & (wanted[:, CLASS] == found.classes[place]), shared[place], -1)[::-1]
        free[len(wanted) - 1 - int(mine.argmax())] = False
    lost: NDArray[np.float32] = wanted[free]
    return lost
