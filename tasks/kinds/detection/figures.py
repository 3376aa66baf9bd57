"""Tables and pictures that only detection has: each class, each size, pictures with boxes, precision against recall."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from tasks.contracts.scores import TEACHER, Heading, Table
from tasks.contracts.targets import TargetCard
from tasks.drawing.svg import Drawing
from tasks.kinds.contract import Rows, SplitSamples
from tasks.kinds.detection.decode import FoundBoxes, found_in
from tasks.kinds.detection.matching import FALSE, RIGHT, SIZES, match, missed
from tasks.kinds.detection.metrics import PART as METRICS
from tasks.kinds.detection.metrics import WHOLE, Matched
from tasks.kinds.detection.names import BOXES, CLASS, CLASSES, IGNORED, SIDES
from tasks.kinds.detection.pictures.boxed import BoxedPicture, draw_boxed
from tasks.kinds.detection.pictures.recalls import MOST, draw_recalls
from tasks.kinds.detection.precision import WeighedBoxes

OF_CLASSES = (
    Heading(title="class"),
    Heading(title="AP50", unit="percent"),
    Heading(title="teacher's AP50", unit="percent"),
    Heading(title="recall", unit="percent"),
    Heading(title="precision", unit="percent"),
    Heading(title="boxes", unit="count"),
    Heading(title="test pictures", unit="count"),
)
OF_SIZES = (
    Heading(title="size"),
    Heading(title="AP50-95", unit="percent"),
    Heading(title="teacher's AP50-95", unit="percent"),
    Heading(title="boxes", unit="count"),
)
OF_MISTAKES = (
    Heading(title="is"),
    Heading(title="taken for"),
    Heading(title="boxes", unit="count"),
    Heading(title="of all that are", unit="percent"),
)
MISTAKES_LISTED = 10
AREAS = dict(zip(SIZES, ("below 32 x 32 pixels", "to 96 x 96 pixels", "above 96 x 96 pixels"), strict=True))
SHOWN = 4


class Point(NamedTuple):
    """A class where a device works."""

    right: int
    false: int
    truths: int

    @property
    def recall(self) -> float:
        """Part of the targets that is found."""
        return self.right / max(self.truths, 1)

    @property
    def precision(self) -> float:
        """Part of the boxes that is right."""
        return self.right / max(self.right + self.false, 1)


class DetectionFigures:
    """The part of the kind."""

    def tables(self, evidence: Mapping[str, Matched], shipped: str, card: TargetCard) -> Iterator[Table]:
        """Yields a row per class, that with the lowest AP50 first, and one per size, beside the teacher's."""
        ours, theirs = (_values(evidence[name]) for name in (shipped, TEACHER))
        seen, support = evidence[shipped], METRICS.support(evidence[shipped])
        points = {name: operating_point(seen, place) for place, name in enumerate(card.names)}
        rows = [
            (
                name,
                ours[f"class_ap50/{name}"],
                theirs.get(f"class_ap50/{name}", 0.0),
                point.recall,
                point.precision,
                point.truths,
                support[name],
            )
            for name, point in points.items()
            if point.truths
        ]
        title = f"Each class, lowest AP50 first; recall and precision are those from a score of {seen.least_score:g} on"
        yield Table(title=title, head=OF_CLASSES, rows=tuple(sorted(rows, key=lambda row: row[1])))
        sizes = tuple(
            (f"{size}, {AREAS[size]}", ours[name], theirs.get(name, 0.0), int(seen.truths[:, :, place].sum()))
            for place, size in enumerate(SIZES, start=1)
            if (name := f"size_ap/{size}") in ours
        )
        yield Table(title="Each size of boxes, in pixels of the prepared picture", head=OF_SIZES, rows=sizes)

    def figures(
        self, evidence: Mapping[str, Matched], shipped: str, card: TargetCard, samples: SplitSamples
    ) -> Iterator[Drawing]:
        """Yields some pictures with their boxes, and the precision at each recall."""
        seen = evidence[shipped]
        counts = seen.truths[:, :, WHOLE].sum(axis=0)
        most = [int(place) for place in np.argsort(-counts, kind="stable")[:MOST] if counts[place]]
        curves = {card.names[place]: _curve(seen, place) for place in most}
        points = {card.names[place]: operating_point(seen, place) for place in most}
        told = {name: (point.recall, point.precision) for name, point in points.items() if point.right + point.false}
        drawn = (
            draw_boxed(some_pictures(seen, samples, card)),
            draw_recalls(curves, told, int((counts > 0).sum())),
        )
        yield from (drawing for drawing in drawn if drawing is not None)

    def mistakes(self, evidence: Matched, card: TargetCard) -> Iterator[Table]:
        """Yields the classes that things are taken for, and those that are not found at all."""
        pairs, every = evidence.looks.pairs.sum(axis=0), evidence.truths[:, :, WHOLE].sum(axis=0)
        lost = every - pairs.sum(axis=1)
        wrong = np.concatenate([pairs - np.diag(pairs.diagonal()), np.maximum(lost, 0)[:, None]], axis=1)
        order = np.argsort(-wrong, axis=None, kind="stable")[:MISTAKES_LISTED]
        found = [divmod(int(place), wrong.shape[1]) for place in order]
        others = (*card.names, "nothing")
        rows = tuple(
            (card.names[label], others[other], int(wrong[label, other]), float(wrong[label, other] / every[label]))
            for label, other in found
            if wrong[label, other]
        )
        if rows:
            yield Table(title="What it takes for what, most frequent first", head=OF_MISTAKES, rows=rows)

    def answers_in_words(self, evidence: Matched, rows: Rows, card: TargetCard) -> tuple[str, ...]:
        """Returns how many boxes of each picture are right, false and missing where a device works."""
        right, false, every = _boxes_of_each(evidence)
        return tuple(f"{right[row]} right, {false[row]} false, {every[row] - right[row]} missed" for row in rows)

    def pipeline_tag(self, layout: str) -> str:
        """Returns what Hugging Face calls the task."""
        return "object-detection"

    def cautions(self, columns: Sequence[str]) -> tuple[str, ...]:
        """Returns nothing that a card does not say of every model."""
        return ()


