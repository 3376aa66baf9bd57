"""The picture of the year: how accurate the champion and the others were each week, and on how many samples."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from benchmarks.year.weeks import Week
from tasks.contracts.words import title_of
from tasks.drawing.models import colour_of
from tasks.drawing.sheet import BLUE, GREY, INK, PURPLE, sheet, styled
from tasks.drawing.svg import drawing

SAYS = (
    "Accuracy of teacher, student alone, student distilled and champion on the test split of each week of a year, with"
    " the weeks that were refused, stopped or empty, and below it the number of samples."
)
MISTAKEN = "mislabelled"
"""what arrived in the week whose accuracies lie far below the picture: its test samples had wrong labels, too"""
DARK = "<style>@media (prefers-color-scheme: dark) { svg { color: #e6edf3 } }</style>"
MARKS = {"refused": ("x", "#d5621a"), "stopped": ("X", "#c0392b"), "nothing to do": ("|", GREY)}


@styled()
def draw_year(lived: Sequence[Week]) -> bytes:
    """Returns the picture as an SVG that is at home on light and dark pages."""
    figure = sheet(430, 760)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    _accuracies(above, lived)
    _marks(above, lived)
    _samples(below, lived)
    figure.legend(loc="outside upper left", ncols=4)
    head, end, rest = drawing(figure, "year", "A year of weekly releases", SAYS).svg.decode().partition(">")
    return f"{head}{end}{DARK}{rest}".encode()


def _accuracies(axes: Axes, lived: Sequence[Week]) -> None:
    for name in ("teacher", "baseline", "student"):
        _line(axes, lived, name, color=colour_of(name), linewidth=1.3, label=title_of(name))
    weeks, led = [week.week for week in lived], _carried(lived)
    axes.step(weeks, 100 * led, where="post", color=BLUE, linewidth=2.6, label="champion of staging")
    judged = [week.accuracy for week in lived if week.arrived != MISTAKEN]
    axes.set_ylim(100 * (min(value for accuracy in judged for value in accuracy.values()) - 0.03), 100.4)
    axes.set_ylabel("accuracy, %", color=INK)
    axes.grid(axis="y")


def _line(axes: Axes, lived: Sequence[Week], name: str, **how: Any) -> None:
    known = [week for week in lived if name in week.accuracy]
    values = [np.nan if week.arrived == MISTAKEN else 100 * week.accuracy[name] for week in known]
    axes.plot([week.week for week in known], values, **how)


def _carried(lived: Sequence[Week]) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Returns the accuracy of the champion after each week; where nothing can be said, that of the week before."""
    found, last = [], np.nan
    for week in lived:
        last = last if week.arrived == MISTAKEN else week.accuracy.get("champion", last)
        found.append(last)
    return np.array(found, dtype=np.float64)


def _marks(axes: Axes, lived: Sequence[Week]) -> None:
    bottom = axes.get_ylim()[0] + 0.04 * np.ptp(axes.get_ylim())
    for outcome, (marker, colour) in MARKS.items():
        weeks = [week.week for week in lived if week.outcome == outcome]
        how: dict[str, Any] = {
            "marker": marker,
            "color": colour,
            "linestyle": "none",
            "markersize": 8,
            "markeredgewidth": 2,
        }
        axes.plot(weeks, [bottom] * len(weeks), label=outcome, **how)
    bad = [week.week for week in lived if week.arrived not in ("good", "empty", "broken", MISTAKEN)]
    axes.plot(bad, [bottom] * len(bad), marker="d", color=PURPLE, linestyle="none", label="some in quarantine")
    for week in [week for week in lived if week.arrived == MISTAKEN]:
        said = f"labels wrong: {100 * week.accuracy['shipped']:.0f} %"
        axes.annotate(said, (week.week, bottom), (0, 10), textcoords="offset points", ha="center", color=INK)


def _samples(axes: Axes, lived: Sequence[Week]) -> None:
    known = [week for week in lived if week.samples]
    axes.bar([week.week for week in known], [week.samples for week in known], color=GREY, width=0.7)
    axes.set_ylabel("samples", color=INK)
    axes.set_xlabel("week", color=INK)
    axes.set_xlim(0.3, max(week.week for week in lived) + 0.7)
    axes.locator_params(axis="y", nbins=3)
    axes.locator_params(axis="x", nbins=14, integer=True)
    axes.grid(axis="y")
