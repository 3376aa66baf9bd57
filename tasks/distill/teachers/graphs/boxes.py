"""The rows in which a detector that was made elsewhere writes its boxes, as boxes of the prepared pictures and scores.

What cells such a network has does not matter: the kind of task draws the boxes into cells of its own
(`HoldsBoxes.of_boxes`), where they are soft labels like those of any other teacher.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from params.pictures.box_rows import CLASS, CORNERS, FROM_CORNER, FROM_MIDDLE, SCORE, SCORES, BoxRows
from params.teacher import OnnxFacts
from tasks.contracts.records import DataSpec
from tasks.core.errors import DataError, RecipeError, mismatch
from tasks.distill.teachers.graphs.answer_form import Found, Names
from tasks.kinds.contract import HeadPart, HoldsBoxes, Tensors, part

LEAST = 0.05
"""score from which on a box is looked at"""
SHARES = 2.0
"""of a side, which no part of a picture reaches, and every place in pixels does"""
ROWS = 3
"""axes of rows of numbers for each picture"""
HALF = np.float32(0.5)
Values = NDArray[np.float32]


class ScoredBoxes(NamedTuple):
    """Boxes (n, most, 4) as x0, y0, x1, y1 in the unit of the graph, and a score (n, most, outputs) for each output."""

    places: Values
    scores: Values


class BoxForm:
    """Rows of numbers for each picture, one for each box."""

    def __init__(self, rows: BoxRows, facts: OnnxFacts, names: Names, more: bool, spec: DataSpec) -> None:
        self.rows, self.facts, self.more, self.spec = rows, facts, more, spec
        self.logits = facts.gives == "logits"
        self.names: Names = tuple(names) or spec.targets.names
        self.head, self.form = _head(spec.task), rows.form or CORNERS
        height, width = spec.input.shape[1:]
        fed = tuple(facts.size or (height, width)) if rows.unit == "pixels" else (1, 1)
        self.scale = np.array([width / fed[1], height / fed[0]] * 2, dtype=np.float32)
        self.at = {name: place for place, name in enumerate(rows.columns)}
        self.width = len(rows.columns) + (len(self.names) - 1 if SCORES in self.at else 0)

    def outputs(self, found: Found) -> Tensors:
        """Returns named outputs: a network of the kind that has found the same."""
        seen = self.seen(found)
        named = [[place for place, name in enumerate(self.names) if name == one] for one in self.spec.targets.names]
        never = np.zeros(seen.scores.shape[:2], dtype=np.float32)
        scores = np.stack([seen.scores[..., some].max(axis=2) if some else never for some in named], axis=2)
        places = torch.from_numpy(seen.places * self.scale)
        return self.head.of_boxes(places, torch.from_numpy(scores), self.spec.targets)

    def seen(self, found: Found) -> ScoredBoxes:
        """Returns boxes and scores.

        Raises:
            DataError: there are other numbers than the recipe says, or infinite ones.
        """
        values = self._side_by_side(found)
        if not np.isfinite(values).all():
            raise DataError(
                mismatch("teacher", "", "finite numbers of boxes", "some that are not", "correct the teacher")
            )
        corners = values[..., [self.at[name] for name in self.form]]
        low, high = corners[..., :2], corners[..., 2:]
        if self.form == FROM_CORNER:
            high = low + high
        elif self.form == FROM_MIDDLE:
            low, high = low - high * HALF, low + high * HALF
        return ScoredBoxes(np.concatenate([low, high], axis=2), self._scores(values))

    def require(self, where: str, parts: Sequence[Found]) -> None:
        """Checks shapes, whether scores are logits or probabilities, and the unit of the boxes."""
        start = self.at[SCORES if SCORES in self.at else SCORE]
        end = None if SCORES in self.at else start + 1
        scores = np.concatenate([self._side_by_side(found)[..., start:end].ravel() for found in parts])
        self._require_gives(where, scores)
        seen = [self.seen(found) for found in parts]
        sure = np.concatenate([one.places[one.scores.max(axis=2, initial=0) >= LEAST] for one in seen])
        self._require_unit(where, float(np.abs(sure).max(initial=0)))

    def require_shapes(self, where: str, shapes: Sequence[Sequence[Any]]) -> None:
        """Says nothing before the graph runs: which axis holds the numbers may be open."""

    def _require_gives(self, where: str, scores: Values) -> None:
        lowest, highest = float(scores.min(initial=0)), float(scores.max(initial=0))
        if not self.logits and (lowest < 0 or highest > 1):
            do = "say `gives: logits` if that is what they are, or correct `teacher.boxes.columns`"
            got = f"numbers from {lowest:.3g} to {highest:.3g}"
            raise DataError(mismatch(where, "teacher.gives", "scores from 0 to 1", got, do))
        if self.logits and lowest == 0 < highest <= 1:
            got = "numbers from 0 to 1"
            raise DataError(mismatch(where, "teacher.gives", "logits of scores", got, "say `gives: probabilities`"))

    def _require_unit(self, where: str, largest: float) -> None:
        if not largest or (largest <= SHARES) == (self.rows.unit == "share"):
            return
        words = {"pixels": "pixels of the picture that it is given", "share": "parts of width and height"}
        other = "share" if self.rows.unit == "pixels" else "pixels"
        got, do = f"numbers up to {largest:.3g}", f"say `unit: {other}`"
        raise DataError(mismatch(where, "teacher.boxes.unit", words[self.rows.unit], got, do))

    def _side_by_side(self, found: Found) -> Values:
        """Returns (n, boxes, numbers)."""
        parts = [np.asarray(one, dtype=np.float32) for one in found]
        if parts[0].ndim == ROWS - 1:  # of one picture, without an axis for it
            parts = [one[np.newaxis] for one in parts]
        parts = [one[..., np.newaxis] if one.ndim == ROWS - 1 else one for one in parts]
        ways = (parts, [np.swapaxes(one, 1, 2) for one in parts]) if all(one.ndim == ROWS for one in parts) else ()
        fits = [way for way in ways if len({one.shape[:2] for one in way}) == 1 and self._fits(_numbers(way))]
        if not fits:
            got = " and ".join(" x ".join(map(str, np.shape(one))) for one in found)
            expected = f"boxes of {self.width} numbers: {', '.join(self.rows.columns)}"
            do = "correct `columns`, `outputs` or `classes`: with `scores` there is one for each name of `classes`"
            raise DataError(mismatch("teacher", "teacher.boxes.columns", expected, f"outputs of {got}", do))
        return np.concatenate(min(fits, key=_numbers), axis=2)

    def _fits(self, numbers: int) -> bool:
        return numbers == self.width or (self.more and SCORES in self.at and numbers > self.width)

    def _scores(self, values: Values) -> Values:
        """Returns the score of each output (n, boxes, outputs)."""
        ones = np.ones((*values.shape[:2], 1), dtype=np.float32)
        whole = self._probable(values[..., self.at[SCORE], np.newaxis]) if SCORE in self.at else ones
        if SCORES in self.at:
            start = self.at[SCORES]
            several: Values = self._probable(values[..., start : start + len(self.names)]) * whole
            return several
        numbers = values[..., self.at[CLASS]].round().astype(np.int64)
        known = (numbers >= 0) & (numbers < len(self.names))
        if not self.more and (strange := numbers[~known & (whole[..., 0] >= LEAST)]).size:
            expected = f"numbers of classes from 0 to {len(self.names) - 1}"
            do = "say in `teacher.classes` which number is which, such as `{1: NAME}`"
            raise DataError(mismatch("teacher", "teacher.boxes.columns", expected, f"{strange[0]}", do))
        each: Values = (numbers[..., np.newaxis] == np.arange(len(self.names))) * whole
        return each.astype(np.float32)

    def _probable(self, values: Values) -> Values:
        return (1 / (1 + np.exp(-values.clip(-80, 80)))).astype(np.float32) if self.logits else values


def _head(task: str) -> HoldsBoxes:
    head = part(task, "head", HeadPart)
    if not isinstance(head, HoldsBoxes):
        expected, do = "a kind of task with boxes", "leave it out, or take `data.task: detection`"
        raise RecipeError([mismatch("recipe", "teacher.boxes", expected, f"`{task}`", do)])
    return head


def _numbers(parts: Sequence[NDArray[Any]]) -> int:
    return sum(one.shape[2] for one in parts)
