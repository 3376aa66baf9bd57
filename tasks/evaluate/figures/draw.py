"""All pictures of an evaluation, each where there is something to show."""

from collections.abc import Callable

from tasks.drawing.canvas import styled
from tasks.drawing.svg import Drawing
from tasks.evaluate.figures.confusion import draw_confusion
from tasks.evaluate.figures.content import FigureData
from tasks.evaluate.figures.curves import draw_curves
from tasks.evaluate.figures.front import draw_front
from tasks.evaluate.figures.reliability import draw_reliability
from tasks.evaluate.figures.slices import draw_slices
from tasks.evaluate.figures.worst import draw_worst

Picture = Callable[[FigureData], Drawing | None]
PICTURES: tuple[Picture, ...] = (
    draw_front,
    draw_confusion,
    draw_worst,
    draw_slices,
    draw_reliability,
    draw_curves,
)
"""in the order they are read"""


def draw(data: FigureData) -> tuple[Drawing, ...]:
    """Returns the pictures that have something to show; equal scenes give equal bytes."""
    with styled():
        drawn = [picture(data) for picture in PICTURES]
    return tuple(drawing for drawing in drawn if drawing is not None)
