from pathlib import Path

import numpy as np
import pytest

from tasks.contracts.metrics import Interval
from tasks.contracts.scores import ClassScore, Score
from tasks.evaluate.evaluate import Evaluation
from tasks.evaluate.figure_data import figure_data_of
from tasks.training.arrays import open_split
from tasks.training.network import PreparedData

SURE = Interval(value=1, low=1, high=1)


def judged(data: PreparedData, logits: "np.ndarray[tuple[int, int], np.dtype[np.float32]]") -> Evaluation:
    """Returns an evaluation of one model that says `logits` of the test split."""
    labels = open_split(data.directory, "test").labels()
    classes: tuple[ClassScore, ...] = data.kind.class_scores(logits, labels, data.card.targets.names)
    numbers = {"calibration_error": 0, "size": 1, "p50_ms": 1, "p95_ms": 1, "parity": 0, "parameters": 1}
    intervals = dict.fromkeys(("accuracy", "macro_recall", "macro_f1", "agreement"), SURE)
    score = Score.model_validate({"name": "int8", "classes": classes, **numbers, **intervals})
    return Evaluation((score,), SURE, (), {"int8": logits})


def test_the_worst_classes_come_first_with_their_most_confident_mistakes(sequence_data: PreparedData) -> None:
    test = open_split(sequence_data.directory, "test")
    labels, sure = test.labels(), np.linspace(1, 5, 90)
    said = labels.copy()
    said[np.flatnonzero(labels == 2)[:10]] = 0  # ten cedars are called ash
    said[np.flatnonzero(labels == 0)[-1]] = 1  # and one ash is called birch
    logits = np.zeros((90, 3), np.float32)
    logits[np.arange(90), said] = sure
    figure_data = figure_data_of(
        judged(sequence_data, logits), "int8", sequence_data, {"teacher": np.ones(3), "none": np.empty(0)}
    )
    assert [one.score.label for one in figure_data.worst] == ["cedar", "ash"]
    cedar = figure_data.worst[0].mistakes
    assert [one.predicted for one in cedar] == ["ash"] * 4
    rows = np.flatnonzero(labels == 2)[:10][::-1][:4]
    assert [one.confidence for one in cedar] == pytest.approx(
        [np.exp(s) / (np.exp(s) + 2) for s in sure[rows]], rel=1e-5
    )
    samples = test.gather(rows).inputs
    for one, inputs, length in zip(cedar, samples["inputs"], samples["lengths"], strict=True):
        np.testing.assert_array_equal(one.inputs, inputs[:length])
    assert len({one.sample for one in cedar}) == 4
    assert figure_data.confusion.tolist() == [[29, 1, 0], [0, 30, 0], [10, 0, 20]]
    assert list(figure_data.curves) == ["teacher"]
    assert figure_data.shipped.name == "int8"


def test_a_model_without_mistakes_has_no_worst_classes(image_data: PreparedData, tmp_path: Path) -> None:
    right = np.eye(3, dtype=np.float32)[open_split(image_data.directory, "test").labels()]
    assert figure_data_of(judged(image_data, right), "int8", image_data, {}).worst == ()
