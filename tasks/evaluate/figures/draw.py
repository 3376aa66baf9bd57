"""All pictures of an evaluation, each where there is something to show."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.contracts.records import InputSpec
from tasks.contracts.scores import Score
from tasks.drawing.svg import Drawing
from tasks.evaluate.figures.confusion import draw_confusion
from tasks.evaluate.figures.curves import draw_curves
from tasks.evaluate.figures.front import draw_front
from tasks.evaluate.figures.reliability import draw_reliability
from tasks.evaluate.figures.slices import draw_slices
from tasks.evaluate.figures.worst import WorstClass, draw_worst


@dataclass(frozen=True)
class FigureData:
    """All that is drawn.

    Attributes:
        scores: of every model, in the order of the tables.
        chosen: the name of the one that ships.
        teacher: the name of the teacher among them.
        metric: the name of the primary metric, as on the axes.
        curves: model -> its primary metric on validation data after each epoch (epochs,), where it is on record.
        classes: of the first head.
        confusion: (classes, classes) test samples of the shipped file: rows are labels, columns predictions.
        worst: at most a few classes, the worst first; those without a mistake are not among them.
        spec: what `Mistake.inputs` are.
    """

    scores: tuple[Score, ...]
    chosen: str
    teacher: str
    metric: str
    curves: Mapping[str, NDArray[np.float64]]
    classes: tuple[str, ...]
    confusion: NDArray[np.int64]
    worst: tuple[WorstClass, ...]
    spec: InputSpec

    @property
    def shipped(self) -> Score:
        """The score of the file that ships."""
        return self.score_of(self.chosen)

    def score_of(self, name: str) -> Score:
        """Returns the score of one model."""
        return next(score for score in self.scores if score.name == name)


def draw(data: FigureData) -> tuple[Drawing, ...]:
    """Returns the pictures that have something to show, in the order they are read; equal data gives equal bytes."""
    drawn = (
        draw_front(data.scores, data.chosen),
        draw_confusion(data.confusion, data.classes),
        draw_worst(data.worst, data.spec),
        draw_slices(data.shipped.slices, data.shipped.accuracy.value),
        draw_reliability(data.shipped, data.score_of(data.teacher)),
        draw_curves(data.curves, data.metric),
    )
    return tuple(drawing for drawing in drawn if drawing is not None)
