"""Precision against recall, class by class."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from tasks.drawing.sheet import BLUE, GREEN, GREY, ORANGE, PURPLE, sheet, styled
from tasks.drawing.svg import Drawing, drawing
from tasks.kinds.detection.precision import RECALLS

COLOURS = (BLUE, ORANGE, GREEN, PURPLE, GREY)
MOST = 5
"""classes that have a curve: those with the most boxes"""
TITLE = "Precision and recall"
CAPTION = (
    "Of the file that ships, on the test pictures, at an intersection over union of 50 %: the best precision at a"
    " recall of at least so much. The area under a curve is the class's AP50.{dot}{more}"
)
DOT = " The dot is the operating point of a device."
MORE = " Shown are the {count} classes with the most boxes."


@styled()
def draw_recalls(
    curves: Mapping[str, NDArray[np.float64]], points: Mapping[str, tuple[float, float]], every: int
) -> Drawing | None:
    """Draws curves (101,) by class and the (recall, precision) of the operating points; None without any curve.

    `every` is how many classes there are.
    """
    if not curves:
        return None
    figure = sheet(250 + 18 * len(curves))
    axes = figure.add_subplot()
    for (name, curve), colour in zip(curves.items(), COLOURS, strict=False):
        axes.plot(100 * RECALLS, 100 * curve, color=colour, linewidth=1.8, label=f"{name}: {100 * curve.mean():.1f} %")
        if name in points:
            recall, precision = points[name]
            axes.plot([100 * recall], [100 * precision], "o", color=colour, markersize=8, markeredgecolor="#ffffff")
    axes.set(title="precision, %", xlabel="recall, %", xlim=(0, 101), ylim=(0, 103))
    axes.grid()
    figure.legend(loc="outside upper left")
    more = MORE.format(count=len(curves)) if every > len(curves) else ""
    return drawing(figure, "recalls", TITLE, CAPTION.format(dot=DOT if points else "", more=more))
