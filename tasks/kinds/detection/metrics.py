"""Metrics of detection, from what became of the boxes of each picture; numpy only.

Average precision is that of COCO: what pycocotools makes of the same boxes, to the last digits. Boxes are matched once
per picture, in `evidence`; what remains is small, and data sets that hold a picture several times are a matter of
weights.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf, log
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from tasks.contracts.metrics import Metric
from tasks.contracts.targets import TargetCard, Targets
from tasks.kinds.contract import Arrays, Constant, Floats, OperatingCurve, Rows, ScoredPairs
from tasks.kinds.detection.constant import usual_boxes
from tasks.kinds.detection.decode import distances, found_in
from tasks.kinds.detection.matching import FALSE, OVERLAPS, RIGHT, SIZES, Outcomes, match
from tasks.kinds.detection.names import BOXES, CLASSES, PICTURE, SIDES, is_tiled
from tasks.kinds.detection.precision import AT_ONCE, WeighedBoxes, told_from
from tasks.kinds.detection.readings import OtherReadings, doubts, looks_of, no_better_than_chance

FLOOR = 0.01
"""boxes with a lower score are not looked at"""
SURE = 1 - 1e-6
CERTAIN_ENOUGH = 0.05
"""scores of which two models may differ without disagreeing"""
WHOLE = 0
"""the place of all sizes in an outcome"""


@dataclass(frozen=True)
class Matched:
    """What became of the boxes of each picture (n,); all boxes lie one behind the other (total,).

    Attributes:
        ends: (n + 1,) where the boxes of each picture begin, and where those of the last one end.
        scores: (total,).
        classes: (total,) numbers of classes.
        of: (total, areas, overlaps) what became of each.
        truths: (n, classes, areas) what there is to find.
        loss: (n,) of the scores; see `_loss`.
        looks: what they would be if boxes or classes were read in another way.
        names: of the classes.
        least_score: from which on a device tells a box.
        pictures: (n,) the number of the picture that each is a tile of; None where none is cut.
    """

    ends: Rows
    scores: NDArray[np.float32]
    classes: Rows
    of: Outcomes
    truths: NDArray[np.int32]
    loss: Floats
    looks: OtherReadings
    names: tuple[str, ...]
    least_score: float
    pictures: Rows | None = None


class DetectionMetrics:
    """The part of the kind."""

    metrics = (
        Metric("ap50", "AP50"),
        Metric("ap", "AP50-95"),
        Metric("class_ap50", "AP50", per_group="class", each_epoch=False, in_summary=False),
        Metric("size_ap", "AP50-95", per_group="size", each_epoch=False, in_summary=False),
        Metric("recall", "recall", threshold="highest"),
        Metric("precision", "precision", threshold="lowest"),
        Metric("false_positives", "false boxes per picture", "lower", high=inf, unit="number", threshold="lowest"),
        Metric("loss", "log loss of scores", "lower", high=inf, in_summary=False, unit="number"),
    )

    def evidence(self, outputs: Arrays, targets: Targets, card: TargetCard) -> Matched:
        """Returns what became of the boxes in the pictures of a batch."""
        rows, ends = np.asarray(targets[BOXES]), targets.offsets(BOXES)
        results, looks = [], []
        for place, (classes, sides) in enumerate(zip(outputs[CLASSES], outputs[SIDES], strict=True)):
            mine = rows[ends[place] : ends[place + 1]]
            found = found_in(classes, sides, card.facts, FLOOR)
            results.append(match(found, mine, len(card.names)))
            looks.append(looks_of(found, mine, card))
        counts = [len(one.of) for one in results]
        return Matched(
            np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            np.concatenate([one.found.scores for one in results]),
            np.concatenate([one.found.classes for one in results]),
            np.concatenate([one.of for one in results]),
            np.stack([one.truths for one in results]),
            np.array([_loss(one.found.scores, one.of[:, WHOLE, 0], one.truths[:, WHOLE].sum()) for one in results]),
            OtherReadings.joined(looks),
            card.names,
            float(cast(float, card.facts["least_score"])),
            np.asarray(targets[PICTURE]) if is_tiled(card) else None,
        )

    def joined(self, parts: Sequence[Matched]) -> Matched:
        """Returns the evidence of several batches as one."""
        starts = np.cumsum([0, *(part.ends[-1] for part in parts)])
        ends = [part.ends[1:] + start for part, start in zip(parts, starts[:-1], strict=True)]
        return replace(
            parts[0],
            ends=np.concatenate([[0], *ends]).astype(np.int64),
            scores=np.concatenate([part.scores for part in parts]),
            classes=np.concatenate([part.classes for part in parts]),
            of=np.concatenate([part.of for part in parts]),
            truths=np.concatenate([part.truths for part in parts]),
            loss=np.concatenate([part.loss for part in parts]),
            looks=OtherReadings.joined([part.looks for part in parts]),
            pictures=None if parts[0].pictures is None else np.concatenate([*_numbers(parts)]),
        )

    def take(self, evidence: Matched, rows: Rows) -> Matched:
        """Returns the evidence of some pictures."""
        columns: dict[str, NDArray[Any]] = {"scores": evidence.scores, "classes": evidence.classes, "of": evidence.of}
        boxes = Targets(columns, dict.fromkeys(columns, evidence.ends)).take(rows)
        return replace(
            evidence,
            ends=boxes.offsets("scores"),
            scores=boxes["scores"],
            classes=boxes["classes"],
            of=boxes["of"],
            truths=evidence.truths[rows],
            loss=evidence.loss[rows],
            looks=evidence.looks.take(rows),
            pictures=None if evidence.pictures is None else evidence.pictures[rows],
        )

    def tally(self, evidence: Matched, counts: Rows) -> Mapping[str, Floats]:
        """Returns every metric; pictures are what is counted, and a class without a box in them has none."""
        every = counts.astype(np.float64)
        by_class = _averages(evidence, every)
        told = evidence.scores >= evidence.least_score
        right, false = (_per_picture(evidence, told & (evidence.of[:, WHOLE, 0] == what)) for what in (RIGHT, FALSE))
        pictures, truths = np.maximum(every.sum(axis=1), 1), evidence.truths[:, :, WHOLE]
        found, wrong = every @ right, every @ false
        known, sizes = np.flatnonzero(truths.any(axis=0)), evidence.truths.sum(axis=(0, 1)) > 0
        return {
            "ap50": _mean(by_class[:, WHOLE, :1]),
            "ap": _mean(by_class[:, WHOLE]),
            "recall": found / np.maximum(every @ truths.sum(axis=1), 1),
            "precision": found / np.maximum(found + wrong, 1),
            "false_positives": wrong / pictures,
            "loss": every @ evidence.loss / pictures,
            **{f"class_ap50/{evidence.names[place]}": by_class[place, WHOLE, 0] for place in known},
            **{
                f"size_ap/{size}": _mean(by_class[:, place], missing=np.nan)
                for place, size in enumerate(SIZES, start=1)
                if sizes[place]
            },
        }

    def support(self, evidence: Matched) -> Mapping[str, int]:
        """Returns in how many pictures each class is, and each size."""
        classes = (evidence.truths[:, :, WHOLE] > 0).sum(axis=0)
        sizes = evidence.truths[:, :, 1:].any(axis=1).sum(axis=0)
        return dict(zip((*SIZES, *evidence.names), map(int, (*sizes, *classes)), strict=True))

    def right(self, evidence: Matched) -> NDArray[np.bool_] | None:
        """Returns None: a picture is right in parts."""
        return None

    def units(self, evidence: Matched) -> Rows | None:
        """Returns which picture each tile is of; None where pictures are whole."""
        return None if evidence.pictures is None else np.unique(evidence.pictures, return_inverse=True)[1]

    def pairs(self, evidence: Matched) -> ScoredPairs | None:
        """Returns None: answers are not compared with each other."""
        return None

    def operating(self, evidence: Matched) -> OperatingCurve:
        """Returns what each score comes to from which on boxes may be told."""
        of, truths = evidence.of[:, WHOLE, 0], int(evidence.truths[:, :, WHOLE].sum())
        thresholds, right, false = told_from(evidence.scores, of == RIGHT, of == FALSE, FLOOR)
        values = {
            "recall": right / max(truths, 1),
            "precision": right / np.maximum(right + false, 1),
            "false_positives": false / max(len(evidence.loss), 1),
        }
        return OperatingCurve("least_score", "tells answers from a score of {} on", thresholds, values)

    def agreement(self, outputs: Arrays, others: Arrays) -> Floats:
        """Returns how alike the scores are, cell by cell, and the boxes there.

        The sum over cells and classes of `min(p, q) * IoU / sum of max(p, q)`, of all cells in which one of the two
        scores is above 0.05; 1 where there is none. Boxes of one cell are compared, so where it lies does not matter.
        """
        rows = zip(outputs[CLASSES], outputs[SIDES], others[CLASSES], others[SIDES], strict=True)
        return np.array([_alike(*row) for row in rows], dtype=np.float64)

    def constant(self, trained: Iterable[Targets], card: TargetCard) -> Constant:
        """Returns for each cell how often a box of each class is in the middle of it, and the mean box there."""
        return Constant("always answering the usual boxes of each place in the picture", usual_boxes(trained, card))

    def suspicions(self, evidence: Matched, card: TargetCard) -> tuple[str, ...]:
        """Returns what is wrong with boxes, or with the order of classes, if a model shows it."""
        return doubts(evidence.looks, card)

    def at_chance(self, evidence: Matched) -> str:
        """Returns in words that a model finds no more than it would in other pictures; empty where it does."""
        return no_better_than_chance(evidence.looks)


def _numbers(parts: Iterable[Matched]) -> Iterator[Rows]:
    return (part.pictures for part in parts if part.pictures is not None)


def _averages(evidence: Matched, every: Floats) -> NDArray[np.float64]:
    """Returns the average precision (classes, areas, overlaps, m); NaN where a data set has nothing to find.

    As many of the m data sets at once as fit into memory.
    """
    step = max(1, AT_ONCE // max(len(evidence.scores), 1))
    starts = range(0, len(every), step)
    return np.concatenate([_averages_at_once(evidence, every[start : start + step]) for start in starts], axis=-1)


def _averages_at_once(evidence: Matched, every: Floats) -> NDArray[np.float64]:
    of_picture = np.repeat(np.arange(len(evidence.loss)), np.diff(evidence.ends))
    positives = np.einsum("mn,nca->cam", every, evidence.truths)
    result = np.full((*positives.shape[:2], len(OVERLAPS), len(every)), np.nan)
    for number in range(len(evidence.names)):
        mine = np.flatnonzero(evidence.classes == number)
        mine = mine[np.argsort(-evidence.scores[mine], kind="stable")]
        boxes, of = WeighedBoxes(every[:, of_picture[mine]]), evidence.of[mine]
        for area in np.flatnonzero(positives[number].any(axis=1)):
            for place in range(len(OVERLAPS)):
                right, counted = of[:, area, place] == RIGHT, of[:, area, place] <= RIGHT
                result[number, area, place] = boxes.average(right, counted, positives[number, area])
    return result


def _mean(values: NDArray[np.float64], missing: float = 0.0) -> Floats:
    """Returns the mean (m,) over classes and overlaps (classes, overlaps, m) or (classes, m), of what is there."""
    flat = values.reshape(-1, values.shape[-1])
    there = ~np.isnan(flat)
    return np.where(there.any(axis=0), np.where(there, flat, 0).sum(axis=0) / np.maximum(there.sum(axis=0), 1), missing)


def _per_picture(evidence: Matched, chosen: NDArray[np.bool_]) -> Floats:
    total = np.concatenate([[0.0], np.cumsum(chosen)])
    counts: Floats = total[evidence.ends[1:]] - total[evidence.ends[:-1]]
    return counts


def _loss(scores: NDArray[np.float32], of: NDArray[np.uint8], truths: int) -> float:
    """Returns the sum of `-log p` of right boxes, `-log(1 - p)` of false ones and `-log 0.01` of what is missed."""
    p = np.clip(scores.astype(np.float64), FLOOR, SURE)
    right = of == RIGHT
    missed = int(truths) - int(right.sum())
    return float(-np.log(p[right]).sum() - np.log1p(-p[of == FALSE]).sum() - missed * log(FLOOR))


def _alike(ours: Floats, our_sides: Floats, theirs: Floats, their_sides: Floats) -> float:
    p, q = (1 / (1 + np.exp(-logits.astype(np.float64))) for logits in (ours, theirs))
    cells = np.flatnonzero((np.maximum(p, q) > CERTAIN_ENOUGH).any(axis=0))
    if not len(cells):
        return 1.0
    p, q = p[:, cells], q[:, cells]
    left, right = (distances(sides[:, cells]).astype(np.float64) for sides in (our_sides, their_sides))
    least = np.minimum(left, right)
    inside = (least[0] + least[2]) * (least[1] + least[3])
    areas = sum((one[0] + one[2]) * (one[1] + one[3]) for one in (left, right))
    shared = inside / np.maximum(cast(Any, areas) - inside, 1e-9)
    return float((np.minimum(p, q) * np.minimum(shared, 1)).sum() / np.maximum(p, q).sum())


PART = DetectionMetrics()
