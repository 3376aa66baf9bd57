"""How alike pairs of one identity are, and pairs of two."""

import numpy as np
from numpy.typing import NDArray

from tasks.drawing.sheet import BLUE, INK, ORANGE, sheet, styled
from tasks.drawing.svg import Drawing, drawing
from tasks.kinds.contract import Floats

BINS = 40
TITLE = "How alike pairs are"
CAPTION = (
    "Cosines of the file that ships: pairs of one identity, and pairs of two, each as part of its sort. The line is the"
    " threshold at which both mistakes are equally frequent; what lies beyond it on the wrong side is mistaken."
)


@styled()
def draw_histogram(scores: Floats, same: NDArray[np.bool_], threshold: float) -> Drawing:
    """Draws both sorts over the cosine."""
    figure = sheet(270)
    axes = figure.add_subplot()
    edges = np.linspace(min(float(scores.min()), 0.0), 1, BINS + 1)
    for sort, colour, label in ((same, BLUE, "of one identity"), (~same, ORANGE, "of two")):
        parts = np.histogram(np.clip(scores[sort], edges[0], 1), edges)[0] / max(int(sort.sum()), 1)
        axes.stairs(100 * parts, edges, fill=True, color=colour, alpha=0.55, label=f"{label} ({int(sort.sum()):,})")
    axes.axvline(threshold, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    axes.set(title="part of the pairs, %", xlabel="cosine")
    axes.set_xlim(edges[0], 1)
    figure.legend(loc="outside upper left", ncols=2)
    return drawing(figure, "alike", TITLE, CAPTION)
