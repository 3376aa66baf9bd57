"""Accuracy on parts of the test split: where the file that ships is weaker than its mean."""

from matplotlib.axes import Axes

from tasks.contracts.scores import SliceScore
from tasks.drawing.canvas import BLUE, FONT, INK, WIDTH, Canvas, fitted
from tasks.drawing.svg import Drawing, drawing_of
from tasks.evaluate.figures.content import FigureData

MOST = 24
ROW, LABELS = 24.0, 166.0
CAPTION = (
    "Parts of the test split. Accuracy of the file that ships, with intervals, and in brackets the samples of the part;"
    " the dashed line is its accuracy on the whole.{cut}"
)


def draw_slices(data: FigureData) -> Drawing | None:
    """Draws a row per slice, the weakest `MOST` of them; None where there are none."""
    shipped = data.shipped
    if not shipped.slices:
        return None
    rows = _weakest(shipped.slices)
    cut = f" The weakest {MOST} of {len(shipped.slices)}." if len(shipped.slices) > MOST else ""
    canvas = Canvas.of(ROW * (len(rows) + _columns(rows)) + 52)
    axes = canvas.axes(LABELS, 4, WIDTH - LABELS - 14, canvas.height - 52)
    _fill(canvas, axes, rows)
    axes.axvline(100 * shipped.accuracy.value, linestyle=(0, (4, 4)), color=INK, alpha=0.5, linewidth=1)
    _frame(axes, canvas.height - 52)
    caption = CAPTION.format(cut=cut)
    return drawing_of(canvas.figure, "slices", caption)


def _weakest(slices: tuple[SliceScore, ...]) -> list[SliceScore]:
    """Returns the weakest, column by column."""
    kept = sorted(slices, key=lambda part: part.accuracy.value)[:MOST]
    columns = list(dict.fromkeys(part.column for part in slices))
    return sorted((part for part in slices if part in kept), key=lambda part: columns.index(part.column))


def _columns(rows: list[SliceScore]) -> int:
    return len(dict.fromkeys(row.column for row in rows))


def _fill(canvas: Canvas, axes: Axes, rows: list[SliceScore]) -> None:
    top, column = ROW / 2, ""
    for row in rows:
        if row.column != column:
            column = row.column
            canvas.write(4, 4 + top, fitted(column, LABELS - 10), fontweight="bold")
            top += ROW
        canvas.write(4, 4 + top, _label(row))
        _dot(axes, top, row)
        top += ROW


def _label(row: SliceScore) -> str:
    count = f"({row.samples:,})"
    return f"{fitted(row.value, LABELS - 14 - FONT * 0.7 * len(count))} {count}"


def _dot(axes: Axes, top: float, row: SliceScore) -> None:
    low, value, high = (100 * end for end in (row.accuracy.low, row.accuracy.value, row.accuracy.high))
    axes.plot([low, high], [top, top], color=BLUE, linewidth=2.4, alpha=0.6)
    axes.plot([value], [top], "o", color=BLUE, markersize=8, markeredgecolor="none")


def _frame(axes: Axes, height: float) -> None:
    axes.set_ylim(height, 0)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlim(right=min(axes.get_xlim()[1], 101))
    axes.locator_params(axis="x", nbins=5)
    axes.set_xlabel("accuracy, %", color=INK)
    axes.grid(axis="x")
