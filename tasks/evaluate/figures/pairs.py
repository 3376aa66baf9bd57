"""The pairs of classes that are confused most, as bars: for many classes, where nearly all of a matrix is empty."""

import numpy as np

from tasks.drawing.canvas import BLUE, WIDTH, Canvas, fitted
from tasks.drawing.svg import Drawing, drawing_of
from tasks.evaluate.figures.content import FigureData

MOST = 12
ROW = 42.0
CAPTION = (
    "What is taken for what. The pairs of classes that the file that ships confuses most: of so many test samples of"
    " the first it says the second. {pairs:,} of {cells:,} possible pairs occur."
)


def draw_pairs(data: FigureData) -> Drawing | None:
    """Draws the `MOST` largest cells beside the diagonal of the confusion matrix; None where nothing is confused."""
    wrong = data.confusion.copy()
    np.fill_diagonal(wrong, 0)
    if not wrong.any():
        return None
    order = np.argsort(-wrong, axis=None, kind="stable")[:MOST]
    cells = [divmod(int(cell), len(data.classes)) for cell in order if wrong.flat[cell]]
    canvas = Canvas.of(ROW * len(cells) + 4)
    for place, (label, said) in enumerate(cells):
        whole = int(data.confusion[label].sum())
        _bar(canvas, ROW * place, f"{data.classes[label]} → {data.classes[said]}", int(wrong[label, said]), whole)
    pairs = CAPTION.format(pairs=np.count_nonzero(wrong), cells=wrong.size - len(wrong))
    return drawing_of(canvas.figure, "confusion", pairs)


def _bar(canvas: Canvas, top: float, pair: str, count: int, whole: int) -> None:
    canvas.write(4, top + 12, fitted(pair, WIDTH - 8))
    axes = canvas.axes(4, top + 22, WIDTH - 92, 12)
    axes.barh([0], [1], color=BLUE, alpha=0.15)
    axes.barh([0], [count / whole], color=BLUE)
    axes.set_xlim(0, 1)
    axes.set_axis_off()
    canvas.write(WIDTH - 6, top + 28, f"{count:,} of {whole:,}", ha="right")
