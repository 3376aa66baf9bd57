"""Quality against latency: what each model costs, what it brings, and which of them nothing beats in both.

Points carry numbers, and the key below tells whose they are and how many bytes: names of candidates are long, points
lie close, and on a phone there is no room for both.
"""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator

from tasks.contracts.metrics import Metric
from tasks.contracts.scores import Score
from tasks.contracts.words import title_of
from tasks.drawing.models import colour_of, shape_of
from tasks.drawing.sheet import INK, WIDTH, fitted, sheet, styled, width_of
from tasks.drawing.svg import Drawing, drawing

REACH = 16.0
"""points from the end of an interval to the middle of its number"""
CAPTION = (
    "Of the {split} split, with intervals; latency of one sample, median, logarithmic. The"
    " line joins the models that no other beats in both; the ring marks the file that {verb}."
)


@styled()
def draw_front(
    metric: Metric, scores: Sequence[Score], chosen: str, split: str = "test", verb: str = "ships"
) -> Drawing:
    """Draws models by the deciding metric and their latency.

    `split` is what they were measured on, `verb` what the chosen one does: it `ships`, or `is best`.
    """
    figure = sheet(282 + 19 * len(scores))
    axes = figure.add_subplot()
    for number, score in enumerate(scores, 1):
        _point(axes, metric, score, _label(number, score, verb if score.name == chosen else ""), score.name == chosen)
    _numbers(axes, metric, scores)
    best = front(metric, scores)
    times, values = (
        [score.p50_ms for score in best],
        [metric.scale * score.metrics[metric.name].value for score in best],
    )
    axes.step(times, values, where="post", color=INK, alpha=0.35, zorder=1)
    _frame(axes, metric.axis, [score.p50_ms for score in scores])
    key = figure.legend(loc="outside lower left")
    key.get_texts()[[score.name for score in scores].index(chosen)].set_fontweight("bold")
    title = f"{metric.title[:1].upper()}{metric.title[1:]} against latency"
    return drawing(figure, "front", title, CAPTION.format(split=split, verb=verb))


def front(metric: Metric, scores: Sequence[Score]) -> list[Score]:
    """Returns the models that no other beats in latency and the deciding metric, the fastest first."""

    def worth(score: Score) -> float:
        return metric.sign * score.metrics[metric.name].value

    best: list[Score] = []
    for score in sorted(scores, key=lambda s: (s.p50_ms, -worth(s))):
        if not best or worth(score) > worth(best[-1]):
            best.append(score)
    return best


def _point(axes: Axes, metric: Metric, score: Score, label: str, chosen: bool) -> None:
    x, colour = [score.p50_ms], colour_of(score.name)
    interval = score.metrics[metric.name]
    low, value, high = (metric.scale * end for end in (interval.low, interval.value, interval.high))
    axes.plot(x * 2, [low, high], color=colour, alpha=0.45, linewidth=1.6, zorder=2)
    axes.plot(x, [value], shape_of(score.name), color=colour, markersize=9, mec="none", zorder=3, label=label)
    if chosen:
        axes.plot(x, [value], "o", markersize=17, markerfacecolor="none", markeredgecolor=colour, markeredgewidth=2)


def _label(number: int, score: Score, verb: str) -> str:
    ending = f", {score.size:,} bytes" + (f" ({verb.removeprefix('is ')})" if verb else "")
    return f"{number}  {fitted(title_of(score.name), 0.87 * WIDTH - 50 - width_of(ending))}{ending}"


def _numbers(axes: Axes, metric: Metric, scores: Sequence[Score]) -> None:
    """Sets numbers at the ends of the intervals like a fan, the fastest to the left, in turn above and below.

    So those of models that lie on each other are apart, too.
    """
    ordered = sorted(enumerate(scores, 1), key=lambda pair: (pair[1].p50_ms, pair[1].metrics[metric.name].value))
    for place, (number, score) in enumerate(ordered):
        angle = math.pi * (1 - place / max(len(ordered) - 1, 1)) * (-1 if place % 2 else 1)
        interval = score.metrics[metric.name]
        end = metric.scale * (interval.low if place % 2 else interval.high)
        offset = (REACH * math.cos(angle), REACH * math.sin(angle))
        axes.annotate(str(number), (score.p50_ms, end), offset, textcoords="offset points", ha="center", va="center")


def _frame(axes: Axes, title: str, times: Sequence[float]) -> None:
    low, high = _widened(min(times), max(times))
    axes.set(title=title, xlabel="milliseconds", xscale="log", xlim=(low, high))
    axes.xaxis.set_major_locator(FixedLocator(_ticks(low, high)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter("{x:g}")
    axes.margins(y=0.08)
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
