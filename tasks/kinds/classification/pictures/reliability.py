"""Whether a model is as often right as it is sure (reliability diagram, Guo et al. 2017, arXiv:1706.04599)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from tasks.contracts.metrics import wilson
from tasks.contracts.words import title_of
from tasks.drawing.sheet import BLUE, INK, ORANGE, sheet, styled
from tasks.drawing.svg import Drawing, drawing
from tasks.kinds.classification.metrics import BINS, bins_of
from tasks.kinds.contract import Floats, Rows

TITLE = "How far confidence can be trusted"
CAPTION = (
    "Above, how often a model is right where it is so sure (the dashed line is where"
    " both are equal; below it, the model is too sure; the upright bars are 95 % intervals). Below, how many test"
    " samples it is so sure of."
)


@dataclass(frozen=True)
class Reliability:
    """Samples in bins of equal confidence, from the least confident; only bins that hold some.

    All are (bins,): the ends of the bin, how many samples it has, how sure the model is of them on average, and on how
    many of them it is right.
    """

    low: Floats
    high: Floats
    samples: Rows
    confidence: Floats
    hits: Rows

    @classmethod
    def of(cls, confidence: Floats, hits: NDArray[np.bool_], bins: int = BINS) -> "Reliability":
        """Returns the bins of samples (n,)."""
        bin_of = bins_of(confidence, bins)
        found, places, samples = np.unique(bin_of, return_inverse=True, return_counts=True)
        sums = np.bincount(places, weights=confidence, minlength=len(found))
        right = np.bincount(places, weights=hits, minlength=len(found)).astype(np.int64)
        return cls(found / bins, (found + 1) / bins, samples, sums / samples, right)

    @property
    def error(self) -> float:
        """The expected calibration error."""
        return float(np.abs(self.hits - self.confidence * self.samples).sum() / self.samples.sum())


@styled()
def draw_reliability(models: Mapping[str, Reliability], shipped: str) -> Drawing:
    """Draws the teacher and the file that ships, which comes last."""
    figure = sheet(400)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    for name, found in models.items():
        colour, ships = (BLUE, " (ships)") if name == shipped else (ORANGE, "")
        label = f"{title_of(name)}{ships}: calibration error {found.error:.3f}"
        _curve(above, found, colour, label)
        _histogram(below, found, colour, filled=colour == BLUE)
    _frame(above, below)
    figure.legend(loc="outside upper left", reverse=True)
    return drawing(figure, "reliability", TITLE, CAPTION)


def _curve(axes: Axes, found: Reliability, colour: str, label: str) -> None:
    ends = np.array([wilson(*pair, 0.95) for pair in zip(found.hits, found.samples, strict=True)]).T
    axes.vlines(found.confidence, *ends, color=colour, alpha=0.4, linewidth=1.6)
    style: dict[str, Any] = {"color": colour, "linewidth": 1.2, "markersize": 7, "mec": "none", "label": label}
    axes.plot(found.confidence, found.hits / found.samples, marker="o" if colour == BLUE else "s", **style)


def _histogram(axes: Axes, found: Reliability, colour: str, *, filled: bool) -> None:
    """Draws the part of all samples in each bin: bars for one model, their outline for the other."""
    style: dict[str, Any] = (
        {"color": colour, "alpha": 0.75} if filled else {"color": "none", "edgecolor": colour, "linewidth": 1.6}
    )
    parts = 100 * found.samples / found.samples.sum()
    axes.bar(found.low, parts, found.high - found.low, align="edge", **style)


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
