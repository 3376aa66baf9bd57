"""What models are called in pictures, and the colour and shape that each keeps in all of them."""

from tasks.contracts.scores import BASELINE, STUDENT, TEACHER
from tasks.drawing.sheet import BLUE, GREEN, GREY, ORANGE

_COLOURS = {TEACHER: ORANGE, BASELINE: GREY, STUDENT: GREEN}
_SHAPES = {TEACHER: "s", BASELINE: "v", STUDENT: "D"}


def colour_of(name: str) -> str:
    """Returns the colour of a model; candidates share theirs."""
    return _COLOURS.get(name, BLUE)


def shape_of(name: str) -> str:
    """Returns the marker of a model; candidates share theirs."""
    return _SHAPES.get(name, "o")
