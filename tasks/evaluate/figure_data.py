"""What an evaluation has to show beside its numbers: where the shipped file is wrong, and on which samples."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from tasks.evaluate.evaluate import TEST, Evaluation
from tasks.evaluate.figures.draw import FigureData
from tasks.evaluate.figures.worst import Mistake, WorstClass
from tasks.evaluate.model_under_test import TEACHER
from tasks.evaluate.slices import sample_ids
from tasks.training.arrays import SplitArrays, open_split
from tasks.training.network import PreparedData

WORST_CLASSES, MISTAKES = 4, 4
"""how many classes are shown, and samples of each"""


def figure_data_of(
    judged: Evaluation, chosen: str, data: PreparedData, curves: Mapping[str, NDArray[np.float64]]
) -> FigureData:
    """Returns all that is drawn of an evaluation; `curves` are the learning curves by model."""
    logits, test = judged.logits[chosen], open_split(data.directory, TEST)
    score = next(score for score in judged.scores if score.name == chosen)
    worst = sorted(score.classes, key=lambda one: one.recall)[:WORST_CLASSES]
    shown = (
        WorstClass(one, _mistakes(data, test, logits, data.card.targets.names.index(one.label)))
        for one in worst
        if one.samples and one.recall < 1
    )
    return FigureData(
        scores=judged.scores,
        chosen=chosen,
        teacher=TEACHER,
        metric=data.kind.primary,
        curves={name: curve for name, curve in curves.items() if len(curve)},
        classes=data.card.targets.names,
        confusion=data.kind.confusion(logits, test.labels(), data.card.targets.names),
        worst=tuple(shown),
        spec=data.card.input,
    )


def _mistakes(data: PreparedData, test: SplitArrays, logits: NDArray[np.float32], label: int) -> tuple[Mistake, ...]:
    """Returns the samples of a class that are taken for another one, the most confident first."""
    labels, predicted = data.kind.head_labels(test.labels())[0], data.kind.predict(logits)
    confidence = data.kind.confidence(torch.from_numpy(logits)).numpy()
    wrong = np.flatnonzero((labels == label) & (predicted != label))
    rows = wrong[np.argsort(-confidence[wrong], kind="stable")][:MISTAKES]
    samples, names = test.gather(rows), sample_ids(data.directory, data.card, TEST, rows)
    lengths = samples.inputs.get("lengths", [None] * len(rows))
    return tuple(
        Mistake(inputs[:length], name, data.card.targets.names[predicted[row]], float(confidence[row]))
        for inputs, length, name, row in zip(samples.inputs["inputs"], lengths, names, rows, strict=True)
    )
