"""What boxes would be if they were read in another way: known mistakes of data and teachers, by their names."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.contracts.targets import TargetCard
from tasks.kinds.detection.decode import FoundBoxes, overlaps
from tasks.kinds.detection.names import CLASS, IGNORED, size_of

READINGS = (
    "",
    "its boxes are x, y, width, height",
    "the targets are x, y, width, height",
    "its boxes are y0, x0, y1, x1",
    "the targets are y0, x0, y1, x1",
    "its boxes are mirrored at the middle of the picture",
)
"""of what a model says, or of the targets; where more is found with another one, that is suspicious"""
MIRRORED = 5
FOUND = 0.5
"""intersection over union from which on a box is found"""
CERTAIN = 3.0
"""standard errors by which something must differ"""
MORE = 0.2
"""of all boxes that must be found besides before another reading is believed"""
Boxes = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class OtherReadings:
    """What became of the boxes of each picture (n,) however they are read.

    Attributes:
        hits: (n, readings) targets that a box of any class is over.
        own: (n,) targets that a box of their class is over.
        turned: (n,) the same, of targets that are turned by half a circle about the middle of their picture.
        targets: (n,) that are not ignored.
        pairs: (n, classes, classes) targets of a class (row) that lie under a box of a class (column).
    """

    hits: Counts
    own: Counts
    turned: Counts
    targets: Counts
    pairs: Counts

    @classmethod
    def joined(cls, parts: Sequence["OtherReadings"]) -> "OtherReadings":
        """Returns all pictures of the parts."""
        names = cls.__dataclass_fields__
        return cls(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})

    def take(self, rows: Counts) -> "OtherReadings":
        """Returns some pictures."""
        return OtherReadings(**{name: getattr(self, name)[rows] for name in self.__dataclass_fields__})


def looks_of(found: FoundBoxes, rows: NDArray[np.float32], card: TargetCard) -> OtherReadings:
    """Returns what the boxes of one picture would be; as many of them, the best, as there are targets."""
    rows = rows[rows[:, IGNORED] == 0]
    kinds, targets = rows[:, CLASS].astype(np.int64), rows[:, :4].astype(np.float64)
    boxes, classes = found.boxes[: 2 * len(rows)].astype(np.float64), found.classes[: 2 * len(rows)]
    size = size_of(card)
    ways = [
        (boxes, targets),
        (_from_sides(boxes), targets),
        (boxes, _from_sides(targets)),
        (boxes[:, [1, 0, 3, 2]], targets),
        (boxes, targets[:, [1, 0, 3, 2]]),
        (_mirrored(boxes, size), targets),
    ]
    hits = [_hits(*way).any(axis=0).sum() for way in ways]
    same = classes[:, None] == kinds
    own, turned = _hits(boxes, targets) & same, _hits(boxes, _turned(targets, size)) & same
    return OtherReadings(
        np.array([hits]),
        np.array([own.any(axis=0).sum()]),
        np.array([turned.any(axis=0).sum()]),
        np.array([len(rows)]),
        _pairs(boxes, classes, targets, kinds, len(card.names))[np.newaxis],
    )


def doubts(looks: OtherReadings, card: TargetCard) -> tuple[str, ...]:
    """Returns in words which other reading of boxes or classes finds many more of the targets."""
    return tuple(filter(None, (_another_reading(looks), _another_order(looks, card))))


def no_better_than_chance(looks: OtherReadings) -> str:
    """Returns in words that no more is found than of targets that are elsewhere; empty where more is."""
    total = max(int(looks.targets.sum()), 1)
    gains = (looks.own - looks.turned).astype(np.float64)
    error = float(gains.std()) * max(len(gains), 1) ** 0.5
    if float(gains.sum()) > CERTAIN * error and looks.own.sum():
        return ""
    own, turned = looks.own.sum() / total, looks.turned.sum() / total
    return f"{own:.1%} of the boxes found, and {turned:.1%} of the same boxes in other places of their pictures"


def _another_reading(looks: OtherReadings) -> str:
    total, as_is = max(int(looks.targets.sum()), 1), looks.hits[:, :1]
    gains = (looks.hits - as_is).astype(np.float64)
    best = int(gains.sum(axis=0).argmax())
    gain, error = gains[:, best].sum(), float(gains[:, best].std()) * len(gains) ** 0.5
    if gain <= max(CERTAIN * error, MORE * total):
        return ""
    found, more = as_is.sum() / total, looks.hits[:, best].sum() / total
    expected = "boxes x0, y0, x1, y1 in pixels, as the targets are"
    return f"expected {expected}, got {found:.1%} of them found, but {more:.1%} if {READINGS[best]}; correct that"


def _another_order(looks: OtherReadings, card: TargetCard) -> str:
    from scipy.optimize import linear_sum_assignment  # takes 0.3 s to import

    pairs = looks.pairs.sum(axis=0)
    rows, columns = linear_sum_assignment(pairs, maximize=True)
    total, right, best = max(int(pairs.sum()), 1), np.trace(pairs), pairs[rows, columns].sum()
    if pairs.sum() < len(card.names) or (best - right) / total <= MORE:
        return ""
    names = card.names
    shift = next((by for by in range(1, len(names)) if np.array_equal(columns, (rows + by) % len(names))), 0)
    shown = ", ".join(f"`{names[place]}`" for place in columns.argsort())
    way = f"all classes are shifted by {min(shift, len(names) - shift)}" if shift else f"its outputs are {shown}"
    got = f"{right / total:.1%} of the boxes that are found, but {best / total:.1%} if {way}"
    listed = ", ".join(f"`{name}`" for name in names)
    do = "correct `data.reader.classes` or its head, or say `teacher.classes`"
    return f"expected the classes in the order {listed}, got {got}; {do}"


def _hits(boxes: Boxes, targets: Boxes) -> NDArray[np.bool_]:
    shared: NDArray[np.bool_] = overlaps(boxes, targets) >= FOUND
    return shared


def _pairs(boxes: Boxes, classes: Counts, targets: Boxes, kinds: Counts, count: int) -> Counts:
    """Returns (classes, classes): of each target that lies under a box, its class and that of the first such box."""
    over = _hits(boxes, targets)
    there = np.flatnonzero(over.any(axis=0))
    first = over[:, there].argmax(axis=0) if len(there) else there
    cells: Counts = np.bincount(kinds[there] * count + classes[first], minlength=count * count)
    return cells.reshape(count, count)


def _from_sides(boxes: Boxes) -> Boxes:
    """Returns boxes whose last two numbers are taken for width and height."""
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


def _mirrored(boxes: Boxes, size: tuple[int, int]) -> Boxes:
    mirrored = boxes[:, [2, 1, 0, 3]].copy()
    mirrored[:, [0, 2]] = size[1] - mirrored[:, [0, 2]]
    return mirrored


def _turned(boxes: Boxes, size: tuple[int, int]) -> Boxes:
    return np.array([size[1], size[0], size[1], size[0]]) - boxes[:, [2, 3, 0, 1]]
