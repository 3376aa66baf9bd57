"""The deciding metric on parts of the test split: where the file that ships is weaker than its mean."""

from collections.abc import Sequence
from itertools import groupby

from matplotlib.axes import Axes

from tasks.contracts.metrics import Metric
from tasks.contracts.scores import SliceScore
from tasks.drawing.sheet import BLUE, INK, fitted, sheet, styled, width_of
from tasks.drawing.svg import Drawing, drawing

MOST, LABELS = 24, 160.0
TITLE = "Parts of the test split"
CAPTION = (
    "{title} of the file that ships, with intervals, and in brackets the samples of the part;"
    " the dashed line is its value on the whole.{cut}"
)


@styled()
def draw_slices(metric: Metric, slices: Sequence[SliceScore], whole: float) -> Drawing | None:
    """Draws a row per slice, the weakest `MOST` of them, and the value on all samples; None where there are none."""
    if not slices:
        return None
    rows = _rows(metric, slices)
    figure = sheet(24 * len(rows) + 56)
    axes = figure.add_subplot()
    for place, row in enumerate(rows):
        if not isinstance(row, str):
            _dot(axes, metric, place, row)
    axes.axvline(metric.scale * whole, linestyle=(0, (4, 4)), color=INK, alpha=0.5, linewidth=1)
    _frame(axes, metric, rows)
    cut = f" The weakest {MOST} of {len(slices)}." if len(slices) > MOST else ""
    caption = CAPTION.format(title=metric.title[:1].upper() + metric.title[1:], cut=cut)
    return drawing(figure, "slices", TITLE, caption)


def _rows(metric: Metric, slices: Sequence[SliceScore]) -> list[str | SliceScore]:
    """Returns the weakest, column by column, each column after its name."""
    weakest = sorted(slices, key=lambda part: metric.sign * part.metrics[metric.name].value)[:MOST]
    columns = list(dict.fromkeys(part.column for part in slices))
    shown = sorted((part for part in slices if part in weakest), key=lambda part: columns.index(part.column))
    return [row for column, parts in groupby(shown, lambda part: part.column) for row in (column, *parts)]


def _label(row: str | SliceScore) -> str:
    if isinstance(row, str):
        return fitted(row, LABELS)
    count = f" ({row.samples:,})"
    return fitted(row.value, LABELS - width_of(count)) + count


def _dot(axes: Axes, metric: Metric, place: int, row: SliceScore) -> None:
    interval = row.metrics[metric.name]
    low, value, high = (metric.scale * end for end in (interval.low, interval.value, interval.high))
    axes.plot([low, high], [place, place], color=BLUE, linewidth=2.4, alpha=0.6)
    axes.plot([value], [place], "o", color=BLUE, markersize=8, markeredgecolor="none")


def _frame(axes: Axes, metric: Metric, rows: Sequence[str | SliceScore]) -> None:
    axes.set_yticks(range(len(rows)), [_label(row) for row in rows])
    for label, row in zip(axes.get_yticklabels(), rows, strict=True):
        label.set_fontweight("bold" if isinstance(row, str) else "normal")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    highest = min(axes.get_xlim()[1], 1.01 * metric.scale * metric.high)
    axes.set(xlabel=metric.axis, ylim=(len(rows) - 0.5, -0.5), xlim=(None, highest))
    axes.locator_params(axis="x", nbins=4)
    axes.grid(axis="x")
