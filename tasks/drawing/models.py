"""What models are called in pictures, and the colour and shape that each keeps in all of them."""

from tasks.drawing.sheet import BLUE, GREEN, GREY, ORANGE

_TITLES = {"baseline": "student alone", "student": "student distilled"}
_COLOURS = {"teacher": ORANGE, "baseline": GREY, "student": GREEN}
_SHAPES = {"teacher": "s", "baseline": "v", "student": "D"}


def title_of(name: str) -> str:
    """Returns what a person calls a model."""
    return _TITLES.get(name, name)


def colour_of(name: str) -> str:
    """Returns the colour of a model; candidates share theirs."""
    return _COLOURS.get(name, BLUE)


def shape_of(name: str) -> str:
    """Returns the marker of a model; candidates share theirs."""
    return _SHAPES.get(name, "o")
