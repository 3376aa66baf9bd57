"""How teacher, baseline and student learned."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from tasks.drawing.canvas import FONT, INK, WIDTH, Canvas, percent
from tasks.drawing.roles import colour_of, title_of
from tasks.drawing.svg import Drawing, drawing_of
from tasks.evaluate.figures.content import FigureData

Curves = Mapping[str, NDArray[np.float64]]
LINE = 18.0
CAPTION = (
    "Learning curves. Validation {metric} after each epoch. The dot is the best epoch, whose weights were kept.{cut}"
)


def draw_curves(data: FigureData) -> Drawing | None:
    """Draws the primary metric over the epochs; None where no epoch is on record."""
    curves = {name: curve for name, curve in data.curves.items() if np.isfinite(curve).any()}
    if not curves:
        return None
    key = LINE * len(curves) + 8
    canvas = Canvas.of(key + 262)
    axes = canvas.axes(48, key + 20, WIDTH - 62, 192)
    for row, (name, curve) in enumerate(curves.items()):
        _line(axes, name, curve)
        _key(canvas, 10 + LINE * row, name, curve)
    cut = _frame(axes, curves)
    canvas.write(4, key + 6, f"{data.metric}, %")
    caption = CAPTION.format(metric=data.metric, cut=" The first epochs lie below the picture." if cut else "")
    return drawing_of(canvas.figure, "curves", caption)


def _line(axes: Axes, name: str, curve: NDArray[np.float64]) -> None:
    epochs = np.arange(1, len(curve) + 1)
    axes.plot(epochs, 100 * curve, color=colour_of(name), linewidth=1.8, marker="o" if len(curve) == 1 else None)
    best = int(np.nanargmax(curve))
    axes.plot([best + 1], [100 * curve[best]], "o", color=colour_of(name), markersize=8, markeredgecolor="#ffffff")


def _key(canvas: Canvas, top: float, name: str, curve: NDArray[np.float64]) -> None:
    best = int(np.nanargmax(curve))
    canvas.mark(14, top, marker="o", markersize=8, color=colour_of(name))
    canvas.write(26, top, f"{title_of(name)}: {percent(float(curve[best]), 2)} at epoch {best + 1} of {len(curve)}")


def _frame(axes: Axes, curves: Curves) -> bool:
    """Sets the axes so that the last part of the race fills them; returns whether that cuts the first epochs off."""
    every = np.concatenate([curve[np.isfinite(curve)] for curve in curves.values()])
    floor = min(float(np.nanquantile(curve, 0.12)) for curve in curves.values())
    margin = max(0.06 * (every.max() - floor), 0.002)
    axes.set_ylim(100 * (floor - margin), 100 * (every.max() + margin))
    axes.set_xlim(0, max(map(len, curves.values())) + 1)
    axes.set_xlabel("epoch", fontsize=FONT, color=INK)
    axes.locator_params(axis="y", nbins=6)
    axes.locator_params(axis="x", nbins=7, integer=True)
    axes.grid(axis="y")
    return bool(every.min() < floor - margin)