def operating_point(evidence: Matched, place: int) -> Point:
    """Returns how many boxes of a class are right and false where a device works, and how many there should be."""
    mine = (evidence.classes == place) & (evidence.scores >= evidence.least_score)
    of = evidence.of[mine, WHOLE, 0]
    return Point(int((of == RIGHT).sum()), int((of == FALSE).sum()), int(evidence.truths[:, place, WHOLE].sum()))


def some_pictures(evidence: Matched, samples: SplitSamples, card: TargetCard) -> list[BoxedPicture]:
    """Returns the picture with the fewest mistakes, two in the middle and that with the most; each once.

    Measured is `right / (right + false + missed)` at the operating point, of pictures with a target or a box.
    """
    share, busy = _shares(evidence)
    order = busy[np.argsort(-share[busy], kind="stable")]
    if not len(order):
        return []
    places = np.unique(np.linspace(0, len(order) - 1, SHOWN).round().astype(np.int64))
    chosen = order[places]
    targets, outputs = samples.targets(chosen), samples.outputs(chosen)
    ends = targets.offsets(BOXES)
    shown = []
    for place, (row, (picture, name)) in enumerate(zip(chosen, samples.at(chosen), strict=True)):
        found = found_in(outputs[CLASSES][place], outputs[SIDES][place], card.facts, evidence.least_score)
        rows = np.asarray(targets[BOXES][ends[place] : ends[place + 1]])
        shown.append(_boxed(f"{100 * share[row]:.0f} %: {name}", picture, found, rows, card))
    return shown


def _boxed(words: str, picture: np.ndarray, found: FoundBoxes, rows: np.ndarray, card: TargetCard) -> BoxedPicture:
    outcome = match(found, rows, len(card.names))
    told = ["right" if one == RIGHT else "false" if one == FALSE else "ignored" for one in outcome.of[:, WHOLE, 0]]
    lost, out = missed(outcome, rows), rows[rows[:, IGNORED] > 0]
    boxes = np.concatenate([outcome.found.boxes, lost[:, :4], out[:, :4]]).astype(np.float64)
    what = (*told, *["missed"] * len(lost), *["ignored"] * len(out))
    classes = (*outcome.found.classes, *(row[CLASS] for row in (*lost, *out)))
    return BoxedPicture(words, picture, boxes, what, tuple(card.names[int(one)] for one in classes))


def _shares(evidence: Matched) -> tuple[np.ndarray, np.ndarray]:
    """Returns the share (n,) of what is right in each picture, and the pictures with a target or a box."""
    right, false, targets = _boxes_of_each(evidence)
    every = targets + false
    return right / np.maximum(every, 1), np.flatnonzero(every)


def _boxes_of_each(evidence: Matched) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns of each picture (n,) how many boxes are right and false where a device works, and how many targets."""
    of = evidence.of[:, WHOLE, 0]
    told = evidence.scores >= evidence.least_score
    total = np.stack([np.concatenate([[0], np.cumsum(told & (of == what))]) for what in (RIGHT, FALSE)])
    right, false = total[:, evidence.ends[1:]] - total[:, evidence.ends[:-1]]
    return right, false, evidence.truths[:, :, WHOLE].sum(axis=1)


def _curve(evidence: Matched, place: int) -> np.ndarray:
    mine = np.flatnonzero(evidence.classes == place)
    of = evidence.of[mine[np.argsort(-evidence.scores[mine], kind="stable")], WHOLE, 0]
    positives = np.array([evidence.truths[:, place, WHOLE].sum()], dtype=np.float64)
    return WeighedBoxes(np.ones((1, len(of)))).curve(of == RIGHT, of <= RIGHT, positives)


def _values(evidence: Matched) -> dict[str, float]:
    values = METRICS.tally(evidence, np.ones((1, len(evidence.loss)), dtype=np.int64))
    return {name: float(value[0]) for name, value in values.items()}


PART = DetectionFigures()
