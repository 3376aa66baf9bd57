"""Metrics of segmentation, from the confusion of each picture's pixels; numpy only.

What stays of a picture is as large as its classes squared, however many pixels it has. Pixels of no class count
nowhere. A class that is neither there nor predicted in a data set has no IoU there, and none in the mean over classes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.contracts.metrics import Metric
from tasks.contracts.targets import TargetCard, Targets
from tasks.kinds.contract import Arrays, Constant, Floats, OperatingCurve, Rows, ScoredPairs
from tasks.kinds.segmentation.names import IGNORED, LOGITS, MASK, STRIDE, size_of

MOVES = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))
"""of a mask by a pixel, (rows, columns): where it fits better so, it does not lie on its picture"""
SIDES = ("", "1 row up", "1 row down", "1 column to the left", "1 column to the right")
ANOTHER_ORDER = 0.2
"""how many more pixels a model must have right under another order of classes before that order is believed"""
FEWER_ERRORS = 0.05
"""part of a model's wrong pixels that a move of the masks must take away before it is believed"""
TRUSTED, LARGE = 0.5, 0.01
"""pixels a model must have right before it says something of masks, and a class must have before it is missed"""
CERTAIN = 3.0
"""standard errors by which something must differ"""
Cells = NDArray[np.int64]


@dataclass(frozen=True)
class Pixels:
    """What became of the pixels of each picture (n,).

    Attributes:
        cells: (n, classes, classes) pixels of a class (row) that got a prediction (column).
        loss: (n,) sum of -log p of the right class.
        moved: (n, moves) part of the inner pixels that are right after each of `MOVES` of the mask.
        names: of the classes.
    """

    cells: Cells
    loss: Floats
    moved: Floats
    names: tuple[str, ...]


