"""Which classes the pixels of each class are taken for, as a matrix."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from tasks.drawing.sheet import BLUE, FONT, INK, WIDTH, fitted, sheet, styled, width_of
from tasks.drawing.svg import Drawing, drawing

MOST, NUMBERED = 40, 12
"""classes of a matrix at all, and of one with numbers in its cells"""
STRONG = 0.75
"""from this strength of colour on a number is white"""
TITLE = "What pixels are taken for"
CAPTION = (
    "By the file that ships: a row per class of the test pictures, a column per prediction. The stronger the colour,"
    " the larger the cell's part of the row's pixels.{numbers}"
)
NUMBERS = " Numbers are per cent of the row."


@styled()
def draw_pixels(cells: NDArray[np.int64], names: Sequence[str]) -> Drawing | None:
    """Draws pixels (classes, classes), rows by what they are; None without any, or of too many classes."""
    if not cells.any() or len(names) > MOST:
        return None
    parts = cells / np.maximum(cells.sum(axis=1, keepdims=True), 1)
    figure = sheet(WIDTH + 110)
    axes = figure.add_subplot(aspect="equal")
    numbered = len(names) <= NUMBERED
    for row, column in np.argwhere(cells > 0):
        _cell(axes, int(row), int(column), float(parts[row, column]), numbered=numbered)
    _frame(axes, names)
    return drawing(figure, "pixels", TITLE, CAPTION.format(numbers=NUMBERS if numbered else ""))


def _cell(axes: Axes, row: int, column: int, part: float, *, numbered: bool) -> None:
    strength = part**0.5  # by its root: one pixel in a hundred is seen
    axes.add_patch(Rectangle((column, row), 1, 1, facecolor=BLUE, alpha=strength, edgecolor="none"))
    if numbered and part >= 0.005:
        colour = "#ffffff" if strength >= STRONG else INK
        axes.text(column + 0.5, row + 0.5, f"{100 * part:.0f}", ha="center", va="center_baseline", color=colour)


def _frame(axes: Axes, names: Sequence[str]) -> None:
    every = int(np.ceil(len(names) * (FONT + 2) / (WIDTH - 90)))
    shown = [(place + 0.5, fitted(name, 76)) for place, name in enumerate(names) if place % every == 0]
    axes.set(xlim=(0, len(names)), ylim=(len(names), 0), ylabel="is", xlabel="predicted")
    axes.set_yticks(*zip(*shown, strict=True))
    upright = max(width_of(label) for _, label in shown) < (WIDTH - 90) / len(names)
    axes.set_xticks(*zip(*shown, strict=True), rotation=0 if upright else 90)
    axes.xaxis.set_label_position("top")
    axes.tick_params(length=0, top=False, labeltop=True, labelbottom=False)
    for spine in axes.spines.values():
        spine.set(visible=True, alpha=0.3)
