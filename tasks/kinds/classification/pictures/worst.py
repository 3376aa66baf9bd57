"""The classes with the lowest recall, and samples on which the file that ships is most surely wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import SubFigure
from numpy.typing import NDArray

from tasks.drawing.sample import Scale, draw_sample
from tasks.drawing.sheet import WIDTH, fitted, sheet, styled, width_of
from tasks.drawing.svg import Drawing, drawing

CLASSES, SAMPLES = 4, 4
TITLE = "Weakest classes"
CAPTION = (
    "Those with the lowest recall, and those of their test samples on which the file that ships is"
    " wrong and most sure of it. Below each: the class that it predicts, and how sure it is."
)


@dataclass(frozen=True)
class Mistake:
    """A test sample of which the shipped file is wrong: its raw inputs without padding, and the prediction."""

    inputs: NDArray[Any]
    sample: str
    """its id in the table of the split"""
    predicted: str
    confidence: float


@dataclass(frozen=True)
class WorstClass:
    """A class with low recall, and some of its samples, the most confident mistakes first."""

    name: str
    samples: int
    found: int
    """of them, predicted right"""
    mistakes: tuple[Mistake, ...]


@styled()
def draw_worst(classes: Sequence[WorstClass]) -> Drawing | None:
    """Draws up to `CLASSES` rows of up to `SAMPLES` samples; None where there is no mistake."""
    worst = [row for row in classes if row.mistakes][:CLASSES]
    if not worst:
        return None
    figure = sheet(150 * len(worst))
    scale = Scale.of([mistake.inputs for row in worst for mistake in row.mistakes[:SAMPLES]])
    for part, row in zip(figure.subfigures(len(worst), 1, squeeze=False)[:, 0], worst, strict=True):
        _row(part, row, scale)
    return drawing(figure, "worst", TITLE, CAPTION)


def _row(part: SubFigure, row: WorstClass, scale: Scale) -> None:
    words = f": {100 * row.found / row.samples:.1f} % found ({row.found:,} of {row.samples:,})"
    title = fitted(row.name, WIDTH - 8 - 1.2 * width_of(words)) + words
    part.suptitle(title, x=0.01, ha="left", fontweight="bold")
    for place, axes in enumerate(part.subplots(1, SAMPLES)):
        if place >= len(row.mistakes):
            axes.set_axis_off()
            continue
        mistake = row.mistakes[place]
        draw_sample(axes, np.nan_to_num(mistake.inputs.astype(np.float64)), scale)
        axes.set_box_aspect(1)
        axes.set_xlabel(f"{fitted(mistake.predicted, WIDTH / SAMPLES - 4)}\n{100 * mistake.confidence:.0f} %")
