"""Boxes as data checks, encodes and describes them, and as augmentation moves them."""

from typing import Any

import numpy as np
import pytest

from params.training import Augment
from tasks.contracts.records import InputSpec, Statistics
from tasks.contracts.targets import BadTargetError, TargetCard, Targets
from tasks.kinds.contract import Declared, Geometry, Raw, TargetsPart
from tasks.kinds.detection.geometry import VISIBLE
from tasks.kinds.detection.targets import PART
from tasks.training.arrays import Arrays
from tasks.training.augment import Augmenter

KIND: TargetsPart = PART
SIZE = (32, 48)
FACTS = {"size": SIZE, "strides": (8,), "least_score": 0.3, "overlap": 0.6, "most": 100}
DECLARED: Declared = {"boxes": {"names": ("cat", "dog"), **FACTS}}
CARD = TargetCard(names=("cat", "dog"), facts={**FACTS, "size": [*SIZE], "strides": [8]})


def raw(*boxes: tuple[float, float, float, float, str, bool]) -> Raw:
    return {"boxes": [box[:4] for box in boxes], "names": [box[4] for box in boxes], "ignored": [b[5] for b in boxes]}


TWO = raw((1, 2, 11, 22, "dog", False), (0, 0, 48, 32, "cat", True))


def targets(*pictures: Raw) -> Targets:
    rows = [KIND.encode(one, DECLARED, CARD)["boxes"] for one in pictures]
    ends = np.cumsum([0, *map(len, rows)]).astype(np.int64)
    return Targets({"boxes": np.concatenate(rows)}, {"boxes": ends})


def test_boxes_are_rows_of_six_numbers() -> None:
    rows = KIND.encode(TWO, DECLARED, CARD)["boxes"]
    assert rows.tolist() == [[1, 2, 11, 22, 1, 0], [0, 0, 48, 32, 0, 1]]
    assert KIND.encode(raw(), DECLARED, CARD)["boxes"].shape == (0, 6)
    (column,) = KIND.columns(CARD)
    assert (column.name, column.shape, column.ragged) == ("boxes", (6,), True)


def test_of_tiles_the_picture_is_kept_and_follows_them() -> None:
    said = TargetCard(names=CARD.names, facts={**CARD.facts, "tiled": True})
    encoded = [KIND.encode({**TWO, "picture": name}, DECLARED, said) for name in ("a.png", "b.png", "a.png")]
    numbers = np.array([one["picture"] for one in encoded])
    assert numbers[0] == numbers[2] != numbers[1]
    assert [column.name for column in KIND.columns(said)] == ["boxes", "picture"]
    ends = np.array([0, 2, 4, 6])
    tiles = Targets({"boxes": np.concatenate([one["boxes"] for one in encoded]), "picture": numbers}, {"boxes": ends})
    assert np.array_equal(KIND.translated(tiles, said, said)["picture"], numbers)
    still = Geometry(np.tile(np.eye(3)[:2], (3, 1, 1)), SIZE)
    assert np.array_equal(KIND.moved(tiles, still)["picture"], numbers)


def test_gists_agree_whatever_the_order_of_boxes_and_differ_where_a_box_does() -> None:
    gist = KIND.gist(TWO, DECLARED)
    turned = raw((0, 0, 48, 32, "cat", True), (1, 2, 11, 22, "dog", False))
    assert gist == KIND.gist(turned, DECLARED)
    assert gist != KIND.gist(raw((1, 2, 11, 22, "dog", True), (0, 0, 48, 32, "cat", True)), DECLARED)
    assert hash(gist)


