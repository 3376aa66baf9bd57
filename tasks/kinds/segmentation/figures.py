"""Tables and pictures that only segmentation has: each class, which pixels are taken for which."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from tasks.contracts.scores import TEACHER, Heading, Table
from tasks.contracts.targets import TargetCard
from tasks.drawing.svg import Drawing
from tasks.kinds.contract import Rows, SplitSamples
from tasks.kinds.segmentation.metrics import PART as METRICS
from tasks.kinds.segmentation.metrics import Pixels, predicted
from tasks.kinds.segmentation.names import LOGITS, MASK
from tasks.kinds.segmentation.pictures.pixels import draw_pixels
from tasks.kinds.segmentation.pictures.scenes import Scene, draw_scenes

OF_CLASSES = (
    Heading(title="class"),
    Heading(title="IoU", unit="percent"),
    Heading(title="teacher's IoU", unit="percent"),
    Heading(title="of its pixels found", unit="percent"),
    Heading(title="of all pixels", unit="percent"),
    Heading(title="test pictures", unit="count"),
)
OF_MISTAKES = (
    Heading(title="is"),
    Heading(title="taken for"),
    Heading(title="pixels", unit="count"),
    Heading(title="of all that are", unit="percent"),
)
MISTAKES_LISTED = 10
DECIDES = "mean_iou"


class SegmentationFigures:
    """The part of the kind."""

    def tables(self, evidence: Mapping[str, Pixels], shipped: str, card: TargetCard) -> Iterator[Table]:
        """Yields a row per class, lowest IoU first and those without one last, beside the teacher's."""
        ours, theirs = (_values(evidence[name]) for name in (shipped, TEACHER))
        cells, support = evidence[shipped].cells.sum(axis=0), METRICS.support(evidence[shipped])
        real = cells.sum(axis=1)
        rows = [
            (
                name,
                ours.get(f"iou/{name}"),
                theirs.get(f"iou/{name}"),
                float(cells[place, place] / real[place]) if real[place] else None,
                float(real[place] / max(real.sum(), 1)),
                support[name],
            )
            for place, name in enumerate(card.names)
        ]
        title = "Each class, as the file that ships sees it; lowest IoU first"
        ordered = sorted(rows, key=lambda row: (row[1] is None, row[1] or 0.0))
        yield Table(title=title, head=OF_CLASSES, rows=tuple(ordered))

    def figures(
        self, evidence: Mapping[str, Pixels], shipped: str, card: TargetCard, samples: SplitSamples
    ) -> Iterator[Drawing]:
        """Yields some scenes, and what pixels are taken for."""
        ours = evidence[shipped]
        drawn = (draw_scenes(some_scenes(ours, samples), card.names), draw_pixels(ours.cells.sum(axis=0), card.names))
        yield from (drawing for drawing in drawn if drawing is not None)

    def mistakes(self, evidence: Pixels, card: TargetCard) -> Iterator[Table]:
        """Yields the most frequent pairs of a class and what its pixels are taken for."""
        counts = evidence.cells.sum(axis=0)
        every, wrong = counts.sum(axis=1), counts - np.diag(counts.diagonal())
        order = np.argsort(-wrong, axis=None, kind="stable")[:MISTAKES_LISTED]
        pairs = [divmod(int(place), len(card.names)) for place in order]
        rows = tuple(
            (card.names[label], card.names[other], int(wrong[label, other]), float(wrong[label, other] / every[label]))
            for label, other in pairs
            if wrong[label, other]
        )
        if rows:
            yield Table(title="Which pixels it takes for which, most frequent first", head=OF_MISTAKES, rows=rows)

    def answers_in_words(self, evidence: Pixels, rows: Rows, card: TargetCard) -> tuple[str, ...]:
        """Returns how many of the pixels of each picture are right."""
        cells = evidence.cells[rows]
        pairs = zip(cells.trace(axis1=1, axis2=2), cells.sum(axis=(1, 2)), strict=True)
        return tuple(f"{100 * hits / every:.0f} % of pixels right" if every else "of no class" for hits, every in pairs)

    def pipeline_tag(self, layout: str) -> str:
        """Returns what Hugging Face calls the task."""
        return "image-segmentation"

    def cautions(self, columns: Sequence[str]) -> tuple[str, ...]:
        """Returns nothing that a card does not say of every model."""
        return ()


def some_scenes(evidence: Pixels, samples: SplitSamples) -> list[Scene]:
    """Returns the best picture, that in the middle and the worst; each once, where there are fewer than three.

    Pictures all of whose pixels are of no class have no IoU, and are neither.
    """
    each = np.array([_values(METRICS.take(evidence, np.array([row])))[DECIDES] for row in range(len(evidence.loss))])
    known = np.flatnonzero(evidence.cells.sum(axis=(1, 2)))
    if not known.size:
        return []
    order = known[np.argsort(-each[known], kind="stable")]
    places = {"best": order[0], "middle": order[len(order) // 2], "worst": order[-1]}
    rows = {int(row): word for word, row in reversed(places.items())}
    chosen = np.array([*reversed(rows)], dtype=np.int64)
    masks, logits = samples.targets(chosen)[MASK], samples.outputs(chosen)[LOGITS]
    return [
        Scene(f"{rows[int(row)]}: {name}, {100 * each[row]:.1f} %", picture, np.asarray(mask), predicted(one))
        for row, (picture, name), mask, one in zip(chosen, samples.at(chosen), masks, logits, strict=True)
    ]


def _values(evidence: Pixels) -> dict[str, float]:
    values = METRICS.tally(evidence, np.ones((1, len(evidence.loss)), dtype=np.int64))
    return {name: float(value[0]) for name, value in values.items()}


PART = SegmentationFigures()
