"""Losses and rows of pixels."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from tasks.contracts.targets import TargetCard
from tasks.kinds.segmentation.loss import PART as LOSSES
from tasks.kinds.segmentation.loss import grid

CARD = TargetCard(names=("a", "b", "c"), facts={"size": [12, 16]})


def drawn(ignored: float = 0.3) -> tuple[Tensor, Tensor]:
    """Returns logits and masks of two pictures, a part of whose pixels are of no class."""
    draws = np.random.default_rng(4)
    mask = draws.integers(0, 3, (2, 12, 16))
    mask[draws.random(mask.shape) < ignored] = 255
    return torch.from_numpy(draws.normal(size=(2, 3, 12, 16)).astype(np.float32)), torch.from_numpy(mask).byte()


def loss(logits: Tensor, mask: Tensor, smoothing: float = 0.0, **facts: object) -> Tensor:
    card = CARD.model_copy(update={"facts": {**CARD.facts, **facts}})
    return LOSSES.losses({"logits": logits}, {"mask": mask}, card, smoothing)["mask"]


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_hard_loss_is_the_mean_over_pixels_that_have_a_class(smoothing: float) -> None:
    logits, mask = drawn()
    expected = functional.cross_entropy(logits, mask.long(), ignore_index=255, label_smoothing=smoothing)
    torch.testing.assert_close(loss(logits, mask, smoothing), expected)


def test_rare_classes_weigh_what_the_recipe_says() -> None:
    logits, mask = drawn()
    weight = torch.tensor([1.0, 4.0, 1.0])
    expected = functional.cross_entropy(logits, mask.long(), weight, ignore_index=255)
    torch.testing.assert_close(loss(logits, mask, weights={"b": 4.0}), expected)


def test_pixels_at_a_boundary_weigh_more_where_the_recipe_says_so() -> None:
    logits, _ = drawn()
    mask = torch.zeros(2, 12, 16, dtype=torch.uint8)
    mask[:, :, 8:] = 1
    weights = torch.ones(2, 12, 16)
    weights[:, :, 7:9] = 3.0
    each = functional.cross_entropy(logits, mask.long(), reduction="none")
    torch.testing.assert_close(loss(logits, mask, boundary=2.0), (each * weights).sum() / weights.sum())


def test_a_batch_without_any_class_has_a_loss_of_zero_and_a_gradient_of_zero() -> None:
    logits, mask = drawn()
    logits.requires_grad_()
    value = loss(logits, torch.full_like(mask, 255), weights={"b": 2.0}, boundary=1.0)
    value.backward()  # type: ignore[no-untyped-call]
    assert float(value.detach()) == 0
    assert logits.grad is not None
    assert not logits.grad.any()


def test_rows_are_the_valid_pixels_of_a_grid_and_those_of_a_picture_share_its_weight() -> None:
    ours, mask = drawn()
    theirs = LOSSES.given(LOSSES.kept({"logits": ours.flip(0)}))
    (rows,) = LOSSES.rows({"logits": ours}, theirs, {"mask": mask}, CARD, "sequence")
    valid = grid(mask) != 255
    assert len(rows.student) == len(rows.teacher) == int(valid.sum())
    assert rows.labels is not None
    assert rows.weights is not None
    assert torch.equal(rows.labels, grid(mask)[valid].long())
    assert float(rows.weights.sum()) == pytest.approx(2.0)
    place = torch.nonzero(valid)[5].tolist()
    torch.testing.assert_close(rows.student[5], grid(ours)[place[0], :, place[1], place[2]])
    torch.testing.assert_close(rows.teacher[5], grid(ours.flip(0))[place[0], :, place[1], place[2]])


def test_a_picture_of_no_class_adds_no_rows() -> None:
    ours, mask = drawn(0.0)
    mask[0] = 255
    (rows,) = LOSSES.rows({"logits": ours}, {"logits": ours}, {"mask": mask}, CARD, "sequence")
    assert rows.weights is not None
    assert float(rows.weights.sum()) == pytest.approx(1.0)
