"""Metrics of boxes: equal to pycocotools, and the same whether pictures are repeated or counted twice."""

import contextlib
import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.contracts.targets import TargetCard, Targets
from tasks.kinds.contract import MetricsPart
from tasks.kinds.detection.decode import FoundBoxes
from tasks.kinds.detection.matching import SIZES, match
from tasks.kinds.detection.metrics import PART, Matched
from tasks.kinds.detection.readings import OtherReadings, looks_of

KIND: MetricsPart[Matched] = PART
NAMES = ("a", "b", "c")
CARD = TargetCard(
    names=NAMES, facts={"size": [200, 200], "strides": [8], "least_score": 0.3, "overlap": 0.6, "most": 100}
)
Case = list[tuple[FoundBoxes, NDArray[np.float32]]]


def drawn(seed: int) -> Case:
    """Returns pictures with targets and boxes near some of them; some without either, some with crowds."""
    draws = np.random.default_rng(seed)
    classes = int(draws.integers(1, 4))
    case = []
    for _ in range(int(draws.integers(1, 6))):
        targets = int(draws.choice([0, 1, 3, 8]))
        rows = np.zeros((targets, 6), dtype=np.float32)
        start, sides = draws.uniform(0, 100, (targets, 2)), draws.choice([10, 31.9, 32, 50, 96, 99], (targets, 2))
        rows[:, :2], rows[:, 2:4] = start.round(draws.integers(0, 3)), start + sides
        rows[:, 4], rows[:, 5] = draws.integers(0, classes, targets), draws.uniform(size=targets) < 0.2
        near = rows[draws.integers(0, targets, int(draws.integers(0, 12)))] if targets else rows
        boxes = near[:, :4] + draws.normal(0, draws.choice([0, 1, 5]), (len(near), 4))
        extra = draws.uniform(0, 80, (int(draws.integers(0, 5)), 2))
        boxes = np.concatenate([boxes, np.concatenate([extra, extra + draws.uniform(5, 90, extra.shape)], axis=1)])
        kinds = np.concatenate([near[:, 4], draws.integers(0, classes + 1, len(extra))]).astype(np.int64)
        kinds = np.minimum(kinds, len(NAMES) - 1)
        scores = draws.uniform(size=len(boxes)).round(int(draws.choice([1, 6])))
        order = np.argsort(-scores, kind="stable")
        boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 1)
        case.append((FoundBoxes(boxes[order].astype(np.float32), scores[order].astype(np.float32), kinds[order]), rows))
    return case


def matched(case: Case) -> Matched:
    results = [match(found, rows, len(NAMES)) for found, rows in case]
    return Matched(
        np.cumsum([0, *(len(one.of) for one in results)]),
        np.concatenate([one.found.scores for one in results]),
        np.concatenate([one.found.classes for one in results]),
        np.concatenate([one.of for one in results]),
        np.stack([one.truths for one in results]),
        np.zeros(len(case)),
        OtherReadings.joined([looks_of(found, rows, CARD) for found, rows in case]),
        NAMES,
        0.3,
    )


