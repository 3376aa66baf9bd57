"""What files of annotations say, in one form whatever their format."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite

from params.section import Part

Corners = tuple[float, float, float, float]
"""left, top, right, bottom: distances from the upper left corner of the upright picture"""
OTHERS = "boxes of classes that `classes` does not name"
UNLISTED = "pictures that no annotation tells of"
LISTED_TWICE = "pictures that are listed twice"
NO_PARTNER = "annotations without their picture"
"""why something is left out"""


class BadAnnotationError(ValueError):
    """An annotation cannot be read, so its picture cannot be used; says what was expected and got."""


@dataclass(frozen=True, slots=True)
class DrawnBox:
    """A box as somebody drew it; nothing is checked yet."""

    name: str
    """of the class"""
    corners: Corners
    ignored: bool = False
    """whether it counts nowhere, like a crowd or what is too difficult"""


@dataclass(slots=True)
class AnnotatedPicture:
    """A picture, and what is said of it."""

    id: str
    """its path below the folder of pictures, behind the part of a published split"""
    file: str
    """by its name in the source"""
    part: Part | None = None
    boxes: list[DrawnBox] = field(default_factory=list)
    relative: bool = False
    """whether corners are parts of width and height instead of pixels"""
    said: tuple[int, int] | None = None
    """(height, width) that the annotations tell, which may be wrong"""
    problem: str = ""
    """why it cannot be used"""


@dataclass
class Annotations:
    """All pictures of a source, the classes that it names, and what a person should know."""

    pictures: list[AnnotatedPicture] = field(default_factory=list)
    names: tuple[str, ...] = ()
    """none where a format tells of classes by their boxes alone"""
    dropped: Counter[str] = field(default_factory=Counter)
    warnings: list[str] = field(default_factory=list)


def identity(part: Part | None, below: str) -> str:
    """Returns the id of a picture."""
    return f"{part}/{below}" if part else below


def numbers(values: Sequence[object], expected: str) -> list[float]:
    """Returns finite numbers, of texts or numbers.

    Raises:
        BadAnnotationError: they are none.
    """
    try:
        found = [float(value) for value in values if not isinstance(value, bool)]  # type: ignore[arg-type]
    except (TypeError, ValueError):
        found = []
    if len(found) != len(values) or not all(map(isfinite, found)):
        got = " ".join(str(value)[:20] for value in values[:6])
        raise BadAnnotationError(f"expected {expected}, got {got or 'nothing'}")
    return found


def corners_of(left: float, top: float, width: float, height: float) -> Corners:
    """Returns the corners of a box of that size."""
    return left, top, left + width, top + height


def around(points: Iterable[tuple[float, float]]) -> Corners:
    """Returns the box around the corners (x, y) of a polygon."""
    left, top, right, bottom = inf, inf, -inf, -inf
    for x, y in points:
        left, top, right, bottom = min(left, x), min(top, y), max(right, x), max(bottom, y)
    return left, top, right, bottom


def some(names: Iterable[str], shown: int = 3) -> str:
    """Returns a few names for a message, and how many more there are."""
    found = list(dict.fromkeys(names))
    more = f" and {len(found) - shown:,} more" if len(found) > shown else ""
    return ", ".join(found[:shown]) + more
