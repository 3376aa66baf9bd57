"""What cells learn: which of them answer for a target, and what soft labels compare."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from params.objectives import Kl
from tasks.contracts.targets import TargetCard
from tasks.distill.objectives.kl import kl
from tasks.kinds.detection.assignment import TAKEN, assign, giou, iou
from tasks.kinds.detection.decode import cells_of, found_in
from tasks.kinds.detection.loss import PART
from tasks.kinds.detection.names import BINS

FACTS = {"size": [32, 48], "strides": [4, 8], "least_score": 0.3, "overlap": 0.6, "most": 100}
CARD = TargetCard(names=("cat", "dog"), facts=FACTS)
CELLS = cells_of(FACTS)
COUNT = len(CELLS.stride)
MIDDLE = torch.from_numpy(CELLS.middle)


def targets(*pictures: list[list[float]]) -> dict[str, Tensor]:
    rows = [torch.tensor(one, dtype=torch.float32).reshape(-1, 6) for one in pictures]
    ends = torch.tensor([0, *map(len, rows)]).cumsum(0)
    return {"boxes": torch.cat(rows), "offsets.boxes": ends}


def outputs(batch: int = 1, seed: int = 0) -> dict[str, Tensor]:
    torch.manual_seed(seed)
    classes = torch.randn(batch, 2, COUNT) - 3
    return {"classes": classes.requires_grad_(), "sides": torch.randn(batch, 4 * BINS, COUNT).requires_grad_()}


def learned(known: dict[str, Tensor], steps: int = 160) -> dict[str, np.ndarray]:
    """Returns logits that minimise the loss."""
    free = outputs(len(known["offsets.boxes"]) - 1)
    optimizer = torch.optim.Adam(free.values(), lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        losses = PART.losses(free, known, CARD, 0.0)
        torch.autograd.backward([*losses.values()])
        optimizer.step()
    return {name: values.detach().numpy() for name, values in free.items()}


def test_what_minimises_the_loss_decodes_to_the_targets() -> None:
    rows = [[3.0, 4, 17, 20, 0, 0], [20.0, 6, 45, 30, 1, 0], [1.0, 25, 4, 28, 1, 0]]
    best = learned(targets(rows, []))
    found = found_in(best["classes"][0], best["sides"][0], FACTS, 0.3)
    assert len(found.scores) == 3
    for row in rows:
        near = np.abs(found.boxes - row[:4]).max(axis=1)
        assert near.min() < 0.5
        assert found.classes[near.argmin()] == row[4]
    assert found.scores.min() > 0.8
    assert not len(found_in(best["classes"][1], best["sides"][1], FACTS, 0.1).scores)


def test_cells_in_something_ignored_learn_nothing() -> None:
    free = outputs()
    inside = ((torch.tensor([20, 6]) < MIDDLE) & (torch.tensor([45, 30]) > MIDDLE)).all(dim=1)
    losses = PART.losses(free, targets([[20, 6, 45, 30, 1, 1]]), CARD, 0.0)
    (gradient,) = torch.autograd.grad(losses["scores"], [free["classes"]])
    assert torch.equal(gradient[0].abs().sum(dim=0) == 0, inside)
    assert losses["places"] == 0


def test_a_batch_without_any_box_has_finite_losses_and_gradients() -> None:
    free = outputs(2)
    losses = PART.losses(free, targets([], []), CARD, 0.0)
    torch.autograd.backward([*losses.values()])
    assert losses["scores"] > 0
    assert losses["places"] == 0
    assert free["classes"].grad is not None
    assert torch.isfinite(free["classes"].grad).all()


def test_smoothing_lowers_the_scores_that_there_should_be() -> None:
    known = targets([[3, 4, 17, 20, 0, 0]])
    plain, smooth = (PART.losses(outputs(), known, CARD, part)["scores"] for part in (0.0, 0.2))
    assert plain > smooth  # of logits near -3: a lower target is nearer to them


def given(rows: list[list[float]], scores: float = 0.5) -> tuple[Tensor, ...]:
    boxes = torch.cat([MIDDLE - 8, MIDDLE + 8], dim=1)[None]
    table = torch.tensor(rows)[None]
    state = torch.where(table[..., 5] > 0, 2, 1)
    return torch.full((1, 2, COUNT), scores), boxes, table[..., :4], table[..., 4].long(), state, MIDDLE


def test_the_cells_that_fit_best_answer_and_the_best_should_say_its_overlap() -> None:
    found = assign(*given([[10.0, 8, 26, 24, 1, 0]]))
    assert found.positive.sum() == TAKEN
    overlap = iou(torch.cat([MIDDLE - 8, MIDDLE + 8], dim=1), torch.tensor([10.0, 8, 26, 24]))
    assert set(overlap.topk(4).indices.tolist()) <= set(found.positive[0].nonzero().flatten().tolist())
    assert found.scores[0, 1].max() == pytest.approx(overlap.max().item())
    assert found.scores[0, 0].max() == 0


def test_a_target_that_holds_the_middle_of_no_cell_gets_the_nearest_one() -> None:
    found = assign(*given([[4.5, 4.5, 5.5, 5.5, 0, 0]]))
    assert MIDDLE[found.positive[0]].tolist() == [[6, 6]]


def test_a_cell_answers_for_one_target_that_it_overlaps_more() -> None:
    found = assign(*given([[10.0, 8, 26, 24, 1, 0], [12, 10, 40, 30, 0, 0]]))
    for place, (label, row) in enumerate([(1, [10.0, 8, 26, 24]), (0, [12.0, 10, 40, 30])]):
        cells = found.positive[0] & (found.target[0] == place)
        assert cells.any()
        assert (found.scores[0, 1 - label, cells] == 0).all()
        middle = MIDDLE[cells]
        assert ((middle > torch.tensor(row[:2])) & (middle < torch.tensor(row[2:]))).all()


def test_overlaps_of_boxes_are_those_of_their_formulas() -> None:
    one, other = torch.tensor([0.0, 0, 4, 2]), torch.tensor([2.0, 0, 6, 4])
    assert iou(one, other).item() == pytest.approx(4 / 20)
    assert giou(one, other).item() == pytest.approx(4 / 20 - (24 - 20) / 24)
    assert giou(one, torch.tensor([8.0, 0, 9, 1])).item() == pytest.approx(-(18 - 9) / 18)


def test_soft_labels_of_classes_are_the_binary_cross_entropy_with_the_teachers_score() -> None:
    student, teacher = outputs(2), {name: values.detach() for name, values in outputs(2, seed=1).items()}
    scores, places = PART.rows(student, teacher, None, CARD, "sequence")
    assert (scores.head, places.head) == PART.heads(CARD)
    losses = kl(scores.student, scores.teacher, None, 1.0, Kl(kind="kl"))
    score = teacher["classes"].sigmoid()
    entropy = functional.binary_cross_entropy(score, score, reduction="none")
    each = functional.binary_cross_entropy_with_logits(student["classes"], score, reduction="none") - entropy
    assert torch.allclose(losses, each.flatten(), atol=1e-5)
    assert scores.weights is not None
    assert torch.allclose(scores.weights.reshape(2, -1).sum(dim=1), torch.ones(2))
    assert scores.labels is None


def test_only_cells_that_the_teacher_believes_in_say_where_sides_are() -> None:
    student, teacher = outputs(2), {name: values.detach() for name, values in outputs(2).items()}
    teacher["classes"] = torch.full_like(teacher["classes"], -9.0)
    teacher["classes"][1, 0, 7] = 2.0
    _, places = PART.rows(student, teacher, None, CARD, "sequence")
    expected = teacher["sides"][1, :, 7].reshape(4, BINS)
    assert torch.equal(places.teacher, expected)
    assert places.weights is not None
    assert places.weights.sum() == pytest.approx(torch.sigmoid(torch.tensor(2.0)).item())


def test_a_teacher_that_believes_in_nothing_leaves_no_row_of_sides_and_no_nan() -> None:
    student, teacher = outputs(), {name: values.detach() for name, values in outputs().items()}
    teacher["classes"] = torch.full_like(teacher["classes"], -20.0)
    scores, places = PART.rows(student, teacher, None, CARD, "sequence")
    assert places.student.shape == (0, BINS)
    assert scores.weights is not None
    assert torch.isfinite(scores.weights).all()


def test_what_soft_labels_keep_gives_the_same_outputs_back() -> None:
    teacher = outputs(3)
    kept = PART.kept(teacher)
    assert kept["classes"].shape == (3, COUNT, 2)
    assert kept["sides"].shape == (3, COUNT, 4, BINS)
    back = PART.given(kept)
    assert all(torch.equal(back[name], teacher[name]) for name in teacher)


def test_the_mean_of_teachers_is_that_of_their_logits() -> None:
    one, other = outputs(), outputs(seed=1)
    mean = PART.mean_of([one, other], [0.25, 0.75])
    assert torch.allclose(mean["sides"], 0.25 * one["sides"] + 0.75 * other["sides"])