def by_coco(case: Case) -> dict[str, float]:
    """Returns what pycocotools makes of a case; -1 is what it says of nothing to find."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    answers: list[dict[str, Any]] = []
    for number, (found, rows) in enumerate(case, start=1):
        images.append({"id": number, "width": 400, "height": 400})
        for row in rows.astype(np.float64):
            box = [row[0], row[1], row[2] - row[0], row[3] - row[1]]
            said = {"id": len(annotations) + 1, "image_id": number, "category_id": int(row[4]) + 1, "bbox": box}
            annotations.append({**said, "area": box[2] * box[3], "iscrowd": int(row[5])})
        for box, score, kind in zip(found.boxes.astype(np.float64), found.scores, found.classes, strict=True):
            sides = [box[0], box[1], box[2] - box[0], box[3] - box[1]]
            said = {"image_id": number, "category_id": int(kind) + 1, "bbox": sides, "score": float(score)}
            answers.append(said)
    categories = [{"id": place, "name": name} for place, name in enumerate(NAMES, start=1)]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {"images": images, "annotations": annotations, "categories": categories}
        truth.createIndex()
        answered = truth.loadRes(answers) if answers else COCO()
        if not answers:
            answered.dataset = {"images": images, "annotations": [], "categories": categories}
            answered.createIndex()
        run = COCOeval(truth, answered, "bbox")
        run.evaluate()
        run.accumulate()
        run.summarize()
    names = {"ap": 0, "ap50": 1, **{f"size_ap/{size}": place for place, size in enumerate(SIZES, start=3)}}
    values = {name: float(run.stats[place]) for name, place in names.items()}
    precision = run.eval["precision"][0, :, :, 0, 2].mean(axis=0)
    return values | {f"class_ap50/{name}": float(value) for name, value in zip(NAMES, precision, strict=True)}


def require_equal(seed: int) -> tuple[bool, ...]:
    case = drawn(seed)
    expected, evidence = by_coco(case), matched(case)
    ours = KIND.tally(evidence, np.ones((1, len(case)), dtype=np.int64))
    for name, value in expected.items():
        if value == -1:
            assert name not in ours or ours[name][0] == 0
        else:
            assert ours[name][0] == pytest.approx(value, abs=1e-6), (seed, name)
    crowds, empty = any(rows[:, 5].any() for _, rows in case), any(not len(rows) for _, rows in case)
    return crowds, empty, any(value == -1 for value in expected.values()), expected["ap"] > 0


@pytest.mark.parametrize(
    "seeds", [range(100), pytest.param(range(100, 1100), marks=pytest.mark.slow)], ids=["100", "1000"]
)
def test_average_precision_is_that_of_pycocotools(seeds: range) -> None:
    seen = [require_equal(seed) for seed in seeds]
    assert all(sum(one) > len(seeds) / 10 for one in zip(*seen, strict=True))


def values(evidence: Matched, counts: list[int] | None = None) -> dict[str, float]:
    counted = np.array([counts or [1] * len(evidence.loss)])
    return {name: float(value[0]) for name, value in KIND.tally(evidence, counted).items()}


def same(one: dict[str, float], other: dict[str, float]) -> bool:
    known = {name for name, value in one.items() if not np.isnan(value)}
    return all(one[name] == pytest.approx(other[name], abs=1e-9) for name in known) and len(known) > 5


def untied(picture: tuple[FoundBoxes, NDArray[np.float32]], place: int) -> tuple[FoundBoxes, NDArray[np.float32]]:
    """Returns a picture no two of whose boxes have one score: the order of equal ones is that of the pictures."""
    found, rows = picture
    lower = (place + np.arange(len(found.scores)) / 100) / 10_000
    return found._replace(scores=(found.scores - lower).astype(np.float32)), rows


MANY: Case = [untied(one, place) for place, one in enumerate(one for seed in range(40, 46) for one in drawn(seed))]


def test_a_data_set_that_holds_pictures_several_times_is_worth_what_those_pictures_are() -> None:
    evidence = matched(MANY)
    counts = [(place * 7) % 4 for place in range(len(MANY))]
    rows = np.repeat(np.arange(len(MANY)), counts)
    assert same(values(evidence, counts), values(KIND.take(evidence, rows)))
    assert same(values(evidence, counts), values(matched([MANY[row] for row in rows])))
    several = KIND.tally(evidence, np.array([counts, [1] * len(MANY)]))
    assert same({name: float(one[1]) for name, one in several.items()}, values(evidence))


def test_evidence_of_parts_is_that_of_the_whole() -> None:
    whole, parts = matched(MANY), KIND.joined([matched(MANY[:3]), matched(MANY[3:])])
    assert same(values(whole), values(parts))
    assert np.array_equal(whole.of, parts.of)
    assert np.array_equal(whole.looks.pairs, parts.looks.pairs)
    turned = KIND.take(whole, np.arange(len(MANY))[::-1])
    assert same(values(turned), values(matched(MANY[::-1])))


def test_every_metric_is_named_and_each_class_and_size_that_is_there_has_its_own() -> None:
    evidence = matched(MANY)
    names = {metric.name for metric in KIND.metrics}
    assert {name.split("/")[0] for name in values(evidence)} == names
    support = KIND.support(evidence)
    groups = {name.split("/")[1] for name in values(evidence) if "/" in name}
    assert groups == {name for name, count in support.items() if count}
    assert support["a"] == sum(bool(((rows[:, 4] == 0) & (rows[:, 5] == 0)).any()) for _, rows in MANY)
    assert KIND.right(evidence) is None


BOXES = np.array([[10, 10, 30, 40], [50, 20, 80, 60], [100, 100, 140, 130]], dtype=np.float32)
ROWS = np.concatenate([BOXES, [[0, 0], [1, 0], [2, 0]]], axis=1).astype(np.float32)


def answered(boxes: NDArray[np.float32], scores: list[float], classes: list[int], pictures: int = 12) -> Matched:
    found = FoundBoxes(boxes, np.array(scores, dtype=np.float32), np.array(classes))
    moved = [ROWS + np.array([place, place / 2, place, place / 2, 0, 0], dtype=np.float32) for place in range(pictures)]
    shift = [found._replace(boxes=found.boxes + (rows[0] - ROWS[0])[:4]) for rows in moved]
    return matched([*zip(shift, moved, strict=True)])


def test_recall_and_false_boxes_are_those_of_the_operating_point() -> None:
    extra = np.concatenate([BOXES, [[150, 10, 190, 50]]]).astype(np.float32)
    found = values(answered(extra, [0.9, 0.31, 0.29, 0.8], [0, 1, 2, 1]))
    assert found["recall"] == pytest.approx(2 / 3)
    assert found["false_positives"] == 1


def test_a_model_that_is_right_is_under_no_suspicion_and_above_chance() -> None:
    evidence = answered(BOXES, [0.9, 0.8, 0.7], [0, 1, 2])
    assert values(evidence)["ap"] == pytest.approx(1)
    assert KIND.suspicions(evidence, CARD) == ()
    assert KIND.at_chance(evidence) == ""


@pytest.mark.parametrize(
    ("boxes", "told"),
    [
        (np.concatenate([BOXES[:, :2], BOXES[:, 2:] - BOXES[:, :2]], axis=1), "its boxes are x, y, width, height"),
        (BOXES[:, [1, 0, 3, 2]], "its boxes are y0, x0, y1, x1"),
    ],
)
def test_boxes_in_another_form_are_found_by_name(boxes: NDArray[np.float32], told: str) -> None:
    rows = [(FoundBoxes(boxes, np.array([0.9, 0.8, 0.7], dtype=np.float32), np.arange(3)), ROWS)] * 12
    (suspicion,) = KIND.suspicions(matched(rows), CARD)
    assert told in suspicion
    assert "expected boxes x0, y0, x1, y1 in pixels" in suspicion
    assert "but 100.0% if" in suspicion


def test_targets_in_another_form_are_found_by_name() -> None:
    # Targets whose width is taken for x1: only those left of and above their size are boxes at all.
    real = np.array([[10, 10, 30, 30], [20, 5, 60, 45], [5, 30, 25, 70]], dtype=np.float32)
    wrong = np.concatenate([real[:, :2], real[:, 2:] - real[:, :2], ROWS[:, 4:]], axis=1)
    rows = [(FoundBoxes(real, np.array([0.9, 0.8, 0.7], dtype=np.float32), np.arange(3)), wrong)] * 12
    (suspicion,) = KIND.suspicions(matched(rows), CARD)
    assert "if the targets are x, y, width, height" in suspicion


def test_classes_that_are_shifted_by_one_are_found_by_name() -> None:
    (suspicion,) = KIND.suspicions(answered(BOXES, [0.9, 0.8, 0.7], [1, 2, 0]), CARD)
    assert "expected the classes in the order `a`, `b`, `c`, got 0.0% of the boxes that are found" in suspicion
    assert "but 100.0% if all classes are shifted by 1" in suspicion
    (suspicion,) = KIND.suspicions(answered(BOXES, [0.9, 0.8, 0.7], [1, 0, 2]), CARD)
    assert "if its outputs are `b`, `a`, `c`" in suspicion


def test_a_model_that_says_the_same_everywhere_is_at_chance() -> None:
    draws = np.random.default_rng(5)
    always = FoundBoxes(
        np.array([[60, 60, 140, 140]], dtype=np.float32), np.array([0.9], dtype=np.float32), np.array([0])
    )
    rows = []
    for _ in range(60):
        start = draws.uniform(0, 120, 2)
        box = [*start, *(start + draws.uniform(40, 80, 2))]
        rows.append((always, np.array([[*box, 0, 0]], dtype=np.float32)))
    assert "of the same boxes in other places" in KIND.at_chance(matched(rows))
    nothing = FoundBoxes(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.int64))
    assert KIND.at_chance(matched([(nothing, ROWS)] * 3)).startswith("0.0% of the boxes found")


def columns(rows: list[NDArray[np.float32]]) -> Targets:
    return Targets({"boxes": np.concatenate(rows)}, {"boxes": np.cumsum([0, *map(len, rows)])})


def test_the_best_constant_says_where_boxes_usually_are() -> None:
    rows = [ROWS[:2], ROWS[:1], np.empty((0, 6), np.float32)]
    constant = KIND.constant([columns(rows), columns(rows[:1])], CARD)
    outputs = {name: np.repeat(one, 2, axis=0) for name, one in constant.outputs.items()}
    evidence = KIND.evidence(outputs, columns(rows[:2]), CARD)
    assert values(evidence)["class_ap50/a"] > 0.5
    assert constant.outputs["classes"].shape == (1, 3, 625)


def test_models_agree_with_themselves_and_less_the_more_scores_and_boxes_differ() -> None:
    draws = np.random.default_rng(0)
    ours: dict[str, Any] = {
        "classes": draws.normal(-3, 2, (2, 3, 40)).astype(np.float32),
        "sides": draws.normal(0, 2, (2, 64, 40)).astype(np.float32),
    }
    assert KIND.agreement(ours, ours) == pytest.approx(1)
    scores = {**ours, "classes": ours["classes"] + 1}
    boxes = {**ours, "sides": ours["sides"][:, ::-1]}
    assert 0.3 < KIND.agreement(ours, scores).mean() < 0.9
    assert KIND.agreement(ours, boxes).mean() < 0.7
    never = {**ours, "classes": np.full((2, 3, 40), -9, np.float32)}
    assert KIND.agreement(never, never) == pytest.approx(1)
    assert KIND.agreement(ours, never) == pytest.approx(0, abs=0.01)


def test_intervals_draw_pictures_whole_and_not_the_tiles_of_one() -> None:
    evidence = matched([one for seed in range(4) for one in drawn(seed)][:6])
    assert KIND.units(evidence) is None
    tiles = replace(evidence, pictures=np.array([70, 5, 70, 9, 5, 9]))
    assert numbers(tiles) == [2, 0, 2, 1, 0, 1]
    assert numbers(KIND.take(tiles, np.array([5, 0]))) == [0, 1]
    assert numbers(KIND.joined([tiles, tiles]))[6:] == [2, 0, 2, 1, 0, 1]


def numbers(evidence: Matched) -> list[int]:
    units = KIND.units(evidence)
    assert units is not None
    return [int(unit) for unit in units]
