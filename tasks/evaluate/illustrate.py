"""The tables and pictures of an evaluation: those of every kind of task, and those of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.contracts.records import InputSpec
from tasks.contracts.scores import Table
from tasks.contracts.targets import Targets
from tasks.drawing.svg import Drawing
from tasks.evaluate.evaluate import TEST, Evaluation
from tasks.evaluate.evidence import Answering
from tasks.evaluate.figures.curves import draw_curves
from tasks.evaluate.figures.front import draw_front
from tasks.evaluate.figures.slices import draw_slices
from tasks.evaluate.slices import sample_ids
from tasks.kinds.contract import Arrays, FiguresPart, part
from tasks.layouts import find_layout
from tasks.training.arrays import open_split
from tasks.training.network import PreparedData


@dataclass(frozen=True)
class SamplesShown:
    """Samples of the test split, to be looked at; `shipped` answers for them."""

    data: PreparedData
    shipped: Answering | None = None

    @property
    def spec(self) -> InputSpec:
        """What one sample looks like."""
        return self.data.card.input

    def at(self, rows: NDArray[np.int64]) -> list[tuple[NDArray[Any], str]]:
        """Returns the raw inputs, without padding, and the id of the sample at each row."""
        samples = open_split(self.data.directory, TEST).gather(rows)
        names = sample_ids(self.data.directory, self.data.card, TEST, rows)
        return list(zip(find_layout(self.spec.layout).samples(samples.inputs), names, strict=True))

    def targets(self, rows: NDArray[np.int64]) -> Targets:
        """Returns what should be predicted for the sample at each row."""
        return open_split(self.data.directory, TEST).gather(rows).targets

    def outputs(self, rows: NDArray[np.int64]) -> Arrays:
        """Returns what the file that ships makes of the sample at each row."""
        assert self.shipped is not None, "given where figures are drawn"
        return self.shipped.predict(open_split(self.data.directory, TEST).gather(rows).inputs)


def illustrate(
    judged: Evaluation,
    chosen: str,
    data: PreparedData,
    curves: Mapping[str, NDArray[np.float64]],
    session: Answering,
) -> tuple[tuple[Table, ...], tuple[Drawing, ...]]:
    """Returns tables, and pictures in the order they are read, each where there is something to show.

    `curves` are the deciding metric on validation data after each epoch (epochs,), by model; `session` is the file that
    ships. Equal data gives equal bytes.
    """
    metric, card = data.measuring.deciding, data.measuring.card
    own: FiguresPart[Any] = part(data.card.task, "figures", FiguresPart)
    shipped = next(score for score in judged.scores if score.name == chosen)
    drawn = (
        draw_front(metric, judged.scores, chosen),
        *own.figures(judged.evidence, chosen, card, SamplesShown(data, session)),
        draw_slices(metric, shipped.slices, shipped.metrics[metric.name].value),
        draw_curves(metric, curves),
    )
    tables = tuple(own.tables(judged.evidence, chosen, card))
    return tables, tuple(drawing for drawing in drawn if drawing is not None)
