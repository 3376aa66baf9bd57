"""Accuracy against latency: what each model costs, what it brings, and which of them nothing beats in both.

Points carry numbers, and the key below says whose they are and how many bytes: names of candidates are long, points
lie close, and on a phone there is no room for both.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from tasks.contracts.scores import Score
from tasks.drawing.canvas import FONT, INK, WIDTH, Canvas, fitted, width_of
from tasks.drawing.numbering import Spot, placed
from tasks.drawing.roles import colour_of, shape_of, title_of
from tasks.drawing.svg import Drawing, drawing_of
from tasks.evaluate.figures.content import FigureData

LEFT, TOP, HEIGHT, LINE = 48.0, 24.0, 220.0, 19.0
BREADTH = WIDTH - LEFT - 14
KEY = TOP + HEIGHT + 58
CAPTION = (
    "Accuracy against latency. Of the {split} split, with intervals; latency of one sample, median, logarithmic. The"
    " line joins the models that no other beats in both; the ring marks the file that {verb}."
)


def draw_front(data: FigureData) -> Drawing:
    """Draws every model; there is always something to show."""
    return draw_scores(data.scores, data.chosen, "test", "ships")


def draw_scores(scores: Sequence[Score], chosen: str, split: str, verb: str) -> Drawing:
    """Draws models with what `split` they were measured on, and what the chosen one does: it `ships`, or `is best`."""
    canvas = Canvas.of(KEY + LINE * len(scores) + 2)
    axes = canvas.axes(LEFT, TOP, BREADTH, HEIGHT)
    _frame(axes, scores)
    best = front(scores)
    axes.step(
        [s.p50_ms for s in best], [100 * s.accuracy.value for s in best], where="post", color=INK, alpha=0.35, zorder=1
    )
    for score in scores:
        _point(axes, score, ringed=score.name == chosen)
    _number(axes, scores)
    canvas.write(4, 10, "accuracy, %")
    for row, score in enumerate(scores):
        _key(canvas, KEY + LINE * row, row + 1, score, verb if score.name == chosen else "")
    caption = CAPTION.format(split=split, verb=verb)
    return drawing_of(canvas.figure, "front", caption)


def front(scores: Sequence[Score]) -> list[Score]:
    """Returns the models that no other beats in latency and accuracy, the fastest first."""
    best: list[Score] = []
    for score in sorted(scores, key=lambda s: (s.p50_ms, -s.accuracy.value)):
        if not best or score.accuracy.value > best[-1].accuracy.value:
            best.append(score)
    return best


def _point(axes: Axes, score: Score, *, ringed: bool) -> None:
    x, colour = [score.p50_ms], colour_of(score.name)
    low, value, high = (100 * end for end in (score.accuracy.low, score.accuracy.value, score.accuracy.high))
    axes.plot(x * 2, [low, high], color=colour, alpha=0.45, linewidth=1.6, zorder=2)
    axes.plot(x, [value], shape_of(score.name), color=colour, markersize=9, markeredgecolor="none", zorder=3)
    if ringed:
        axes.plot(x, [value], "o", markersize=17, markerfacecolor="none", markeredgecolor=colour, markeredgewidth=2)


def _number(axes: Axes, scores: Sequence[Score]) -> None:
    """Sets each point's number beside it, where it covers nothing; a thin line leads to it from further away."""
    places = axes.transData.transform([(s.p50_ms, 100 * s.accuracy.value) for s in scores])
    spots = [Spot(float(x), float(y), width_of(str(row + 1), FONT) + 3, FONT + 1) for row, (x, y) in enumerate(places)]
    corners = axes.transAxes.transform([(0, 0), (1, 1)])
    box = (float(corners[0][0]), float(corners[0][1]), float(corners[1][0]), float(corners[1][1]))
    back = axes.transData.inverted()
    for row, (spot, (x, y)) in enumerate(zip(spots, placed(spots, box), strict=True)):
        (ax, ay), (bx, by) = back.transform([(spot.x, spot.y), (x, y)])
        if np.hypot(x - spot.x, y - spot.y) > 22:
            axes.plot([ax, bx], [ay, by], color=INK, alpha=0.3, linewidth=0.8, zorder=0)
        axes.text(bx, by, str(row + 1), ha="center", va="center_baseline", fontsize=FONT, color=INK)


def _key(canvas: Canvas, top: float, number: int, score: Score, verb: str) -> None:
    size = f"{score.size:,} bytes"
    ending = f" ({verb.removeprefix('is ')})" if verb else ""
    weight = "bold" if verb else "normal"
    canvas.write(20, top, str(number), ha="right", fontweight=weight)
    canvas.mark(32, top, marker=shape_of(score.name), color=colour_of(score.name), markersize=8)
    room = WIDTH - 60 - width_of(size + ending) - (14 if verb else 0)
    canvas.write(44, top, fitted(title_of(score.name), room) + ending, fontweight=weight)
    canvas.write(WIDTH - 6, top, size, ha="right", fontweight=weight)


def _frame(axes: Axes, scores: Sequence[Score]) -> None:
    axes.set_xscale("log")
    times = [score.p50_ms for score in scores]
    low, high = _widened(min(times), max(times))
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(FixedLocator(_ticks(low, high)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlabel("milliseconds", color=INK)
    ends = [100 * end for s in scores for end in (s.accuracy.low, s.accuracy.high)]
    margin = max(0.06 * (max(ends) - min(ends)), 0.1)
    axes.set_ylim(min(ends) - margin, max(ends) + margin)
    axes.locator_params(axis="y", nbins=6)
    axes.grid(axis="both")


def _widened(low: float, high: float) -> tuple[float, float]:
    """Returns limits with air at both ends that span at least a factor of three, so that there are ticks."""
    air = max((high / low) ** 0.1, (3 / (high / low)) ** 0.5, 1.1)
    return low / air, high * air


def _ticks(low: float, high: float) -> list[float]:
    """Returns 1, 2 and 5 of each decade between the limits, or fewer where they would be more than seven."""
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    for steps in ((1, 2, 5), (1, 3), (1,)):
        ticks = [step * 10.0**decade for decade in decades for step in steps if low <= step * 10.0**decade <= high]
        if len(ticks) <= 7:
            return ticks
    return ticks
