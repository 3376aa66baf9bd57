import numpy as np
import pytest
import torch
from pydantic import JsonValue
from torch.nn import functional

from tasks.contracts.targets import TargetCard, Targets
from tasks.kinds.classification.metrics import PART, Outcomes
from tasks.kinds.classification.task_kind import Classification

KIND = Classification({"cell": ("mono", "poly"), "site": ("a", "b", "c")})
ALONE = Classification()


def drawn(samples: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Logits of 4 + 2 + 3 classes and labels (samples, 3)."""
    generator = np.random.default_rng(0)
    labels = np.stack([generator.integers(0, size, samples) for size in (4, 2, 3)], axis=1)
    return generator.normal(size=(samples, 9)).astype(np.float32), labels


def test_a_single_head_has_the_logits_and_labels_as_they_are() -> None:
    logits, labels = torch.randn(5, 4), torch.zeros(5, dtype=torch.int64)
    assert ALONE.heads(logits)[0] is logits
    assert ALONE.head_labels(labels)[0] is labels
    assert ALONE.head_names == ("label",)
    assert ALONE.outputs("abcd") == 4


def test_heads_are_slices_of_the_logits_in_their_order() -> None:
    logits, labels = drawn()
    assert KIND.head_names == ("label", "cell", "site")
    assert KIND.outputs("abcd") == 9
    np.testing.assert_array_equal(np.concatenate(KIND.heads(logits), axis=1), logits)
    assert [part.shape[1] for part in KIND.heads(logits)] == [4, 2, 3]
    np.testing.assert_array_equal(np.stack(KIND.head_labels(labels), axis=1), labels)


def test_logits_per_frame_are_cut_along_the_last_axis() -> None:
    assert [part.shape for part in KIND.heads(torch.zeros(2, 7, 9))] == [(2, 7, 4), (2, 7, 2), (2, 7, 3)]


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_hard_loss_is_the_weighted_sum_of_those_of_the_heads(smoothing: float) -> None:
    logits, labels = (torch.from_numpy(array) for array in drawn())
    expected = [
        functional.cross_entropy(logits[:, start:end], labels[:, place], label_smoothing=smoothing)
        for place, (start, end) in enumerate([(0, 4), (4, 6), (6, 9)])
    ]
    torch.testing.assert_close(KIND.hard_losses(logits, labels, smoothing), torch.stack(expected))
    weights = torch.tensor([1.0, 0.5, 2.0])
    weighted = expected[0] + 0.5 * expected[1] + 2 * expected[2]
    torch.testing.assert_close(KIND.hard_loss(logits, labels, smoothing, weights), weighted)
    torch.testing.assert_close(KIND.hard_loss(logits, labels, smoothing), sum(expected, torch.tensor(0.0)))


def test_the_loss_of_a_single_head_is_the_cross_entropy_to_the_bit() -> None:
    logits, labels = torch.randn(64, 4, requires_grad=True), torch.arange(64) % 4
    ours, theirs = ALONE.hard_loss(logits, labels), functional.cross_entropy(logits, labels)
    assert torch.equal(ours, theirs)
    (mine,) = torch.autograd.grad(ours, logits)
    assert torch.equal(mine, torch.autograd.grad(theirs, logits)[0])


def test_confidence_is_that_of_the_first_head_alone() -> None:
    logits, _ = drawn()
    confidence = KIND.confidence(torch.from_numpy(logits))
    torch.testing.assert_close(confidence, ALONE.confidence(torch.from_numpy(logits[:, :4])))


def evidence(further: bool) -> Outcomes:
    """What becomes of the samples where there are further questions, and where there are none."""
    logits, labels = drawn()
    outputs = {"logits": logits[:, :4], "logits.cell": logits[:, 4:6], "logits.site": logits[:, 6:]}
    targets = Targets({name: labels[:, place] for place, name in enumerate(("label", "cell", "site"))})
    heads: dict[str, JsonValue] = {"heads": {"cell": ["mono", "poly"], "site": ["a", "b", "c"]}}
    return PART.evidence(outputs, targets, TargetCard(names=tuple("abcd"), facts=heads if further else {}))


def test_metrics_are_those_of_the_first_question_and_add_the_accuracy_of_further_ones() -> None:
    logits, labels = drawn()
    once = np.ones((1, 200), dtype=np.int64)
    several, alone = (PART.tally(evidence(further), once) for further in (True, False))
    assert several.keys() - alone.keys() == {"right/cell", "right/site"}
    for name, value in alone.items():
        np.testing.assert_array_equal(several[name], value)
    assert several["accuracy"][0] == np.mean(logits[:, :4].argmax(axis=1) == labels[:, 0])
    assert several["right/site"][0] == np.mean(logits[:, 6:].argmax(axis=1) == labels[:, 2])
