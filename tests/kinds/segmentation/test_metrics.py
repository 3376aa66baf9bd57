"""Metrics of masks against scikit-learn's, and what a model shows of the data."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import jaccard_score

from tasks.contracts.targets import TargetCard, Targets
from tasks.kinds.segmentation.metrics import PART as METRICS
from tasks.kinds.segmentation.metrics import Pixels

NAMES = ("sky", "road", "car", "pole")
CARD = TargetCard(names=NAMES, facts={"size": [12, 10]})
Masks = NDArray[np.uint8]


def logits_of(guess: Masks, sure: float = 5.0) -> dict[str, NDArray[np.float32]]:
    return {"logits": (sure * (guess[:, None] == np.arange(len(NAMES))[:, None, None])).astype(np.float32)}


def drawn(pictures: int = 6, right: float = 0.7, seed: int = 0) -> tuple[Masks, Masks]:
    """Returns masks in blocks, and guesses that are right that often."""
    draws = np.random.default_rng(seed)
    blocks = draws.integers(0, len(NAMES), (pictures, 4, 5)).repeat(3, axis=1).repeat(2, axis=2)
    other = draws.integers(0, len(NAMES), blocks.shape)
    guess = np.where(draws.random(blocks.shape) < right, blocks, other)
    return blocks.astype(np.uint8), guess.astype(np.uint8)


def seen(mask: Masks, guess: Masks) -> Pixels:
    return METRICS.evidence(logits_of(guess), Targets({"mask": mask}), CARD)


def values(evidence: Pixels, counts: Any = None) -> dict[str, float]:
    counts = np.ones(len(evidence.loss), dtype=np.int64) if counts is None else np.asarray(counts)
    return {name: float(value[0]) for name, value in METRICS.tally(evidence, counts[None]).items()}


def test_iou_and_its_mean_are_those_of_scikit_learn() -> None:
    mask, guess = drawn()
    found = values(seen(mask, guess))
    expected = jaccard_score(mask.ravel(), guess.ravel(), labels=range(4), average=None)
    assert [found[f"iou/{name}"] for name in NAMES] == pytest.approx(expected)
    assert found["mean_iou"] == pytest.approx(expected.mean())
    assert found["pixel_accuracy"] == pytest.approx((mask == guess).mean())


def test_the_loss_is_that_of_torch() -> None:
    torch = pytest.importorskip("torch")
    mask, guess = drawn()
    mask[:, :2] = 255
    logits = logits_of(guess)["logits"] + np.random.default_rng(1).normal(size=(6, 4, 12, 10)).astype(np.float32)
    evidence = METRICS.evidence({"logits": logits}, Targets({"mask": mask}), CARD)
    expected = torch.nn.functional.cross_entropy(
        torch.from_numpy(logits), torch.from_numpy(mask).long(), ignore_index=255
    )
    assert values(evidence)["loss"] == pytest.approx(float(expected), rel=1e-5)


def test_ignored_pixels_count_nowhere_whatever_is_predicted_there() -> None:
    mask, guess = drawn()
    mask[:, :, :4] = 255
    valid = mask != 255
    found = values(seen(mask, guess))
    expected = jaccard_score(mask[valid], guess[valid], labels=range(4), average="macro")
    assert found["mean_iou"] == pytest.approx(expected)
    guess[~valid] = 3
    assert values(seen(mask, guess)) == found


def test_a_class_that_is_neither_there_nor_predicted_has_no_iou() -> None:
    mask, guess = drawn()
    mask, guess = mask % 3, guess % 3
    found = values(seen(mask, guess))
    assert "iou/pole" not in found
    assert found["mean_iou"] == pytest.approx(
        jaccard_score(mask.ravel(), guess.ravel(), labels=range(3), average="macro")
    )


def test_a_picture_without_any_class_divides_by_nothing() -> None:
    mask, guess = drawn(1)
    found = values(seen(np.full_like(mask, 255), guess))
    assert found == {"mean_iou": 0.0, "pixel_accuracy": 0.0, "loss": 0.0}


def test_a_picture_that_is_drawn_twice_counts_twice() -> None:
    mask, guess = drawn(3)
    twice = np.array([0, 0, 2])
    found, expected = values(seen(mask, guess), [2, 0, 1]), values(seen(mask[twice], guess[twice]))
    assert found == pytest.approx(expected, nan_ok=True)


def test_batches_and_slices_of_evidence_are_those_of_the_pictures() -> None:
    mask, guess = drawn()
    whole = seen(mask, guess)
    joined = METRICS.joined([seen(mask[:2], guess[:2]), seen(mask[2:], guess[2:])])
    assert values(joined) == pytest.approx(values(whole))
    assert values(METRICS.take(whole, np.array([1, 4]))) == pytest.approx(values(seen(mask[[1, 4]], guess[[1, 4]])))


def test_what_stays_of_a_picture_does_not_grow_with_its_pixels() -> None:
    mask, guess = drawn()
    large = seen(mask.repeat(8, axis=1).repeat(8, axis=2), guess.repeat(8, axis=1).repeat(8, axis=2))
    assert large.cells.nbytes == seen(mask, guess).cells.nbytes
    assert values(large)["mean_iou"] == pytest.approx(values(seen(mask, guess))["mean_iou"])


def test_soft_labels_of_a_grid_are_judged_at_its_pixels() -> None:
    mask, guess = drawn()
    coarse = METRICS.evidence(logits_of(guess[:, 2::4, 2::4]), Targets({"mask": mask}), CARD)
    expected = (mask[:, 2::4, 2::4] == guess[:, 2::4, 2::4]).mean()
    assert values(coarse)["pixel_accuracy"] == pytest.approx(expected)


def test_classes_in_another_order_are_found() -> None:
    mask, guess = drawn(right=0.9)
    assert not METRICS.suspicions(seen(mask, guess), CARD)
    (found,) = METRICS.suspicions(seen(mask, (guess + 1) % 4), CARD)
    assert "in the order `sky`, `road`, `car`, `pole`" in found
    assert "if its outputs are `pole`, `sky`, `road`, `car`" in found


@pytest.mark.parametrize(("axis", "by", "side"), [(1, 1, "1 row up"), (2, 1, "to the left"), (1, -1, "1 row down")])
def test_masks_that_lie_a_pixel_beside_their_pictures_are_found(axis: int, by: int, side: str) -> None:
    mask, guess = drawn(30, right=0.97)
    (found,) = METRICS.suspicions(seen(np.roll(mask, by, axis=axis), guess), CARD)
    assert "expected masks that lie on their pictures" in found
    assert side in found


def test_a_class_that_no_model_predicts_is_suspected_to_be_none() -> None:
    mask, guess = drawn(right=0.95)
    guess[guess == 3] = 1
    (found,) = METRICS.suspicions(seen(mask, guess), CARD)
    assert "none of `pole`" in found


def test_a_model_that_knows_nothing_of_its_pictures_is_at_chance() -> None:
    mask, guess = drawn(20)
    assert not METRICS.at_chance(seen(mask, guess))
    assert "where chance alone gives" in METRICS.at_chance(seen(mask, guess[::-1]))


def test_pictures_without_a_pixel_of_any_class_do_not_make_a_model_one_of_chance() -> None:
    mask, guess = drawn(20)
    mask[4:] = 255
    assert not METRICS.at_chance(seen(mask, guess))
    assert METRICS.suspicions(seen(mask, guess), CARD) == METRICS.suspicions(seen(mask[:4], guess[:4]), CARD)
    mask[:] = 255
    assert METRICS.at_chance(seen(mask, guess)) == "no pixel is of a class"
    assert METRICS.suspicions(seen(mask, guess), CARD) == ()


def test_the_constant_answer_is_the_commonest_class_of_each_place() -> None:
    mask = np.zeros((3, 12, 10), dtype=np.uint8)
    mask[:2, 6:] = 1
    constant = METRICS.constant([Targets({"mask": mask})], CARD)
    guess = constant.outputs["logits"][0].argmax(axis=0)
    assert not guess[:6].any()
    assert (guess[6:] == 1).all()


def test_agreement_is_the_part_of_equal_pixels() -> None:
    mask, guess = drawn()
    agreement = METRICS.agreement(logits_of(mask), logits_of(guess))
    assert agreement == pytest.approx((mask == guess).mean(axis=(1, 2)))
