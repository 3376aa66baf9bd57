import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.metrics import confusion_matrix, f1_score, log_loss, precision_score, recall_score

from tasks.contracts.records import DatasetCard, InputSpec, Statistics
from tasks.contracts.targets import Column, TargetCard
from tasks.core.errors import RecipeError
from tasks.kinds.kind import find_kind

CARD = DatasetCard(
    name="drawn",
    task="classification",
    input=InputSpec(layout="vector", dtype="float32", shape=(1,)),
    columns=(Column(name="label", dtype="int64"),),
    targets=TargetCard(names=("a", "b", "c", "d")),
    statistics=Statistics(mean=(0,), std=(1,)),
    split_rule={},
    splits={},
)
KIND = find_kind(CARD)
CLASSES = ("a", "b", "c", "d")


def drawn(samples: int = 300, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 4, samples)
    logits = generator.normal(size=(samples, 4)).astype(np.float32)
    logits[np.arange(samples), labels] += 1
    return logits, labels


def softmax(logits: np.ndarray) -> np.ndarray:
    return torch.softmax(torch.from_numpy(logits).double(), dim=1).numpy()


def test_unknown_kind_is_refused_with_the_ones_there_are() -> None:
    with pytest.raises(RecipeError, match=r"`data.task`: expected one of classification, got detection"):
        find_kind(CARD.model_copy(update={"task": "detection"}))


def test_the_kind_of_prepared_data_knows_its_heads() -> None:
    card = TargetCard(names=CLASSES, facts={"heads": {"cell": ["mono", "poly"]}})
    kind = find_kind(CARD.model_copy(update={"targets": card}))
    assert kind.head_names == ("label", "cell")
    assert kind.outputs(CARD.targets.names) == 6


def test_quick_scores_are_those_of_scikit_learn() -> None:
    logits, labels = drawn()
    scores = KIND.quick_scores(logits, labels)
    assert scores["accuracy"] == np.mean(logits.argmax(axis=1) == labels)
    assert scores["loss"] == pytest.approx(log_loss(labels, softmax(logits)), abs=1e-12)
    assert KIND.primary in scores


def test_loss_of_huge_logits_is_finite() -> None:
    logits = np.array([[1e4, -1e4], [0, 6e4]], np.float16)
    assert KIND.quick_scores(logits, np.array([1, 1]))["loss"] == pytest.approx(1e4, rel=1e-3)


def test_hard_loss_and_confidence_of_torch_agree_with_numpy() -> None:
    logits, labels = drawn()
    loss = KIND.hard_loss(torch.from_numpy(logits), torch.from_numpy(labels))
    assert float(loss) == pytest.approx(KIND.quick_scores(logits, labels)["loss"], rel=1e-5)
    np.testing.assert_allclose(KIND.confidence(torch.from_numpy(logits)), softmax(logits).max(axis=1), rtol=1e-5)


def test_tally_gives_the_macro_scores_of_scikit_learn() -> None:
    logits, labels = drawn()
    outcomes, counts = np.unique(KIND.outcomes(logits, labels), return_counts=True)
    scores = KIND.tally(outcomes, np.stack([counts, 2 * counts]), 4)
    predicted = logits.argmax(axis=1)
    np.testing.assert_allclose(scores["accuracy"], np.mean(predicted == labels))
    np.testing.assert_allclose(scores["macro_recall"], recall_score(labels, predicted, average="macro"))
    np.testing.assert_allclose(scores["macro_f1"], f1_score(labels, predicted, average="macro"))


def test_tally_leaves_out_classes_without_samples() -> None:
    outcomes = KIND.outcomes(np.eye(4)[[0, 1, 1]], np.array([0, 1, 0]))
    scores = KIND.tally(outcomes, np.ones((1, 3), np.int64), 4)
    assert scores["macro_recall"][0] == pytest.approx((0.5 + 1) / 2)


def test_class_scores_are_per_class_in_order() -> None:
    logits, labels = drawn()
    scores = KIND.class_scores(logits, labels, CLASSES)
    predicted = logits.argmax(axis=1)
    assert [score.label for score in scores] == list(CLASSES)
    assert [score.samples for score in scores] == np.bincount(labels).tolist()
    np.testing.assert_allclose([s.precision for s in scores], precision_score(labels, predicted, average=None))


def test_class_without_samples_scores_zero() -> None:
    scores = KIND.class_scores(np.eye(3)[[0, 1]], np.array([0, 1]), ("a", "b", "c"))
    assert (scores[2].recall, scores[2].precision, scores[2].samples) == (0, 0, 0)


def test_calibration_error_is_that_of_the_definition_bin_by_bin() -> None:
    logits, labels = drawn()
    confidence, hits = softmax(logits).max(axis=1), logits.argmax(axis=1) == labels
    expected = 0.0
    for low, high in [(i / 10, (i + 1) / 10) for i in range(10)]:
        inside = (confidence > low) & (confidence <= high)
        if inside.any():
            expected += inside.mean() * abs(hits[inside].mean() - confidence[inside].mean())
    bins = KIND.confidence_bins(logits, labels, 10)
    assert KIND.calibration_error(bins) == pytest.approx(expected, abs=1e-12)
    assert sum(one.samples for one in bins) == len(labels)
    assert all(one.low < one.confidence <= one.high for one in bins)
    assert [one.low for one in bins] == sorted({one.low for one in bins})


def test_calibration_error_of_certain_and_right_is_zero_and_of_certain_and_wrong_is_one() -> None:
    logits = np.array([[100.0, 0], [0, 100.0]])
    for labels, error in ((np.array([0, 1]), 0), (np.array([1, 0]), 1)):
        (last,) = KIND.confidence_bins(logits, labels, 15)
        assert (last.high, last.samples) == (1, 2)
        assert KIND.calibration_error([last]) == pytest.approx(error)


def test_confusion_counts_labels_in_rows_and_predictions_in_columns() -> None:
    logits, labels = drawn()
    expected = confusion_matrix(labels, logits.argmax(axis=1))
    np.testing.assert_array_equal(KIND.confusion(logits, labels, "abcdefgh"[: len(expected)]), expected)


def test_agreement_counts_equal_answers_right_or_wrong() -> None:
    ours, theirs = np.eye(3)[[0, 1, 2]], np.eye(3)[[0, 2, 2]] * 7
    assert KIND.agrees(ours, theirs).tolist() == [True, False, True]


def test_scikit_learn_is_not_imported_before_it_is_needed() -> None:
    code = "import sys, tasks.kinds.kind; sys.exit('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