@pytest.mark.parametrize(
    ("box", "told"),
    [
        (
            (10, 2, 4, 22, "dog", False),
            r"x0 < x1 and y0 < y1, got \(10, 2, 4, 22\) \(one of 1 in 1\); are they",
        ),
        ((1, 2, 1, 22, "dog", False), "x0 < x1"),
        ((1, 2, 49, 22, "dog", False), r"inside of a picture of 48 x 32 pixels, got \(1, 2, 49, 22\)"),
        ((-1, 2, 40, 22, "dog", False), "inside of a picture"),
        ((1, float("nan"), 40, 22, "dog", False), "NaN or infinite"),
        ((1, 2, 40, 22, "cow", False), "boxes of `cat`, `dog`, got one of `cow`"),
    ],
)
def test_a_box_that_is_none_is_named(box: Any, told: str) -> None:
    with pytest.raises(BadTargetError, match=told):
        KIND.gist(raw(box), DECLARED)


def test_targets_of_another_kind_and_of_unequal_lengths_are_refused() -> None:
    with pytest.raises(BadTargetError, match="expected boxes, got none"):
        KIND.gist({"label": "cat"}, DECLARED)
    with pytest.raises(BadTargetError, match="got 1 boxes, 0 names, 1 marks"):
        KIND.gist({"boxes": [(1, 2, 3, 4)], "names": [], "ignored": [False]}, DECLARED)


def test_an_ignored_box_may_be_of_a_class_that_is_not_declared() -> None:
    rows = KIND.encode(raw((1, 2, 40, 22, "crowd", True)), DECLARED, CARD)["boxes"]
    assert rows[0, 5] == 1


def test_classes_are_the_declared_ones_or_those_that_are_found() -> None:
    gists = [KIND.gist(one, {"boxes": {**FACTS, "names": ()}}) for one in (TWO, raw((1, 1, 5, 5, "ant", False)))]
    assert KIND.card(gists, {"boxes": {**FACTS, "names": ()}}).names == ("ant", "dog")
    assert KIND.card(gists, DECLARED).names == ("cat", "dog")
    assert KIND.card([], DECLARED).facts["size"] == [*SIZE]


def test_classes_without_boxes_and_boxes_beyond_reach_are_problems() -> None:
    told = [*KIND.problems([KIND.gist(TWO, DECLARED)], CARD)]
    assert len(told) == 1
    assert "expected boxes of `cat`" in told[0]
    wide: Declared = {"boxes": {**FACTS, "size": (400, 400), "names": ("dog",)}}
    card = TargetCard(names=("dog",), facts={**CARD.facts, "size": [400, 400]})
    (problem,) = KIND.problems([KIND.gist(raw((0, 0, 241, 30, "dog", False)), wide)], card)
    assert "at most 240 pixels" in problem
    assert "add 16 to" in problem
    assert not [*KIND.problems([KIND.gist(raw((0, 0, 240, 30, "dog", False)), wide)], card)]


def test_the_summary_counts_boxes_pictures_and_those_without_any() -> None:
    others = targets(raw((1, 2, 3, 4, "dog", False), (4, 4, 9, 9, "dog", False)))
    summary = KIND.summary([targets(TWO, raw()), others], CARD)

    assert summary["boxes"] == {"cat": 0, "dog": 3, "ignored": 1}
    assert summary["pictures"] == {"cat": 0, "dog": 2, "without boxes": 1}
    assert KIND.groups(targets(TWO, raw())).tolist() == [2, 0]


def test_a_class_that_the_other_card_does_not_know_is_ignored() -> None:
    rows = KIND.translated(targets(TWO), CARD, TargetCard(names=("dog",)))["boxes"]
    assert rows[:, 4:].tolist() == [[0, 0], [0, 1]]
    rows = KIND.translated(targets(raw((1, 2, 3, 4, "cat", False))), CARD, TargetCard(names=("dog",)))["boxes"]
    assert rows[:, 4:].tolist() == [[0, 1]]


def made(steps: tuple[dict[str, Any], ...], size: tuple[int, int]) -> Augmenter:
    spec = InputSpec(layout="image", dtype="uint8", shape=(1, *size))
    return Augmenter(Augment.model_validate({"steps": steps}), spec, Statistics(mean=(99.0,), std=(50.0,)), 5, PART)