class SegmentationMetrics:
    """The part of the kind."""

    metrics = (
        Metric("mean_iou", "mean IoU"),
        Metric("pixel_accuracy", "pixel accuracy"),
        Metric("iou", "IoU", per_group="class", each_epoch=False, in_summary=False),
        Metric("loss", "cross-entropy", "lower", high=inf, in_summary=False, unit="number"),
    )

    def evidence(self, outputs: Arrays, targets: Targets, card: TargetCard) -> Pixels:
        """Returns what became of the pixels of a batch, picture by picture; logits may be those of a grid alone."""
        found = [_one(logits, mask, card) for logits, mask in zip(outputs[LOGITS], targets[MASK], strict=True)]
        cells, loss, moved = (np.stack(some) for some in zip(*found, strict=True))
        return Pixels(cells, loss, moved, card.names)

    def joined(self, parts: Sequence[Pixels]) -> Pixels:
        """Returns the pixels of several batches."""
        cells, loss, moved = (np.concatenate([getattr(p, name) for p in parts]) for name in ("cells", "loss", "moved"))
        return Pixels(cells, loss, moved, parts[0].names)

    def take(self, evidence: Pixels, rows: Rows) -> Pixels:
        """Returns the pixels of some pictures."""
        return Pixels(evidence.cells[rows], evidence.loss[rows], evidence.moved[rows], evidence.names)

    def tally(self, evidence: Pixels, counts: Rows) -> Mapping[str, Floats]:
        """Returns every metric; pictures are what is counted, pixels are what is added up."""
        size, every = len(evidence.names), counts.astype(np.float64)
        cells = (every @ evidence.cells.reshape(-1, size * size)).reshape(-1, size, size)
        hits, real, claimed = np.einsum("mcc->mc", cells), cells.sum(axis=2), cells.sum(axis=1)
        union, total = real + claimed - hits, np.maximum(real.sum(axis=1), 1)
        iou = np.where(union > 0, hits / np.maximum(union, 1), np.nan)
        there = union > 0
        mean = np.where(there, hits / np.maximum(union, 1), 0).sum(axis=1) / np.maximum(there.sum(axis=1), 1)
        seen = evidence.cells.sum(axis=0)
        known = np.flatnonzero(seen.sum(axis=0) + seen.sum(axis=1))
        return {
            "mean_iou": mean,
            "pixel_accuracy": hits.sum(axis=1) / total,
            "loss": every @ evidence.loss / total,
            **{f"iou/{evidence.names[place]}": iou[:, place] for place in known},
        }

    def support(self, evidence: Pixels) -> Mapping[str, int]:
        """Returns in how many pictures each class is."""
        pictures = (evidence.cells.sum(axis=2) > 0).sum(axis=0)
        return {name: int(count) for name, count in zip(evidence.names, pictures, strict=True)}

    def right(self, evidence: Pixels) -> NDArray[np.bool_] | None:
        """Returns None: a picture is right in parts."""
        return None

    def units(self, evidence: Pixels) -> Rows | None:
        """Returns None: each sample is drawn by itself."""
        return None

    def pairs(self, evidence: Pixels) -> ScoredPairs | None:
        """Returns None: answers are not compared with each other."""
        return None

    def operating(self, evidence: Pixels) -> OperatingCurve | None:
        """Returns None: an answer is told whatever its score is."""
        return None

    def agreement(self, outputs: Arrays, others: Arrays) -> Floats:
        """Returns the part of each picture's pixels of which both say the same."""
        pairs = zip(outputs[LOGITS], others[LOGITS], strict=True)
        return np.array([(predicted(ours) == predicted(theirs)).mean() for ours, theirs in pairs], dtype=np.float64)

    def constant(self, trained: Iterable[Targets], card: TargetCard) -> Constant:
        """Returns one mask for all: how often each class is at each place of the pictures."""
        counts = np.full((len(card.names), *size_of(card)), 0.5)
        for targets in trained:
            for mask in targets[MASK]:
                for place in range(len(card.names)):
                    counts[place] += np.asarray(mask) == place
        outputs = {LOGITS: np.log(counts)[np.newaxis].astype(np.float32)}
        return Constant("always the same mask", outputs)

    def suspicions(self, evidence: Pixels, card: TargetCard) -> tuple[str, ...]:
        """Returns what is wrong with masks, or with the order of classes, if a model shows it."""
        seen = self.take(evidence, _with_classes(evidence))
        if not len(seen.loss):
            return ()
        found = (_another_order(seen), _moved_masks(seen), _never_predicted(seen))
        return tuple(filter(None, found))

    def at_chance(self, evidence: Pixels) -> str:
        """Returns in words that no more pixels are right than if each prediction was made at any place."""
        each = evidence.cells[_with_classes(evidence)]
        if not len(each):
            return "no pixel is of a class"
        hits = np.einsum("ncc->n", each) / each.sum(axis=(1, 2))
        cells = each.sum(axis=0)
        expected = float((cells.sum(axis=0) * cells.sum(axis=1)).sum() / max(cells.sum(), 1) ** 2)
        error = float(hits.std() / max(len(hits) - 1, 1) ** 0.5)
        if float(hits.mean()) > expected + CERTAIN * error:
            return ""
        return f"{hits.mean():.1%} of the pixels right, where chance alone gives {expected:.1%}"


def predicted(logits: NDArray[Any]) -> NDArray[np.uint8]:
    """Returns the number (height, width) of the class with the largest of the logits (classes, height, width)."""
    best, number = logits[0].copy(), np.zeros(logits.shape[1:], dtype=np.uint8)
    for place in range(1, len(logits)):  # several times as fast as `argmax` over the first axis
        larger = logits[place] > best
        np.copyto(best, logits[place], where=larger)
        number[larger] = place
    return number


