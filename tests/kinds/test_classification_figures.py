import numpy as np
import pytest

from tasks.evaluate.illustrate import SamplesShown
from tasks.kinds.classification.figures import PART, worst_classes
from tasks.kinds.classification.metrics import PART as METRICS
from tasks.kinds.classification.metrics import Outcomes, confusion_of
from tasks.training.arrays import open_split
from tasks.training.network import PreparedData


def evidence(data: PreparedData, logits: "np.ndarray[tuple[int, int], np.dtype[np.float32]]") -> Outcomes:
    """Returns the evidence of a model that says `logits` of the test split."""
    return METRICS.evidence({"logits": logits}, open_split(data.directory, "test").targets(), data.measuring.card)


def test_the_worst_classes_come_first_with_their_most_confident_mistakes(sequence_data: PreparedData) -> None:
    test = open_split(sequence_data.directory, "test")
    labels, sure = test.targets()["label"], np.linspace(1, 5, 90)
    said = labels.copy()
    said[np.flatnonzero(labels == 2)[:10]] = 0  # ten cedars are called ash
    said[np.flatnonzero(labels == 0)[-1]] = 1  # and one ash is called birch
    logits = np.zeros((90, 3), np.float32)
    logits[np.arange(90), said] = sure
    seen, card = evidence(sequence_data, logits), sequence_data.measuring.card
    worst = worst_classes(seen, card, SamplesShown(sequence_data))
    assert [(one.name, one.samples, one.found) for one in worst] == [("cedar", 30, 20), ("ash", 30, 29)]
    cedar = worst[0].mistakes
    assert [one.predicted for one in cedar] == ["ash"] * 4
    rows = np.flatnonzero(labels == 2)[:10][::-1][:4]
    assert [one.confidence for one in cedar] == pytest.approx(
        [np.exp(s) / (np.exp(s) + 2) for s in sure[rows]], rel=1e-5
    )
    samples = test.gather(rows).inputs
    for one, inputs, length in zip(cedar, samples["inputs"], samples["lengths"], strict=True):
        np.testing.assert_array_equal(one.inputs, inputs[:length])
    assert len({one.sample for one in cedar}) == 4
    assert confusion_of(seen, 3).tolist() == [[29, 1, 0], [0, 30, 0], [10, 0, 20]]
    (table,) = PART.tables({"int8": seen, "teacher": seen}, "int8", card)
    assert [row[0] for row in table.rows] == ["cedar", "ash", "birch"]
    assert table.rows[0] == pytest.approx(("cedar", 2 / 3, 2 / 3, 1.0, 0.8, 30))
    drawn = PART.figures({"int8": seen, "teacher": seen}, "int8", card, SamplesShown(sequence_data))
    assert [one.name for one in drawn] == ["confusion", "worst", "reliability"]


def test_a_model_without_mistakes_has_no_worst_classes(image_data: PreparedData) -> None:
    right = np.eye(3, dtype=np.float32)[open_split(image_data.directory, "test").targets()["label"]]
    seen = evidence(image_data, right)
    assert worst_classes(seen, image_data.measuring.card, SamplesShown(image_data)) == ()
