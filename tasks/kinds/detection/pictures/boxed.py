"""Test pictures with the boxes of the file that ships: right, false and missed ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch, Rectangle
from numpy.typing import NDArray

from tasks.drawing.sample import Scale, draw_sample
from tasks.drawing.sheet import BLUE, FONT, GREEN, GREY, ORANGE, WIDTH, fitted, sheet, styled
from tasks.drawing.svg import Drawing, drawing

COLOURS = {"right": GREEN, "false": ORANGE, "missed": BLUE, "ignored": GREY}
"""of a box; ignored ones are those of the targets that count nowhere"""
ACROSS = 2
NAMED = 12
"""boxes of a picture that are named; more names would cover each other"""
TITLE = "Boxes"
CAPTION = (
    "Test pictures that the file that ships sees best, as well as half of all, and worst, by the boxes that are right,"
    " false or missed at its operating point. A box is right from an intersection over union of 50 % on."
)


@dataclass(frozen=True)
class BoxedPicture:
    """One test picture (channels, height, width), its boxes (n, 4) in its pixels, and what became of each."""

    words: str
    picture: NDArray[Any]
    boxes: NDArray[np.float64]
    what: tuple[str, ...]
    """of each box, one of `COLOURS`"""
    names: tuple[str, ...]


@styled()
def draw_boxed(pictures: Sequence[BoxedPicture]) -> Drawing | None:
    """Draws pictures side by side; None where there is none."""
    if not pictures:
        return None
    height, width = pictures[0].picture.shape[1:]
    lines = -(-len(pictures) // ACROSS)
    figure = sheet(lines * (24 + WIDTH / ACROSS * height / width) + 20)
    axes = figure.subplots(lines, ACROSS, squeeze=False).ravel()
    for one, shown in zip(axes, pictures, strict=False):
        one.set_title(fitted(shown.words, WIDTH / ACROSS - 4))
        draw_sample(one, shown.picture.astype(np.float64), Scale.of([shown.picture]))
        _draw_boxes(one, shown)
    for one in axes[len(pictures) :]:
        one.set_axis_off()
    there = [what for what in COLOURS if any(what in shown.what for shown in pictures)]
    handles = [Patch(facecolor="none", edgecolor=COLOURS[what], linewidth=2, label=what) for what in there]
    if handles:
        figure.legend(handles=handles, loc="outside lower left", ncols=len(handles))
    return drawing(figure, "boxes", TITLE, CAPTION)


def _draw_boxes(axes: Axes, shown: BoxedPicture) -> None:
    height, width = shown.picture.shape[1:]
    (left, right), (low, high) = axes.get_xlim(), sorted(axes.get_ylim())
    across, down = (right - left) / width, (high - low) / height
    for box, what, name in zip(shown.boxes, shown.what, shown.names, strict=True):
        x, y = left + box[0] * across, low + box[1] * down
        sides = (box[2] - box[0]) * across, (box[3] - box[1]) * down
        style = "--" if what == "missed" else "-"
        frame = Rectangle((x, y), *sides, fill=False, edgecolor=COLOURS[what], linewidth=1.6, linestyle=style)
        axes.add_patch(frame)
        if len(shown.boxes) <= NAMED:
            axes.text(x, y, name, color=COLOURS[what], fontsize=FONT - 4, va="bottom", clip_on=True)
