"""Whether a model is as often right as it is sure (reliability diagram, Guo et al. 2017, arXiv:1706.04599)."""

import numpy as np
from matplotlib.axes import Axes

from tasks.contracts.scores import ConfidenceBin, Score
from tasks.drawing.canvas import BLUE, INK, ORANGE, WIDTH, Canvas
from tasks.drawing.roles import title_of
from tasks.drawing.svg import Drawing, drawing_of
from tasks.evaluate.figures.content import FigureData

LEFT, SIDE, HIGH, BELOW = 48.0, WIDTH - 64, 220.0, 74.0
CAPTION = (
    "How far confidence can be trusted. Above, how often a model is right where it is so sure (the dashed line is where"
    " both are equal; below it, the model is too sure; the upright bars are 95 % intervals). Below, how many test"
    " samples it is so sure of."
)


def draw_reliability(data: FigureData) -> Drawing | None:
    """Draws the file that ships and its teacher, each in bins of equal width; None where neither was measured."""
    teacher = next(score for score in data.scores if score.name == data.teacher)
    pairs = [(score, colour) for score, colour in ((teacher, ORANGE), (data.shipped, BLUE)) if score.confidence]
    if not pairs:
        return None
    top = 30 + 18.0 * len(pairs)
    canvas = Canvas.of(top + HIGH + BELOW + 56)
    above = canvas.axes(LEFT, top, SIDE, HIGH)
    below = canvas.axes(LEFT, top + HIGH + 16, SIDE, BELOW)
    canvas.write(4, top - 14, "right, %")
    canvas.write(LEFT + 8, top + HIGH + 20, "samples, %")
    for row, (score, colour) in enumerate(reversed(pairs)):
        _key(canvas, 10 + 18 * row, score, colour, data)
    for score, colour in pairs:
        _curve(above, score, colour)
        _histogram(below, score, colour, filled=colour == BLUE)
    _frame(above, below)
    return drawing_of(canvas.figure, "reliability", CAPTION)


def _key(canvas: Canvas, top: float, score: Score, colour: str, data: FigureData) -> None:
    name = f"{title_of(score.name)} (ships)" if score.name == data.chosen else title_of(score.name)
    canvas.mark(14, top, marker="o" if colour == BLUE else "s", markersize=8, color=colour)
    canvas.write(26, top, f"{name}: calibration error {score.calibration_error:.3f}")


def _curve(axes: Axes, score: Score, colour: str) -> None:
    sure = [bin_.confidence for bin_ in score.confidence]
    right = [bin_.accuracy for bin_ in score.confidence]
    marker = "o" if colour == BLUE else "s"
    for place, bin_ in zip(sure, score.confidence, strict=True):
        axes.plot([place, place], _wilson(bin_), color=colour, alpha=0.4, linewidth=1.6)
    axes.plot(sure, right, marker=marker, color=colour, linewidth=1.2, markersize=7, markeredgecolor="none")


def _wilson(bin_: ConfidenceBin) -> tuple[float, float]:
    """Returns the ends of Wilson's 95 % interval (1927) of a bin's accuracy: bins of few samples say little."""
    reach, count = 1.96, bin_.samples
    middle = (bin_.accuracy + reach**2 / (2 * count)) / (1 + reach**2 / count)
    spread = bin_.accuracy * (1 - bin_.accuracy) / count + reach**2 / (4 * count**2)
    half = reach * spread**0.5 / (1 + reach**2 / count)
    return middle - half, middle + half


def _histogram(axes: Axes, score: Score, colour: str, *, filled: bool) -> None:
    """Draws the part of all samples in each bin: bars for one model, their outline for the other."""
    total = sum(bin_.samples for bin_ in score.confidence)
    for bin_ in score.confidence:
        axes.bar(
            bin_.low,
            100 * bin_.samples / total,
            bin_.high - bin_.low,
            align="edge",
            color=colour if filled else "none",
            alpha=0.75 if filled else 1,
            edgecolor="none" if filled else colour,
            linewidth=0 if filled else 1.6,
        )


def _frame(above: Axes, below: Axes) -> None:
    above.plot([0, 1], [0, 1], linestyle=(0, (4, 4)), color=INK, alpha=0.5, linewidth=1)
    ticks = np.linspace(0, 1, 6)
    for axes in (above, below):
        axes.set_xlim(-0.02, 1.02)
        axes.set_xticks(ticks, [""] * 6 if axes is above else [f"{100 * tick:.0f}" for tick in ticks])
        axes.grid(axis="y")
    above.set_ylim(-0.02, 1.02)
    above.set_yticks(ticks, [f"{100 * tick:.0f}" for tick in ticks])
    below.locator_params(axis="y", nbins=3)
    below.set_xlabel("confidence, %", color=INK)
