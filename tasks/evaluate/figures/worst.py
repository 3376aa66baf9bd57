"""The classes with the lowest recall, and samples on which the file that ships is most surely wrong."""

import numpy as np

from tasks.contracts.records import InputSpec
from tasks.drawing.canvas import WIDTH, Canvas, fitted, percent
from tasks.drawing.sample import Scale, draw_sample
from tasks.drawing.svg import Drawing, drawing_of
from tasks.evaluate.figures.content import FigureData, Mistake, WorstClass

CLASSES, SAMPLES = 4, 4
GAP, TITLE, WORDS = 8.0, 24.0, 38.0
CELL = (WIDTH - 8 - GAP * (SAMPLES - 1)) / SAMPLES
CAPTION = (
    "Weakest classes. Those with the lowest recall, and those of their test samples on which the file that ships is"
    " wrong and most sure of it. Below each: what it said, and how sure it was."
)


def draw_worst(data: FigureData) -> Drawing | None:
    """Draws up to `CLASSES` rows of up to `SAMPLES` samples; None where there is no mistake."""
    worst = [row for row in data.worst if row.mistakes][:CLASSES]
    if not worst:
        return None
    height = TITLE + CELL + WORDS + 10
    canvas = Canvas.of(height * len(worst))
    shown = [mistake.inputs for row in worst for mistake in row.mistakes[:SAMPLES]]
    scale = Scale.of(shown)
    for place, row in enumerate(worst):
        _row(canvas, height * place, row, scale, data.spec)
    return drawing_of(canvas.figure, "worst", CAPTION)


def _row(canvas: Canvas, top: float, row: WorstClass, scale: Scale, spec: InputSpec) -> None:
    score = row.score
    found = round(score.recall * score.samples)
    words = f": {percent(score.recall)} found ({found:,} of {score.samples:,})"
    canvas.write(4, top + 11, fitted(score.label, WIDTH - 8 - 7.6 * len(words)) + words, fontweight="bold")
    for place, mistake in enumerate(row.mistakes[:SAMPLES]):
        _cell(canvas, 4 + place * (CELL + GAP), top + TITLE, mistake, scale, spec)


def _cell(canvas: Canvas, left: float, top: float, mistake: Mistake, scale: Scale, spec: InputSpec) -> None:
    axes = canvas.axes(left, top, CELL, CELL)
    draw_sample(axes, np.nan_to_num(mistake.inputs.astype(np.float64)), spec.layout, scale)
    middle = left + CELL / 2
    canvas.write(middle, top + CELL + 12, fitted(mistake.predicted, CELL + GAP - 2), ha="center")
    canvas.write(middle, top + CELL + 28, percent(mistake.confidence, 0), ha="center", alpha=0.75)
