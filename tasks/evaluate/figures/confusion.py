"""Which classes the file that ships takes for which: a matrix, or the worst pairs where a matrix would be a carpet."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from tasks.drawing.canvas import BLUE, FONT, INK, WIDTH, Canvas, fitted, width_of
from tasks.drawing.svg import Drawing, drawing_of
from tasks.evaluate.figures.content import FigureData
from tasks.evaluate.figures.pairs import draw_pairs

NUMBERED, MATRIX = 12, 40
"""most classes for numbers in the cells, and for a matrix at all"""
STRONG = 0.75
"""from this strength of colour on a number is white"""
CORNER = "label ↓"
CAPTION = (
    "What is taken for what. By the file that ships: a row per class of the test split, a column per prediction. The"
    " stronger the colour, the larger the cell's part of its row.{numbers}"
)
NUMBERS = {"counts": " Numbers are samples.", "percent": " Numbers are per cent of the row.", "": ""}


def draw_confusion(data: FigureData) -> Drawing | None:
    """Draws the matrix of up to `MATRIX` classes, of more the most confused pairs; None without samples."""
    if not data.confusion.any():
        return None
    return draw_pairs(data) if len(data.classes) > MATRIX else _draw_matrix(data)


def _draw_matrix(data: FigureData) -> Drawing:
    labels = _labels(data.classes)
    left = max(width_of(text) for text in (*labels, CORNER)) + 10
    side = WIDTH - left - 4
    upright = all(width_of(label) < side / len(labels) for label in labels)
    top = 46 if upright else max(left, 70) + 22
    canvas = Canvas.of(top + side + 6)
    axes = canvas.axes(left, top, side, side)
    parts = data.confusion / np.maximum(data.confusion.sum(axis=1, keepdims=True), 1)
    kind, texts = _texts(data.confusion, parts, side / len(labels))
    for row, column in np.argwhere(data.confusion > 0):
        _cell(axes, int(row), int(column), float(parts[row, column]), texts[row][column])
    _frame(axes, labels, upright=upright)
    canvas.write(left, 8, "predicted →")
    canvas.write(left - 6, top - 12, CORNER, ha="right")
    caption = CAPTION.format(numbers=NUMBERS[kind])
    return drawing_of(canvas.figure, "confusion", caption)


def _labels(classes: tuple[str, ...]) -> list[str]:
    """Returns a short name for each class, and none for some where there is no room for all."""
    every = int(np.ceil(len(classes) * (FONT + 2) / (WIDTH - 90)))
    return [fitted(name, 76) if place % every == 0 else "" for place, name in enumerate(classes)]


def _texts(counts: NDArray[np.int64], parts: NDArray[np.float64], cell: float) -> tuple[str, list[list[str]]]:
    """Returns what the numbers are, and one for each cell: counts where they fit, else per cent, else none."""
    if len(counts) > NUMBERED:
        return "", [[""] * len(counts)] * len(counts)
    if width_of(f"{counts.max()}") <= cell:
        return "counts", [[f"{count}" for count in row] for row in counts]
    return "percent", [[f"{100 * part:.0f}" for part in row] for row in parts]


def _cell(axes: Axes, row: int, column: int, part: float, text: str) -> None:
    strength = part**0.5  # by its root: a mistake in a hundred samples is seen
    axes.add_patch(Rectangle((column, row), 1, 1, facecolor=BLUE, alpha=strength, edgecolor="none"))
    if text:
        colour = "#ffffff" if strength >= STRONG else INK
        axes.text(column + 0.5, row + 0.5, text, ha="center", va="center_baseline", color=colour, fontsize=FONT)


def _frame(axes: Axes, labels: list[str], *, upright: bool) -> None:
    places = np.arange(len(labels)) + 0.5
    axes.set_xlim(0, len(labels))
    axes.set_ylim(len(labels), 0)
    shown = [place for place, label in enumerate(labels) if label]
    axes.set_yticks(places[shown], [labels[place] for place in shown])
    how: dict[str, Any] = {"rotation": 90, "ha": "left", "va": "center", "rotation_mode": "anchor"}
    axes.set_xticks(places[shown], [labels[place] for place in shown], **({} if upright else how))
    axes.tick_params(length=0, top=False, labeltop=True, labelbottom=False)
    for spine in axes.spines.values():
        spine.set(visible=True, alpha=0.3)