def bright(boxes: Targets) -> np.ndarray:
    """Returns pictures (n, 1, height, width) that are bright inside of their boxes."""
    shown = np.full((len(boxes), 1, *SIZE), 40, dtype=np.uint8)
    for place, (start, end) in enumerate(zip(boxes.offsets("boxes")[:-1], boxes.offsets("boxes")[1:], strict=True)):
        for x0, y0, x1, y1 in boxes["boxes"][start:end, :4].round().astype(int):
            shown[place, 0, y0:y1, x0:x1] = 200
    return shown


@pytest.mark.parametrize(
    "steps",
    [
        ({"kind": "flip", "horizontal": True, "vertical": True},),
        ({"kind": "shift", "pixels": 3},),
        ({"kind": "flip"}, {"kind": "shift", "pixels": 2}),
    ],
)
def test_moved_boxes_lie_where_the_moved_picture_shows_them(steps: tuple[dict[str, Any], ...]) -> None:
    draws, pictures = np.random.default_rng(3), []
    for _ in range(30):
        x0, y0 = draws.integers(4, 20, 2)
        pictures.append(raw((x0, y0, x0 + draws.integers(4, 12), y0 + draws.integers(3, 8), "dog", False)))
    before = targets(*pictures, raw())
    augmenter = made(steps, SIZE)
    arrays = Arrays({"inputs": bright(before)}, before, np.arange(31), np.ones(31, dtype=np.bool_))
    after = augmenter.apply(arrays, view=1)
    assert np.array_equal(after.inputs["inputs"] == 200, bright(after.targets) == 200)
    assert not np.array_equal(after.targets["boxes"], before["boxes"])
    assert after.targets.offsets("boxes").tolist() == [*range(31), 30]


@pytest.mark.parametrize("steps", [({"kind": "crop", "smallest": 0.5},), ({"kind": "dihedral"},)])
def test_enlarged_and_turned_boxes_hold_the_bright_pixels(steps: tuple[dict[str, Any], ...]) -> None:
    side = (48, 48)
    draws = np.random.default_rng(4)
    shown, rows = np.full((40, 1, *side), 40, dtype=np.uint8), np.zeros((40, 6), dtype=np.float32)
    for place in range(40):
        x0, y0 = draws.integers(2, 24, 2)
        x1, y1 = x0 + draws.integers(8, 20), y0 + draws.integers(6, 20)
        shown[place, 0, y0:y1, x0:x1], rows[place, :4] = 200, (x0, y0, x1, y1)
    augmenter = made(steps, side)
    boxes = Targets({"boxes": rows}, {"boxes": np.arange(41)})
    arrays = Arrays({"inputs": shown}, boxes, np.arange(40), np.ones(40, np.bool_))
    after = augmenter.apply(arrays, view=0)
    ends = after.targets.offsets("boxes")
    for place in range(40):
        found = np.argwhere(after.inputs["inputs"][place, 0] > 120)
        box = after.targets["boxes"][ends[place] : ends[place + 1], :4]
        if len(box):
            (y0, x0), (y1, x1) = found.min(axis=0), found.max(axis=0) + 1
            assert np.abs(box[0] - (x0, y0, x1, y1)).max() <= 1.01
    assert ends[-1] >= 30


def test_a_box_that_mostly_left_the_picture_is_ignored_and_one_that_left_is_dropped() -> None:
    before = targets(
        raw((0, 0, 10, 10, "dog", False)), raw((20, 0, 30, 10, "cat", False)), raw((0, 20, 10, 30, "cat", False))
    )
    for away, marks in ((10 * (1 - VISIBLE) - 0.1, [0, 0, 0]), (10 * (1 - VISIBLE) + 0.1, [1, 0, 1]), (9.5, [0])):
        matrix = np.tile(np.array([[1.0, 0, 0], [0, 1, -away]]), (3, 1, 1))
        after = KIND.moved(before, Geometry(matrix, SIZE))
        assert after["boxes"][:, 5].tolist() == marks
        assert after["boxes"][:, 0].min() >= 0
    assert after.offsets("boxes").tolist() == [0, 0, 1, 1]
