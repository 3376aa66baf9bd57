"""The receiver operating characteristic of verification, where false accepts are few."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tasks.contracts.words import title_of
from tasks.drawing.sheet import BLUE, GREY, ORANGE, sheet, styled
from tasks.drawing.svg import Drawing, drawing
from tasks.kinds.contract import Floats

TITLE = "Who is accepted, at the cost of whom"
CAPTION = (
    "Pairs of one identity that a threshold accepts, over the pairs of two that it accepts as well, on a logarithmic"
    " axis; the dot is where both mistakes are equally frequent. The shade is the 95 % interval over identities of the"
    " file that ships."
)


@dataclass(frozen=True)
class Band:
    """True accept rates at some false accept rates (points,), with the ends of their intervals or None, and the EER."""

    far: Floats
    tar: Floats
    low: Floats | None
    high: Floats | None
    eer: float


@styled()
def draw_roc(models: Mapping[str, Band], shipped: str) -> Drawing:
    """Draws the teacher and the file that ships, which comes last."""
    figure = sheet(330)
    axes = figure.add_subplot()
    for place, (name, band) in enumerate(models.items()):
        colour = BLUE if name == shipped else (ORANGE, GREY)[min(place, 1)]
        axes.plot(100 * band.far, 100 * band.tar, color=colour, linewidth=1.8, label=title_of(name))
        axes.plot([100 * band.eer], [100 * (1 - band.eer)], "o", color=colour, markersize=6, markeredgecolor="#ffffff")
        if band.low is not None and band.high is not None:
            axes.fill_between(100 * band.far, 100 * band.low, 100 * band.high, color=colour, alpha=0.2, linewidth=0)
    axes.set_xscale("log")
    axes.set(title="accepted pairs of one identity, %", xlabel="accepted pairs of two, %", ylim=(0, 101))
    axes.set_xlim(100 * float(next(iter(models.values())).far[0]), 100)
    ticks = [tick for tick in (0.1, 1, 10, 100) if tick >= axes.get_xlim()[0]]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.grid(axis="both")
    figure.legend(loc="outside upper left", ncols=2)
    return drawing(figure, "roc", TITLE, CAPTION)


def grid_of(impostors: int) -> Floats:
    """Returns false accept rates that so many pairs of two identities can show, evenly on a logarithmic axis."""
    return np.logspace(max(-3.0, -np.log10(max(impostors, 10))), 0, 60)
