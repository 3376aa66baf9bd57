import numpy as np
import pytest
import torch
from pydantic import JsonValue
from torch.nn import functional

from tasks.contracts.targets import TargetCard, Targets
from tasks.kinds.classification import head, loss
from tasks.kinds.classification.metrics import PART, Outcomes
from tasks.training.heads import HeadWeights, total

FURTHER: dict[str, JsonValue] = {"heads": {"cell": ["mono", "poly"], "site": ["a", "b", "c"]}}
CARD = TargetCard(names=tuple("abcd"), facts=FURTHER)
ALONE = TargetCard(names=tuple("abcd"))


def drawn(samples: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Logits of 4 + 2 + 3 classes and labels (samples, 3)."""
    generator = np.random.default_rng(0)
    labels = np.stack([generator.integers(0, size, samples) for size in (4, 2, 3)], axis=1)
    return generator.normal(size=(samples, 9)).astype(np.float32), labels


def cut(logits: np.ndarray, card: TargetCard = CARD) -> dict[str, torch.Tensor]:
    return head.PART.named(torch.from_numpy(logits), card)


def columns(labels: np.ndarray) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(labels[:, place]) for place, name in enumerate(("label", "cell", "site"))}


def test_a_single_question_has_the_logits_as_they_are() -> None:
    logits = torch.randn(5, 4)
    assert head.PART.named(logits, ALONE)["logits"] is logits
    assert loss.PART.heads(ALONE) == ("label",)
    assert head.PART.width(ALONE) == 4


def test_questions_are_slices_of_the_logits_in_their_order() -> None:
    logits, _ = drawn()
    assert loss.PART.heads(CARD) == ("label", "cell", "site")
    assert head.PART.width(CARD) == 9
    parts = cut(logits)
    assert {name: part.shape[1] for name, part in parts.items()} == {"logits": 4, "logits.cell": 2, "logits.site": 3}
    np.testing.assert_array_equal(np.concatenate([*parts.values()], axis=1), logits)


def test_logits_per_frame_are_cut_along_the_last_axis() -> None:
    parts = head.PART.named(torch.zeros(2, 7, 9), CARD).values()
    assert [part.shape for part in parts] == [(2, 7, 4), (2, 7, 2), (2, 7, 3)]


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_hard_loss_is_the_weighted_sum_of_those_of_the_questions(smoothing: float) -> None:
    logits, labels = drawn()
    expected = [
        functional.cross_entropy(values, target, label_smoothing=smoothing)
        for values, target in zip(cut(logits).values(), columns(labels).values(), strict=True)
    ]
    losses = loss.PART.losses(cut(logits), columns(labels), CARD, smoothing)
    torch.testing.assert_close([*losses.values()], expected)
    weights = HeadWeights({"label": 1.0, "cell": 0.5, "site": 2.0}, loss.PART.heads(CARD))
    torch.testing.assert_close(weights(losses), expected[0] + 0.5 * expected[1] + 2 * expected[2])
    torch.testing.assert_close(total(losses), sum(expected, torch.tensor(0.0)))


def test_the_loss_of_a_single_question_is_the_cross_entropy_to_the_bit() -> None:
    logits, labels = torch.randn(64, 4, requires_grad=True), torch.arange(64) % 4
    ours = HeadWeights("equal", ("label",))(loss.PART.losses({"logits": logits}, {"label": labels}, ALONE, 0.0))
    theirs = functional.cross_entropy(logits, labels)
    assert torch.equal(ours, theirs)
    (mine,) = torch.autograd.grad(ours, logits)
    assert torch.equal(mine, torch.autograd.grad(theirs, logits)[0])


def test_certainty_is_that_of_each_question_alone() -> None:
    logits, labels = drawn()
    rows = loss.PART.rows(cut(logits), cut(logits), columns(labels), CARD, "sequence")
    for one, part in zip(rows, cut(logits).values(), strict=True):
        torch.testing.assert_close(one.certainty, functional.softmax(part, dim=1).amax(dim=1))


def evidence(further: bool) -> Outcomes:
    """What becomes of the samples where there are further questions, and where there are none."""
    logits, labels = drawn()
    outputs = {"logits": logits[:, :4], "logits.cell": logits[:, 4:6], "logits.site": logits[:, 6:]}
    targets = Targets({name: labels[:, place] for place, name in enumerate(("label", "cell", "site"))})
    return PART.evidence(outputs, targets, CARD if further else ALONE)


def test_metrics_are_those_of_the_first_question_and_add_the_accuracy_of_further_ones() -> None:
    logits, labels = drawn()
    once = np.ones((1, 200), dtype=np.int64)
    several, alone = (PART.tally(evidence(further), once) for further in (True, False))
    assert several.keys() - alone.keys() == {"right/cell", "right/site"}
    for name, value in alone.items():
        np.testing.assert_array_equal(several[name], value)
    assert several["accuracy"][0] == np.mean(logits[:, :4].argmax(axis=1) == labels[:, 0])
    assert several["right/site"][0] == np.mean(logits[:, 6:].argmax(axis=1) == labels[:, 2])
