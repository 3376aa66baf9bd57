"""Which classes the file that ships takes for which: a matrix, or for many classes the worst pairs."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from tasks.drawing.sheet import BLUE, FONT, INK, WIDTH, fitted, sheet, styled, width_of
from tasks.drawing.svg import Drawing, drawing

Counts = NDArray[np.int64]
NUMBERED, MATRIX, PAIRS = 12, 40, 12
"""most classes for numbers in the cells, most for a matrix at all, and how many pairs are drawn of more"""
STRONG = 0.75
"""from this strength of colour on a number is white"""
TITLE = "What is taken for what"
CAPTION = (
    "By the file that ships: a row per class of the test split, a column per prediction. The"
    " stronger the colour, the larger the cell's part of its row.{numbers}"
)
NUMBERS = {"counts": " Numbers are samples.", "percent": " Numbers are per cent of the row.", "": ""}
OF_PAIRS = (
    "The pairs of classes that the file that ships confuses most: so many test samples of"
    " the first are taken for the second. {pairs:,} of {cells:,} possible pairs occur."
)


@styled()
def draw_confusion(counts: Counts, classes: Sequence[str]) -> Drawing | None:
    """Draws (classes, classes) samples, rows by label: a matrix, or of more than `MATRIX` classes the worst pairs.

    Returns:
        None where there are no samples, or no pair.
    """
    if len(classes) > MATRIX:
        return _draw_pairs(counts, classes)
    return _draw_matrix(counts, classes) if counts.any() else None


def _draw_matrix(counts: Counts, classes: Sequence[str]) -> Drawing:
    figure = sheet(WIDTH + 110)
    axes = figure.add_subplot(aspect="equal")
    labels = _labels(classes)
    cell = (WIDTH - max(map(width_of, labels)) - 20) / len(labels)
    parts = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    kind, texts = _texts(counts, parts, cell)
    for row, column in np.argwhere(counts > 0):
        _cell(axes, int(row), int(column), float(parts[row, column]), texts[row][column])
    _frame(axes, labels, upright=max(map(width_of, labels)) < cell)
    return drawing(figure, "confusion", TITLE, CAPTION.format(numbers=NUMBERS[kind]))


def _labels(classes: Sequence[str]) -> list[str]:
    """Returns a short name for each class, and none for some where there is no room for all."""
    every = int(np.ceil(len(classes) * (FONT + 2) / (WIDTH - 90)))
    return [fitted(name, 76) if place % every == 0 else "" for place, name in enumerate(classes)]


def _texts(counts: Counts, parts: NDArray[np.float64], cell: float) -> tuple[str, list[list[str]]]:
    """Returns what the numbers are, and one for each cell: counts where they fit, else per cent, else none."""
    if len(counts) > NUMBERED:
        return "", [[""] * len(counts)] * len(counts)
    if width_of(f"{counts.max()}") <= cell:
        return "counts", [[f"{count}" for count in row] for row in counts]
    return "percent", [[f"{100 * part:.0f}" for part in row] for row in parts]


def _cell(axes: Axes, row: int, column: int, part: float, text: str) -> None:
    strength = part**0.5  # by its root: a mistake in a hundred samples is seen
    axes.add_patch(Rectangle((column, row), 1, 1, facecolor=BLUE, alpha=strength, edgecolor="none"))
    colour = "#ffffff" if strength >= STRONG else INK
    axes.text(column + 0.5, row + 0.5, text, ha="center", va="center_baseline", color=colour)


def _frame(axes: Axes, labels: list[str], *, upright: bool) -> None:
    shown = [(place + 0.5, label) for place, label in enumerate(labels) if label]
    axes.set(xlim=(0, len(labels)), ylim=(len(labels), 0), ylabel="label", xlabel="predicted")
    axes.set_yticks(*zip(*shown, strict=True))
    axes.set_xticks(*zip(*shown, strict=True), rotation=0 if upright else 90)
    axes.xaxis.set_label_position("top")
    axes.tick_params(length=0, top=False, labeltop=True, labelbottom=False)
    for spine in axes.spines.values():
        spine.set(visible=True, alpha=0.3)


def _draw_pairs(counts: Counts, classes: Sequence[str]) -> Drawing | None:
    """Draws the `PAIRS` largest cells beside the diagonal; None where nothing is confused."""
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    if not wrong.any():
        return None
    order = np.argsort(-wrong, axis=None, kind="stable")[:PAIRS]
    cells = [divmod(int(cell), len(classes)) for cell in order if wrong.flat[cell]]
    figure = sheet(42 * len(cells) + 8)
    axes = figure.add_subplot(ylim=(len(cells) - 0.5, -0.75), xlim=(0, 1))
    axes.set_axis_off()
    whole = axes.barh(range(len(cells)), 1, 0.3, color=BLUE, alpha=0.15)
    axes.barh(range(len(cells)), [wrong[cell] / counts[cell[0]].sum() for cell in cells], 0.3, color=BLUE)
    axes.bar_label(whole, [f"{wrong[cell]:,} of {counts[cell[0]].sum():,}" for cell in cells], padding=4)
    for place, (label, predicted) in enumerate(cells):
        pair = fitted(f"{classes[label]} → {classes[predicted]}", WIDTH - 16)
        axes.annotate(pair, (0, place), (0, 10), textcoords="offset points")
    caption = OF_PAIRS.format(pairs=np.count_nonzero(wrong), cells=wrong.size - len(wrong))
    return drawing(figure, "confusion", TITLE, caption)
