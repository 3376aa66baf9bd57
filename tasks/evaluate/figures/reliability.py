"""Whether a model is as often right as it is sure (reliability diagram, Guo et al. 2017, arXiv:1706.04599)."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from tasks.contracts.scores import ConfidenceBin, Score
from tasks.drawing.models import title_of
from tasks.drawing.sheet import BLUE, INK, ORANGE, sheet, styled
from tasks.drawing.svg import Drawing, drawing

TITLE = "How far confidence can be trusted"
CAPTION = (
    "Above, how often a model is right where it is so sure (the dashed line is where"
    " both are equal; below it, the model is too sure; the upright bars are 95 % intervals). Below, how many test"
    " samples it is so sure of."
)


@styled()
def draw_reliability(shipped: Score, teacher: Score) -> Drawing | None:
    """Draws the file that ships and its teacher, each in bins of equal width; None where neither was measured."""
    pairs = [(score, colour) for score, colour in ((teacher, ORANGE), (shipped, BLUE)) if score.confidence]
    if not pairs:
        return None
    figure = sheet(400)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    for score, colour in pairs:
        ships = " (ships)" if score.name == shipped.name else ""
        label = f"{title_of(score.name)}{ships}: calibration error {score.calibration_error:.3f}"
        _curve(above, score, colour, label)
        _histogram(below, score, colour, filled=colour == BLUE)
    _frame(above, below)
    figure.legend(loc="outside upper left", reverse=True)
    return drawing(figure, "reliability", TITLE, CAPTION)


def _curve(axes: Axes, score: Score, colour: str, label: str) -> None:
    sure = [bin_.confidence for bin_ in score.confidence]
    ends = np.array([_wilson(bin_) for bin_ in score.confidence]).T
    axes.vlines(sure, *ends, color=colour, alpha=0.4, linewidth=1.6)
    right = [bin_.accuracy for bin_ in score.confidence]
    marker = "o" if colour == BLUE else "s"
    axes.plot(sure, right, marker=marker, color=colour, linewidth=1.2, markersize=7, mec="none", label=label)


def _wilson(bin_: ConfidenceBin) -> tuple[float, float]:
    """Returns the ends of Wilson's 95 % interval (1927) of a bin's accuracy: bins of few samples tell little."""
    from scipy.stats import binomtest  # takes 0.5 s to import

    ends = binomtest(round(bin_.accuracy * bin_.samples), bin_.samples).proportion_ci(0.95, method="wilson")
    return float(ends.low), float(ends.high)


def _histogram(axes: Axes, score: Score, colour: str, *, filled: bool) -> None:
    """Draws the part of all samples in each bin: bars for one model, their outline for the other."""
    low, high, samples = np.array([(bin_.low, bin_.high, bin_.samples) for bin_ in score.confidence]).T
    style: dict[str, Any] = (
        {"color": colour, "alpha": 0.75} if filled else {"color": "none", "edgecolor": colour, "linewidth": 1.6}
    )
    axes.bar(low, 100 * samples / samples.sum(), high - low, align="edge", **style)


def _frame(above: Axes, below: Axes) -> None:
    above.plot([0, 1], [0, 1], linestyle=(0, (4, 4)), color=INK, alpha=0.5, linewidth=1)
    ticks = np.linspace(0, 1, 6)
    names = [f"{100 * tick:.0f}" for tick in ticks]
    above.set(title="right, %", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    above.set_yticks(ticks, names)
    below.set(title="samples, %", xlabel="confidence, %")
    below.set_xticks(ticks, names)
    below.locator_params(axis="y", nbins=3)
    for axes in (above, below):
        axes.grid(axis="y")
