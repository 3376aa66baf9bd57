"""What is drawn of an evaluation; the modules beside this one say how."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.contracts.records import InputSpec
from tasks.contracts.scores import ClassScore, Score


@dataclass(frozen=True)
class Mistake:
    """A test sample of which the shipped file is wrong: its raw inputs without padding, and what was said of it."""

    inputs: NDArray[Any]
    sample: str
    """its id in the table of the split"""
    predicted: str
    confidence: float


@dataclass(frozen=True)
class WorstClass:
    """A class with low recall, and some of its samples, the most confident mistakes first."""

    score: ClassScore
    mistakes: tuple[Mistake, ...]


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
        return next(score for score in self.scores if score.name == self.chosen)
