"""Tables and pictures that only classification has: each class, what is taken for what, how far confidence is right."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from tasks.contracts.scores import TEACHER, Heading, Table
from tasks.contracts.targets import TargetCard
from tasks.drawing.svg import Drawing
from tasks.kinds.classification.metrics import PART as METRICS
from tasks.kinds.classification.metrics import Outcomes, confusion_of
from tasks.kinds.classification.pictures.confusion import draw_confusion
from tasks.kinds.classification.pictures.reliability import Reliability, draw_reliability
from tasks.kinds.classification.pictures.worst import Mistake, WorstClass, draw_worst
from tasks.kinds.contract import Rows, SplitSamples

WORST_CLASSES, MISTAKES = 4, 4
"""how many classes are shown, and samples of each"""
OF_CLASSES = (
    Heading(title="class"),
    Heading(title="recall", unit="percent"),
    Heading(title="teacher's recall", unit="percent"),
    Heading(title="precision", unit="percent"),
    Heading(title="F1", unit="percent"),
    Heading(title="test samples", unit="count"),
)
OF_MISTAKES = (
    Heading(title="is"),
    Heading(title="taken for"),
    Heading(title="samples", unit="count"),
    Heading(title="of all that are", unit="percent"),
)
MISTAKES_LISTED = 10
TAGS = {"image": "image-classification", "vector": "tabular-classification"}


class ClassificationFigures:
    """The part of the kind."""

    def tables(self, evidence: Mapping[str, Outcomes], shipped: str, card: TargetCard) -> Iterator[Table]:
        """Yields a row per class, the one with the lowest recall first, beside the teacher's recall."""
        ours, theirs = (_values(evidence[name]) for name in (shipped, TEACHER))
        support = METRICS.support(evidence[shipped])
        rows = [
            (
                name,
                ours.get(f"recall/{name}", 0.0),
                theirs.get(f"recall/{name}", 0.0),
                ours.get(f"precision/{name}", 0.0),
                ours.get(f"f1/{name}", 0.0),
                support[name],
            )
            for name in card.names
        ]
        title = "Each class, as the file that ships sees it; lowest recall first"
        yield Table(title=title, head=OF_CLASSES, rows=tuple(sorted(rows, key=lambda row: row[1])))

    def figures(
        self, evidence: Mapping[str, Outcomes], shipped: str, card: TargetCard, samples: SplitSamples
    ) -> Iterator[Drawing]:
        """Yields the confusion, the weakest classes and the reliability, where there is something to show."""
        ours = evidence[shipped]
        drawn = (
            draw_confusion(confusion_of(ours, len(card.names)), card.names),
            draw_worst(worst_classes(ours, card, samples)),
            draw_reliability({name: _reliability(evidence[name]) for name in (TEACHER, shipped)}, shipped),
        )
        yield from (drawing for drawing in drawn if drawing is not None)

    def mistakes(self, evidence: Outcomes, card: TargetCard) -> Iterator[Table]:
        """Yields the most frequent pairs of a class and what it is taken for; none where all is right."""
        counts = confusion_of(evidence, len(card.names))
        every, wrong = counts.sum(axis=1), counts - np.diag(counts.diagonal())
        order = np.argsort(-wrong, axis=None, kind="stable")[:MISTAKES_LISTED]
        pairs = [divmod(int(place), len(card.names)) for place in order]
        rows = tuple(
            (card.names[label], card.names[other], int(wrong[label, other]), float(wrong[label, other] / every[label]))
            for label, other in pairs
            if wrong[label, other]
        )
        if rows:
            yield Table(title="What it takes for what, most frequent first", head=OF_MISTAKES, rows=rows)

    def answers_in_words(self, evidence: Outcomes, rows: Rows, card: TargetCard) -> tuple[str, ...]:
        """Returns the class that each is taken for, and how sure the model is."""
        return tuple(f"{card.names[evidence.predicted[row]]} {100 * evidence.confidence[row]:.0f} %" for row in rows)

    def pipeline_tag(self, layout: str) -> str:
        """Returns what Hugging Face calls the task; empty where it has no name for it."""
        return TAGS.get(layout, "")

    def cautions(self, columns: Sequence[str]) -> tuple[str, ...]:
        """Returns nothing that a card does not say of every model."""
        return ()


def worst_classes(evidence: Outcomes, card: TargetCard, samples: SplitSamples) -> tuple[WorstClass, ...]:
    """Returns the classes with the lowest recall; those without a mistake are not among them."""
    counts = confusion_of(evidence, len(card.names))
    every, found = counts.sum(axis=1), counts.diagonal()
    order = np.argsort(found / np.maximum(every, 1), kind="stable")[:WORST_CLASSES]
    return tuple(
        WorstClass(card.names[place], int(every[place]), int(found[place]), _mistakes(evidence, card, samples, place))
        for place in map(int, order)
        if found[place] < every[place]
    )


def _mistakes(evidence: Outcomes, card: TargetCard, samples: SplitSamples, label: int) -> tuple[Mistake, ...]:
    """Returns the samples of a class that are taken for another one, the most confident first."""
    wrong = np.flatnonzero((evidence.label == label) & ~evidence.hits)
    rows = wrong[np.argsort(-evidence.confidence[wrong], kind="stable")][:MISTAKES]
    return tuple(
        Mistake(inputs, name, card.names[evidence.predicted[row]], float(evidence.confidence[row]))
        for row, (inputs, name) in zip(rows, samples.at(rows), strict=True)
    )


def _values(evidence: Outcomes) -> dict[str, float]:
    values = METRICS.tally(evidence, np.ones((1, len(evidence.label)), dtype=np.int64))
    return {name: float(value[0]) for name, value in values.items()}


def _reliability(evidence: Outcomes) -> Reliability:
    return Reliability.of(evidence.confidence, evidence.hits)


PART = ClassificationFigures()
