"""Two years on the same data, one whose releases begin from nothing and one whose begin with the champion."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from benchmarks.year.picture import DARK, MISTAKEN
from benchmarks.year.weeks import Week
from tasks.drawing.sheet import BLUE, GREY, INK, sheet, styled
from tasks.drawing.svg import drawing

SAYS = (
    "Part of the test samples that are newly wrong with each release, accuracy of the file that ships, and seconds of"
    " training, week by week: releases that begin from nothing, and such that begin with the champion."
)
RESAMPLES = 10_000
Values = NDArray[np.float64]


def weeks_in(folder: Path) -> list[Week]:
    """Returns the weeks of a year as they were written down."""
    return [Week(**json.loads(line)) for line in (folder / "weeks.jsonl").read_text().splitlines()]


def compared(fresh: Sequence[Week], warm: Sequence[Week]) -> str:
    """Returns in a table what a release changes, how accurate it is, and what its training takes."""
    flips, let_through = ([_newly_wrong(weeks, only) for weeks in (fresh, warm)] for only in (False, True))
    accuracy = [{week.week: week.accuracy["shipped"] for week in _judged(weeks)} for weeks in (fresh, warm)]
    minutes = [sum(week.training_seconds for week in weeks) / 60 for weeks in (fresh, warm)]
    rows = [
        ("newly wrong, of all versions", *(_percent(np.array([*one.values()])) for one in flips), _ratio(*flips)),
        (
            "newly wrong, of those a gate released",
            *(_percent(np.array([*one.values()])) for one in let_through),
            _ratio(*let_through),
        ),
        ("accuracy of what ships", *(_percent(np.array([*one.values()])) for one in accuracy), _gain(*accuracy)),
        ("minutes of training", *(f"{one:.1f}" for one in minutes), f"{minutes[1] / max(minutes[0], 1e-9):.2f} times"),
    ]
    head = ["| mean over the weeks | from nothing | with the champion | warm against fresh |", "|---|---|---|---|"]
    return "\n".join([*head, *(f"| {' | '.join(row)} |" for row in rows)])


@styled()
def draw_both(fresh: Sequence[Week], warm: Sequence[Week]) -> bytes:
    """Returns the picture of both years as an SVG that is at home on light and dark pages."""
    figure = sheet(520, 760)
    panels: tuple[Axes, ...] = tuple(figure.subplots(3, 1, sharex=True))
    for name, colour, weeks in (("from nothing", GREY, fresh), ("with the champion", BLUE, warm)):
        judged = _judged(weeks)
        known = [week for week in judged if week.newly_wrong is not None]
        series = (
            ([week.week for week in known], [100 * (week.newly_wrong or 0) for week in known]),
            ([week.week for week in judged], [100 * week.accuracy["shipped"] for week in judged]),
            ([week.week for week in judged], [week.training_seconds for week in judged]),
        )
        for panel, (places, values) in zip(panels, series, strict=True):
            panel.plot(places, values, color=colour, linewidth=1.6, marker="o", markersize=3, label=name)
    for panel, words in zip(panels, ("newly wrong, %", "accuracy, %", "training, s"), strict=True):
        panel.set_ylabel(words, color=INK)
        panel.grid(axis="y")
    panels[-1].set_xlabel("week", color=INK)
    panels[0].legend(loc="upper right", ncols=2)
    svg = drawing(figure, "year-warm", "A year with and without a warm start", SAYS).svg.decode()
    head, end, rest = svg.partition(">")
    return f"{head}{end}{DARK}{rest}".encode()


def _judged(weeks: Sequence[Week]) -> list[Week]:
    """Returns the weeks in which something was made, without the one whose labels were wrong."""
    return [week for week in weeks if week.accuracy and week.arrived != MISTAKEN]


def _newly_wrong(weeks: Sequence[Week], only_released: bool) -> dict[int, float]:
    """Returns the part by week; of all versions, or of those alone that a gate let through to people."""
    asked = [week for week in _judged(weeks) if not only_released or week.outcome == "released"]
    return {week.week: week.newly_wrong for week in asked if week.newly_wrong is not None}


def _ratio(fresh: dict[int, float], warm: dict[int, float]) -> str:
    """Returns how many times as much, with the interval over weeks (bootstrap of pairs)."""
    pairs = np.array([(fresh[week], warm[week]) for week in sorted(fresh.keys() & warm.keys())])
    if not len(pairs):
        return "no release had a champion before it"
    drawn = _drawn(pairs)
    low, high = np.percentile(drawn[:, 1] / np.maximum(drawn[:, 0], 1e-9), (2.5, 97.5))
    mean = pairs.mean(axis=0)
    return f"{mean[1] / max(mean[0], 1e-9):.2f} times ({low:.2f} to {high:.2f})"


def _gain(fresh: dict[int, float], warm: dict[int, float]) -> str:
    """Returns the mean difference over weeks in points, with its interval."""
    pairs = np.array([(fresh[week], warm[week]) for week in sorted(fresh.keys() & warm.keys())])
    if not len(pairs):
        return "no week in which both made something"
    drawn = _drawn(pairs)
    low, high = np.percentile(100 * (drawn[:, 1] - drawn[:, 0]), (2.5, 97.5))
    return f"{100 * float(np.diff(pairs.mean(axis=0))[0]):+.2f} points ({low:+.2f} to {high:+.2f})"


def _drawn(pairs: Values) -> Values:
    """Returns the means (resamples, 2) of weeks drawn with replacement."""
    places = np.random.default_rng(0).integers(len(pairs), size=(RESAMPLES, len(pairs)))
    means: Values = pairs[places].mean(axis=1)
    return means


def _percent(values: Values) -> str:
    return f"{100 * values.mean():.2f} %" if len(values) else "none"
