"""Boxes drawn into cells are, decoded again, the same boxes."""

import numpy as np
import pytest

from tasks.contracts.targets import TargetCard
from tasks.kinds.detection.decode import cells_of, found_in
from tasks.kinds.detection.painted import painted

CARD = TargetCard(
    names=("disc", "square"),
    facts={"size": [96, 128], "strides": [4, 8], "least_score": 0.3, "overlap": 0.6, "most": 100},
)


@pytest.mark.parametrize("seed", range(20))
def test_what_is_drawn_is_found_again(seed: int) -> None:
    generator = np.random.default_rng(seed)
    corners = np.array([[x, y] for x in (0, 32, 64, 96) for y in (0, 32, 64)], dtype=np.float32)
    sizes = generator.uniform(3, 30, (12, 2)).astype(np.float32)
    boxes = np.concatenate([corners, corners + sizes], axis=1)
    scores = np.zeros((12, 2), dtype=np.float32)
    scores[np.arange(12), generator.integers(2, size=12)] = generator.uniform(0.1, 0.95, 12)
    found = found_in(*painted(boxes, scores, CARD), CARD.facts, 0.02)
    order = np.argsort(-scores.max(axis=1), kind="stable")
    assert np.abs(found.boxes - boxes[order]).max() < 0.05
    assert np.abs(found.scores - scores.max(axis=1)[order]).max() < 1e-3
    assert np.array_equal(found.classes, scores.argmax(axis=1)[order])


def test_a_large_box_is_told_by_the_coarse_grid_and_a_tiny_one_by_the_nearest_cell() -> None:
    boxes = np.array([[2, 2, 90, 90], [5, 5, 7, 7]], dtype=np.float32)
    classes, _ = painted(boxes, np.array([[0.9, 0], [0, 0.8]], dtype=np.float32), CARD)
    strides = cells_of(CARD.facts).stride
    assert set(strides[classes[0] > 0]) == {8}
    (tiny,) = np.flatnonzero(classes[1] > 0)
    assert strides[tiny] == 4
    assert np.array_equal(cells_of(CARD.facts).middle[tiny], [6, 6])


def test_of_overlapping_boxes_of_a_class_the_best_is_drawn_and_what_is_no_box_is_not() -> None:
    boxes = np.array([[10, 10, 30, 30], [11, 11, 30, 30], [50, 50, 50.5, 60], [200, 10, 220, 30]], dtype=np.float32)
    scores = np.array([[0.7, 0], [0.9, 0], [0.9, 0], [0.9, 0]], dtype=np.float32)
    found = found_in(*painted(boxes, scores, CARD), CARD.facts, 0.02)
    assert np.abs(found.boxes - boxes[[1]]).max() < 0.05


def test_a_picture_without_boxes_says_nothing_anywhere() -> None:
    classes, sides = painted(np.zeros((0, 4), dtype=np.float32), np.zeros((0, 2), dtype=np.float32), CARD)
    assert classes.max() < -6
    assert not found_in(classes, sides, CARD.facts, 0.01).scores.size
