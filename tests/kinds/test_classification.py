import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.metrics import confusion_matrix, f1_score, log_loss, precision_score, recall_score

from tasks.contracts.targets import TargetCard, Targets
from tasks.core.errors import RecipeError
from tasks.kinds.classification import head, loss
from tasks.kinds.classification.metrics import BINS, PART, Outcomes, confusion_of
from tasks.kinds.classification.pictures.reliability import Reliability
from tasks.kinds.contract import LossPart, part

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
    with pytest.raises(RecipeError, match=r"`data.task`: expected one of classification, .*, got telepathy"):
        part("telepathy", "loss", LossPart)


def test_the_parts_take_the_questions_from_the_card() -> None:
    card = TargetCard(names=CLASSES, facts={"heads": {"cell": ["mono", "poly"]}})
    assert loss.PART.heads(card) == ("label", "cell")
    assert head.PART.width(card) == 6


TARGETS = TargetCard(names=CLASSES)
ONCE = np.ones((1, 300), dtype=np.int64)


def evidence(logits: np.ndarray, labels: np.ndarray, card: TargetCard = TARGETS) -> Outcomes:
    return PART.evidence({"logits": logits}, Targets({"label": labels}), card)


def values(logits: np.ndarray, labels: np.ndarray, card: TargetCard = TARGETS) -> dict[str, float]:
    counts = np.ones((1, len(labels)), dtype=np.int64)
    return {name: float(value[0]) for name, value in PART.tally(evidence(logits, labels, card), counts).items()}


def test_accuracy_and_loss_are_those_of_scikit_learn() -> None:
    logits, labels = drawn()
    scores = values(logits, labels)
    assert scores["accuracy"] == np.mean(logits.argmax(axis=1) == labels)
    assert scores["loss"] == pytest.approx(log_loss(labels, softmax(logits)), abs=1e-12)
    assert PART.metrics[0].name in scores


def test_loss_of_huge_logits_is_finite() -> None:
    logits = np.array([[1e4, -1e4], [0, 6e4]], np.float16)
    card = TargetCard(names=("a", "b"))
    assert values(logits, np.array([1, 1]), card)["loss"] == pytest.approx(1e4, rel=1e-3)


def test_hard_loss_and_confidence_of_torch_agree_with_numpy() -> None:
    logits, labels = drawn()
    outputs, targets = {"logits": torch.from_numpy(logits)}, {"label": torch.from_numpy(labels)}
    hard = loss.PART.losses(outputs, targets, TARGETS, 0.0)
    assert float(hard["label"]) == pytest.approx(values(logits, labels)["loss"], rel=1e-5)
    (rows,) = loss.PART.rows(outputs, outputs, targets, TARGETS, "sequence")
    np.testing.assert_allclose(rows.certainty, softmax(logits).max(axis=1), rtol=1e-5)


def test_the_best_constant_answer_is_the_commonest_class_with_the_least_cross_entropy() -> None:
    card = TargetCard(names=("a", "b", "None"), facts={"heads": {"cell": ["mono", "poly"]}})
    trained = [
        Targets({"label": np.array([2, 2, 1]), "cell": np.array([0, 0, 1])}),
        Targets({"label": np.array([2]), "cell": np.array([0])}),
    ]
    constant = PART.constant(trained, card)
    assert constant.words == "always answering None"
    outputs = {name: np.repeat(output, 4, axis=0) for name, output in constant.outputs.items()}
    targets = Targets({"label": np.array([2, 2, 1, 2]), "cell": np.array([0, 0, 1, 1])})
    scores = PART.tally(PART.evidence(outputs, targets, card), np.ones((1, 4), dtype=np.int64))
    assert scores["accuracy"] == 0.75
    assert scores["right/cell"] == 0.5
    assert scores["loss"] == pytest.approx(log_loss([2, 2, 1, 2], np.tile([0.5, 1, 3], (4, 1)) / 4.5, labels=[0, 1, 2]))


def test_tally_gives_the_scores_of_scikit_learn_for_every_data_set() -> None:
    logits, labels = drawn()
    scores = PART.tally(evidence(logits, labels), np.concatenate([ONCE, 2 * ONCE]))
    predicted = logits.argmax(axis=1)
    np.testing.assert_allclose(scores["accuracy"], np.mean(predicted == labels))
    np.testing.assert_allclose(scores["macro_recall"], recall_score(labels, predicted, average="macro"))
    np.testing.assert_allclose(scores["macro_f1"], f1_score(labels, predicted, average="macro"))
    for place, name in enumerate(CLASSES):
        precision = precision_score(labels, predicted, average=None)[place]
        np.testing.assert_allclose(scores[f"precision/{name}"], precision)
        np.testing.assert_allclose(scores[f"recall/{name}"], recall_score(labels, predicted, average=None)[place])


def test_batches_give_the_evidence_of_all_samples() -> None:
    logits, labels = drawn()
    parts = [evidence(logits[at : at + 70], labels[at : at + 70]) for at in range(0, 300, 70)]
    whole = PART.tally(evidence(logits, labels), ONCE)
    assert PART.tally(PART.joined(parts), ONCE) == whole


def test_classes_without_samples_are_left_out_of_means_and_have_no_value() -> None:
    scores = values(np.eye(4)[[0, 1, 1]], np.array([0, 1, 0]))
    assert scores["macro_recall"] == pytest.approx((0.5 + 1) / 2)
    assert {name for name in scores if name.startswith("recall/")} == {"recall/a", "recall/b"}
    assert PART.support(evidence(np.eye(4)[[0, 1, 1]], np.array([0, 1, 0]))) == {"a": 2, "b": 1, "c": 0, "d": 0}


def test_calibration_error_is_that_of_the_definition_bin_by_bin() -> None:
    logits, labels = drawn()
    confidence, hits = softmax(logits).max(axis=1), logits.argmax(axis=1) == labels
    expected = 0.0
    for low, high in [(i / BINS, (i + 1) / BINS) for i in range(BINS)]:
        inside = (confidence > low) & (confidence <= high)
        if inside.any():
            expected += inside.mean() * abs(hits[inside].mean() - confidence[inside].mean())
    assert values(logits, labels)["calibration_error"] == pytest.approx(expected, abs=1e-12)
    bins = Reliability.of(confidence, hits)
    assert bins.error == pytest.approx(expected, abs=1e-12)
    assert bins.samples.sum() == len(labels)
    assert ((bins.low < bins.confidence) & (bins.confidence <= bins.high)).all()


def test_calibration_error_of_certain_and_right_is_zero_and_of_certain_and_wrong_is_one() -> None:
    logits, card = np.array([[100.0, 0], [0, 100.0]]), TargetCard(names=("a", "b"))
    for labels, error in ((np.array([0, 1]), 0), (np.array([1, 0]), 1)):
        assert values(logits, labels, card)["calibration_error"] == pytest.approx(error)


def test_confusion_counts_labels_in_rows_and_predictions_in_columns() -> None:
    logits, labels = drawn()
    expected = confusion_matrix(labels, logits.argmax(axis=1))
    np.testing.assert_array_equal(confusion_of(evidence(logits, labels), 4), expected)


def test_agreement_counts_equal_answers_right_or_wrong() -> None:
    ours, theirs = np.eye(3)[[0, 1, 2]], np.eye(3)[[0, 2, 2]] * 7
    assert PART.agreement({"logits": ours}, {"logits": theirs}).tolist() == [1, 0, 1]


def test_scikit_learn_is_not_imported_before_it_is_needed() -> None:
    code = "import sys, tasks.kinds.classification.metrics; sys.exit('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
