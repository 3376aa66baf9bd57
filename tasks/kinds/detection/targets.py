"""Targets of detection: any number of boxes per picture, each with a class, some of them ignored.

A reader gives of each picture `{"boxes": (n, 4), "names": (n,), "ignored": (n,)}`: x0, y0, x1, y1 in pixels of the
picture as prepared, where (0, 0) is its upper left corner; the name of the class; and whether it counts nowhere, like
a crowd. A picture without boxes shows nothing of any class. Stored is one ragged column of rows of six numbers, and of
tiles also which picture they are of.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.contracts.targets import BadTargetError, Column, Strata, TargetCard, Targets, number_of
from tasks.core.errors import DataError, mismatch
from tasks.kinds.contract import Arrays, Declared, Geometry, Raw, Rows
from tasks.kinds.detection.geometry import moved
from tasks.kinds.detection.names import BINS, BOXES, CLASS, IGNORED, PICTURE, is_tiled, reach_of, strides_of

NAMES, LEFT_OUT = "names", "ignored"
"""beside `BOXES` in what a reader gives"""
NOMINAL = TargetCard(
    names=("0", "1", "2"),
    facts={"size": [64, 64], "strides": [8, 16], "least_score": 0.3, "overlap": 0.6, "most": 100},
)
UNKNOWN = "unknown class"
"""why a picture is in quarantine"""
OUTSIDE = 0.01
"""pixels that a box may lie outside of its picture: an error of rounding"""
DIGEST = 16


class Gist(NamedTuple):
    """What is remembered of the boxes of one picture."""

    digest: bytes
    counts: tuple[tuple[str, int], ...]
    """name of a class -> its boxes that are not ignored; by name"""
    ignored: int
    largest: float
    """pixels, the longest side of a box"""


class DetectionTargets:
    """The part of the kind."""

    def gist(self, raw: Raw, declared: Declared) -> Gist:
        """Returns what stands for the boxes of a picture; their order does not matter."""
        boxes, names, ignored = _checked(raw, declared)
        rows = sorted(zip(names, ignored.tolist(), boxes.tolist(), strict=True))
        counts: dict[str, int] = {}
        for name, left_out, _ in rows:
            if not left_out:
                counts[name] = counts.get(name, 0) + 1
        digest = hashlib.sha256(repr(rows).encode()).digest()[:DIGEST]
        largest = float((boxes[:, 2:] - boxes[:, :2]).max(initial=0))
        return Gist(digest, tuple(sorted(counts.items())), int(ignored.sum()), largest)

    def table(self, gists: Sequence[Gist], declared: Declared) -> Mapping[str, Sequence[Any]]:
        """Returns how many boxes there are in each picture."""
        return {"boxes": [sum(count for _, count in gist.counts) for gist in gists]}

    def card(self, gists: Sequence[Gist], declared: Declared) -> TargetCard:
        """Returns the classes, in their declared order or else by name, and what the recipe says of boxes."""
        if BOXES not in declared:
            do = "take a reader of boxes"
            raise DataError(mismatch("recipe", "data.reader.kind", "one that gives boxes", "one that does not", do))
        facts = {name: _plain(value) for name, value in declared[BOXES].items() if name != NAMES}
        found = sorted({name for gist in gists for name, _ in gist.counts})
        return TargetCard(names=tuple(declared[BOXES].get(NAMES, ())) or tuple(found), facts=facts)

    def nominal(self) -> TargetCard:
        """Returns three classes on two grids."""
        return NOMINAL

    def strata(self, gists: Sequence[Gist], card: TargetCard) -> Strata:
        """Returns one group of all: a picture shows several classes, or none."""
        return Strata(("",), np.zeros(len(gists), dtype=np.int64))

    def problems(self, trained: Sequence[Gist], card: TargetCard) -> Iterator[str]:
        """Yields classes without a box to learn from, and boxes that no cell can answer."""
        known = {name for gist in trained for name, _ in gist.counts}
        if not card.names:
            yield mismatch("boxes", "", "at least one in the pictures to train on", "none", "add boxes")
        for name in card.names:
            if name not in known:
                expected = f"boxes of `{name}` among the pictures to train on"
                yield mismatch("boxes", "", expected, "none", "add some, or take it out of `data.reader.classes`")
        largest, reach = max((gist.largest for gist in trained), default=0.0), reach_of(card)
        if largest > reach:
            expected = f"boxes of at most {reach} pixels, {2 * (BINS - 1)} times the largest of `strides`"
            do = f"add {2 * max(strides_of(card))} to `data.reader.strides`, or make the pictures smaller"
            yield mismatch("boxes", "", expected, f"one of {largest:.0f} pixels", do)

    def problems_of_splits(self, splits: Mapping[str, Sequence[Gist]], card: TargetCard) -> Iterator[str]:
        """Yields nothing."""
        return iter(())

    def columns(self, card: TargetCard) -> tuple[Column, ...]:
        """Returns the column of boxes, and that of pictures where samples are tiles of them."""
        boxes = Column(name=BOXES, dtype="float32", shape=(6,), ragged=True)
        return (boxes, Column(name=PICTURE, dtype="int64")) if is_tiled(card) else (boxes,)

    def encode(self, raw: Raw, declared: Declared, card: TargetCard) -> Arrays:
        """Returns the boxes (n, 6); those of a class that only ignored boxes have are of none, and ignored."""
        boxes, names, ignored = _checked(raw, declared)
        rows = np.empty((len(boxes), 6), dtype=np.float32)
        rows[:, :4], rows[:, IGNORED] = boxes, ignored
        rows[:, CLASS] = [card.names.index(name) if name in card.names else 0 for name in names]
        return {BOXES: rows, PICTURE: np.array(number_of(raw[PICTURE]))} if is_tiled(card) else {BOXES: rows}

    def summary(self, parts: Iterable[Targets], card: TargetCard) -> dict[str, Any]:
        """Returns of each class how many boxes it has and in how many pictures it is, and how many have none."""
        boxes, pictures = (np.zeros(len(card.names), dtype=np.int64) for _ in range(2))
        ignored = empty = 0
        for part in parts:
            for counts, left_out in _counts(part, card):
                boxes, pictures = boxes + counts, pictures + (counts > 0)
                ignored, empty = ignored + left_out, empty + (not counts.any())
        return {
            "boxes": dict(zip(card.names, boxes.tolist(), strict=True)) | {"ignored": ignored},
            "pictures": dict(zip(card.names, pictures.tolist(), strict=True)) | {"without boxes": empty},
        }

    def translated(self, targets: Targets, card: TargetCard, to: TargetCard) -> Targets:
        """Returns boxes by the order of another card; those of a class that it does not know are ignored."""
        places = np.array([to.names.index(name) if name in to.names else -1 for name in card.names], dtype=np.int64)
        rows = np.array(targets[BOXES])
        found = places[rows[:, CLASS].astype(np.int64)]
        rows[:, CLASS] = np.maximum(found, 0)
        rows[found < 0, IGNORED] = 1
        return replace(targets, columns={**targets.columns, BOXES: rows})

    def groups(self, targets: Targets) -> Rows:
        """Returns for each picture the class that has most of its boxes, counted from 1; 0 where there is none."""
        rows, ends = np.asarray(targets[BOXES]), targets.offsets(BOXES)
        found = np.zeros(len(targets), dtype=np.int64)
        for place, (start, end) in enumerate(pairwise(ends)):
            some = rows[start:end][rows[start:end, IGNORED] == 0]
            found[place] = 1 + np.bincount(some[:, CLASS].astype(np.int64)).argmax() if len(some) else 0
        return found

    def moved(self, targets: Targets, geometry: Geometry) -> Targets:
        """Returns the boxes of pictures that were moved, cut by their edges; see `geometry` for those hardly seen."""
        ends = targets.offsets(BOXES)
        of = np.repeat(np.arange(len(targets)), np.diff(ends))
        rows, stays = moved(np.array(targets[BOXES]), of, geometry.matrix, geometry.size)
        counts = np.bincount(of[stays], minlength=len(targets))
        ends = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return Targets({**targets.columns, BOXES: rows}, {BOXES: ends})

    def merged(self, parts: Sequence[Targets]) -> Targets:
        """Returns the boxes of all parts; of tiles, the picture of the first."""
        count, rows = len(parts[0]), np.concatenate([part[BOXES] for part in parts])
        of = np.concatenate([np.repeat(np.arange(count), np.diff(part.offsets(BOXES))) for part in parts])
        ends = np.concatenate([[0], np.cumsum(np.bincount(of, minlength=count))]).astype(np.int64)
        return Targets({**parts[0].columns, BOXES: rows[np.argsort(of, kind="stable")]}, {BOXES: ends})


def _checked(raw: Raw, declared: Declared) -> tuple[NDArray[np.float32], list[str], NDArray[np.bool_]]:
    """Returns boxes (n, 4), names and which are ignored, of a picture.

    Raises:
        BadTargetError: there are none, they are no boxes, or of a class that is not declared.
    """
    if BOXES not in raw:
        raise BadTargetError("expected boxes, got none; take a reader of boxes")
    boxes = np.asarray(raw[BOXES], dtype=np.float32).reshape(-1, 4)
    names, ignored = [str(name) for name in raw[NAMES]], np.asarray(raw[LEFT_OUT], dtype=np.bool_).reshape(-1)
    if not len(boxes) == len(names) == len(ignored):
        got = f"{len(boxes)} boxes, {len(names)} names, {len(ignored)} marks"
        raise BadTargetError(f"expected one class and one mark for each box, got {got}")
    _require_boxes(boxes, declared.get(BOXES, {}).get("size"))
    known = declared.get(BOXES, {}).get(NAMES)
    strange = [name for name, out in zip(names, ignored, strict=True) if known and not out and name not in known]
    if strange:
        listed = ", ".join(f"`{name}`" for name in known or ())
        raise BadTargetError(f"expected boxes of {listed}, got one of `{strange[0]}`", UNKNOWN)
    return boxes, names, ignored


def _require_boxes(boxes: NDArray[np.float32], size: Sequence[int] | None) -> None:
    if not np.isfinite(boxes).all():
        raise BadTargetError("expected boxes of finite numbers, got some that are NaN or infinite")
    bad = np.flatnonzero((boxes[:, :2] >= boxes[:, 2:]).any(axis=1))
    if len(bad):
        got = f"{_shown(boxes[bad[0]])} (one of {len(bad)} in {len(boxes)})"
        raise BadTargetError(f"expected boxes x0, y0, x1, y1 with x0 < x1 and y0 < y1, got {got}; are they x, y, w, h?")
    if size:
        height, width = size
        far = (boxes[:, :2] < -OUTSIDE) | (boxes[:, 2:] > np.array([width, height]) + OUTSIDE)
        if far.any():
            got = _shown(boxes[np.flatnonzero(far.any(axis=1))[0]])
            raise BadTargetError(f"expected boxes inside of a picture of {width} x {height} pixels, got {got}")


def _shown(box: NDArray[np.float32]) -> str:
    return f"({', '.join(f'{value:g}' for value in box)})"


def _counts(targets: Targets, card: TargetCard) -> Iterator[tuple[NDArray[np.int64], int]]:
    """Yields for each picture how many boxes each class has, and how many are ignored."""
    rows, ends = targets[BOXES], targets.offsets(BOXES)
    for start, end in pairwise(ends):
        some = np.asarray(rows[start:end])
        out = some[:, IGNORED] > 0
        yield np.bincount(some[~out, CLASS].astype(np.int64), minlength=len(card.names)), int(out.sum())


def _plain(value: Any) -> Any:
    return [*value] if isinstance(value, tuple) else value


PART = DetectionTargets()
