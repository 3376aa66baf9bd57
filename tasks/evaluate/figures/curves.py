"""How teacher, baseline and student learned."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from tasks.contracts.metrics import Metric
from tasks.contracts.words import shown, title_of
from tasks.drawing.models import colour_of
from tasks.drawing.sheet import sheet, styled
from tasks.drawing.svg import Drawing, drawing

Curves = Mapping[str, NDArray[np.float64]]
TITLE = "Learning curves"
CAPTION = "Validation {metric} after each epoch. The dot is the best epoch, whose weights were kept.{cut}"


@styled()
def draw_curves(metric: Metric, all_curves: Curves) -> Drawing | None:
    """Draws the deciding metric over the epochs, by model (epochs,); None where no epoch is on record."""
    curves = {name: metric.scale * curve for name, curve in all_curves.items() if np.isfinite(curve).any()}
    if not curves:
        return None
    figure = sheet(270 + 18 * len(curves))
    axes = figure.add_subplot()
    for name, curve in curves.items():
        _line(axes, metric, name, curve)
    cut = _frame(axes, metric, curves)
    axes.set(title=metric.axis, xlabel="epoch")
    figure.legend(loc="outside upper left")
    cut_note = " The first epochs lie below the picture." if cut else ""
    return drawing(figure, "curves", TITLE, CAPTION.format(metric=metric.title, cut=cut_note))


def _line(axes: Axes, metric: Metric, name: str, curve: NDArray[np.float64]) -> None:
    epochs, colour = np.arange(1, len(curve) + 1), colour_of(name)
    axes.plot(epochs, curve, color=colour, linewidth=1.8, marker="o" if len(curve) == 1 else None)
    best = int(np.nanargmax(metric.sign * curve))
    value = shown(metric, float(curve[best]) / metric.scale)
    label = f"{title_of(name)}: {value} at epoch {best + 1} of {len(curve)}"
    axes.plot([best + 1], [curve[best]], "o", color=colour, markersize=8, markeredgecolor="#ffffff", label=label)


def _frame(axes: Axes, metric: Metric, curves: Curves) -> bool:
    """Lets the last part of the curves fill the axes; returns whether that cuts the first epochs off."""
    every = metric.sign * np.concatenate([curve[np.isfinite(curve)] for curve in curves.values()])
    floor = min(float(np.nanquantile(metric.sign * curve, 0.12)) for curve in curves.values())
    margin = max(0.06 * (every.max() - floor), 0.002 * metric.scale)
    axes.set_ylim(*sorted((metric.sign * (floor - margin), metric.sign * (every.max() + margin))))
    axes.set_xlim(0, max(map(len, curves.values())) + 1)
    axes.locator_params(axis="y", nbins=6)
    axes.locator_params(axis="x", nbins=7, integer=True)
    axes.grid(axis="y")
    return bool(every.min() < floor - margin)