def _one(logits: NDArray[Any], mask: NDArray[np.uint8], card: TargetCard) -> tuple[Cells, np.float64, Floats]:
    """Returns the cells, the loss and the moves of one picture."""
    mask = np.asarray(mask)
    if logits.shape[1:] != mask.shape:
        mask = mask[STRIDE // 2 :: STRIDE, STRIDE // 2 :: STRIDE]
    valid, size, guess = mask != IGNORED, len(card.names), predicted(logits)
    places = mask[valid].astype(np.int64) * size + guess[valid]
    cells = np.bincount(places, minlength=size * size).reshape(size, size)
    return cells, _loss(logits, mask, valid), _fits(guess, mask)


def _loss(logits: NDArray[Any], mask: NDArray[np.uint8], valid: NDArray[np.bool_]) -> np.float64:
    largest = logits.max(axis=0)
    total = np.log(np.exp(logits - largest).sum(axis=0)) + largest
    known = np.where(valid, mask, 0)
    own = np.take_along_axis(logits, known[np.newaxis].astype(np.int64), axis=0)[0]
    return np.float64((total - own)[valid].sum(dtype=np.float64))


def _fits(guess: NDArray[np.uint8], mask: NDArray[np.uint8]) -> Floats:
    """Returns the part of the inner pixels that are right after each of `MOVES`."""
    inner, (height, width) = guess[1:-1, 1:-1], mask.shape
    moved = [mask[1 + down : height - 1 + down, 1 + right : width - 1 + right] for down, right in MOVES]
    return np.array([(inner == one).sum() / max((one != IGNORED).sum(), 1) for one in moved])


def _with_classes(evidence: Pixels) -> Rows:
    """Returns the pictures some pixel of which is of a class: of the others nothing is right or wrong."""
    return np.flatnonzero(evidence.cells.sum(axis=(1, 2)))


def _another_order(evidence: Pixels) -> str:
    from scipy.optimize import linear_sum_assignment  # takes 0.3 s to import

    cells = evidence.cells.sum(axis=0)
    rows, columns = linear_sum_assignment(cells, maximize=True)
    total = max(cells.sum(), 1)
    as_is, best = np.trace(cells) / total, cells[rows, columns].sum() / total
    if best - as_is <= ANOTHER_ORDER:
        return ""
    names = evidence.names
    expected, got = (", ".join(f"`{names[place]}`" for place in o) for o in (range(len(names)), columns.argsort()))
    found = f"one that has {as_is:.1%} of the pixels right, but {best:.1%} if its outputs are {got}"
    do = "correct `data.reader.classes` or its head, or say `teacher.classes`"
    return f"expected the classes in the order {expected}, got {found}; {do}"


def _moved_masks(evidence: Pixels) -> str:
    gains = evidence.moved - evidence.moved[:, :1]
    best = int(gains.mean(axis=0).argmax())
    gain, error = gains[:, best].mean(), gains[:, best].std() / max(len(gains) - 1, 1) ** 0.5
    wrong = 1 - evidence.moved[:, 0].mean()
    if len(gains) < 2 or wrong > 1 - TRUSTED or gain <= max(CERTAIN * error, FEWER_ERRORS * wrong):
        return ""
    side = SIDES[best]
    more = f"{gain / max(wrong, 1e-9):.0%} fewer wrong pixels with all masks moved {side}"
    return f"expected masks that lie on their pictures, got {more}; were they cut or resized in another way?"


def _never_predicted(evidence: Pixels) -> str:
    cells = evidence.cells.sum(axis=0)
    share = cells.sum(axis=1) / max(cells.sum(), 1)
    gone = [
        n for n, part, got in zip(evidence.names, share, cells.sum(axis=0), strict=True) if part > LARGE and not got
    ]
    if np.trace(cells) / max(cells.sum(), 1) < TRUSTED or not gone:
        return ""
    listed = ", ".join(f"`{name}` ({share[evidence.names.index(name)]:.1%} of the pixels)" for name in gone)
    return f"expected each class to be predicted somewhere, got none of {listed}: do these pixels mean `none of them`?"


PART = SegmentationMetrics()
