"""Tables and pictures that only regression has: how far off answers are, in each part of the range."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from tasks.contracts.scores import TEACHER, Heading, Table
from tasks.contracts.targets import TargetCard
from tasks.drawing.svg import Drawing
from tasks.kinds.contract import Floats, Rows, SplitSamples
from tasks.kinds.regression.metrics import Estimates
from tasks.kinds.regression.names import RANGES
from tasks.kinds.regression.pictures.numbers import draw_numbers

HEAD = (
    Heading(title="true number"),
    Heading(title="samples", unit="count"),
    Heading(title="mean absolute error", unit="number"),
    Heading(title="mean error", unit="number"),
    Heading(title="within the tolerance", unit="percent"),
    Heading(title="inside their interval", unit="percent"),
    Heading(title="width of an interval", unit="number"),
)
CAUTIONS = (
    "It answers within the range of numbers that it knows, and never beyond: of a sample from outside it tells a number"
    " inside.",
    "The interval beside a number holds a part of what the network itself believes, and it may be too sure of itself."
    " The report says how many test numbers lie in it; of other data nothing is promised.",
)


class RegressionFigures:
    """The part of the kind."""

    def tables(self, evidence: Mapping[str, Estimates], shipped: str, card: TargetCard) -> Iterator[Table]:
        """Yields a row per part of the range, of the file that ships beside the teacher."""
        teachers = errors_of(evidence[TEACHER])
        rows = tuple((*row, float(teachers[place])) for place, row in _rows(evidence[shipped]))
        title = "How far off the file that ships is, in each part of the range"
        yield Table(title=title, head=(*HEAD, Heading(title="teacher's mean absolute error", unit="number")), rows=rows)

    def figures(
        self, evidence: Mapping[str, Estimates], shipped: str, card: TargetCard, samples: SplitSamples
    ) -> Iterator[Drawing]:
        """Yields answers against numbers, and errors by range."""
        ours = evidence[shipped]
        yield draw_numbers(ours.predicted, ours.true, ours.ranges, errors_of(ours), errors_of(evidence[TEACHER]))

    def mistakes(self, evidence: Estimates, card: TargetCard) -> Iterator[Table]:
        """Yields a row per part of the range."""
        yield Table(title="How far off it is, in each part of the range", head=HEAD, rows=_told(evidence))

    def answers_in_words(self, evidence: Estimates, rows: Rows, card: TargetCard) -> tuple[str, ...]:
        """Returns each answer, and the number that it should be."""
        return tuple(f"{evidence.predicted[row]:.4g} for {evidence.true[row]:.4g}" for row in rows)

    def pipeline_tag(self, layout: str) -> str:
        """Returns what Hugging Face calls the task; it has a name for that of tables alone."""
        return "tabular-regression" if layout == "vector" else ""

    def cautions(self, columns: Sequence[str]) -> tuple[str, ...]:
        """Returns what a number does not say."""
        return CAUTIONS


def errors_of(evidence: Estimates) -> Floats:
    """Returns the mean absolute error (ranges,) in each part of the range; NaN where it has no sample."""
    counts = np.bincount(evidence.part, minlength=RANGES)
    sums = np.bincount(evidence.part, np.abs(evidence.predicted - evidence.true), RANGES)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _told(evidence: Estimates) -> tuple[tuple[str | int | float, ...], ...]:
    return tuple(row for _, row in _rows(evidence))


def _rows(evidence: Estimates) -> Iterator[tuple[int, tuple[str | int | float, ...]]]:
    """Yields the place of each part of the range that has samples, and its row."""
    for place in np.unique(evidence.part).tolist():
        there = evidence.part == place
        error = evidence.predicted[there] - evidence.true[there]
        yield (
            place,
            (
                evidence.ranges[place],
                int(there.sum()),
                float(np.abs(error).mean()),
                float(error.mean()),
                float(evidence.right[there].mean()),
                float(evidence.covered[there].mean()),
                float(evidence.width[there].mean()),
            ),
        )


PART = RegressionFigures()
