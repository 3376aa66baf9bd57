"""Places for small labels beside points: near their own, clear of the others and of each other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Box = tuple[float, float, float, float]
"""left, bottom, right, top, in points"""
DISTANCES = (15.0, 22.0, 30.0, 40.0, 52.0)
ANGLES = tuple(np.radians((45, 135, 0, 180, 315, 225, 70, 110, 290, 250, 20, 160, 340, 200)))
REACH = 9.0
"""points around the middle of a marker that a label stays out of"""


@dataclass(frozen=True)
class Spot:
    """A point and the size of its label."""

    x: float
    y: float
    width: float
    height: float

    def at(self, x: float, y: float) -> Box:
        """Returns the box of the label with its middle there."""
        return x - self.width / 2, y - self.height / 2, x + self.width / 2, y + self.height / 2


def placed(spots: Sequence[Spot], frame: Box) -> list[tuple[float, float]]:
    """Returns the middle of each label: the nearest place within the frame that covers least."""
    markers = [(s.x - REACH, s.y - REACH, s.x + REACH, s.y + REACH) for s in spots]
    taken: list[Box] = []
    places = []
    for spot in spots:
        place = min(_around(spot), key=lambda p: _cost(spot, p, [*markers, *taken], frame))
        taken.append(spot.at(*place))
        places.append(place)
    return places


def _around(spot: Spot) -> list[tuple[float, float]]:
    return [(spot.x + d * float(np.cos(a)), spot.y + d * float(np.sin(a))) for d in DISTANCES for a in ANGLES]


def _cost(spot: Spot, place: tuple[float, float], others: Sequence[Box], frame: Box) -> float:
    """Returns square points covered or out of the frame, much dearer than the distance to the point."""
    box = spot.at(*place)
    covered = sum(_overlap(box, other) for other in others)
    outside = spot.width * spot.height - _overlap(box, frame)
    return 100 * (covered + outside) + float(np.hypot(place[0] - spot.x, place[1] - spot.y))


def _overlap(one: Box, other: Box) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(width, 0.0) * max(height, 0.0)
