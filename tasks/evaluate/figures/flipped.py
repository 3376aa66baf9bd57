"""Samples that a release answers otherwise than the champion, as pictures: those it breaks, and those it repairs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import SubFigure
from numpy.typing import NDArray

from tasks.contracts.scores import FlippedSample
from tasks.drawing.sample import Scale, draw_sample
from tasks.drawing.sheet import WIDTH, fitted, sheet, styled
from tasks.drawing.svg import Drawing, drawing

COLUMNS, ROWS = 3, 2
SHOWN = COLUMNS * ROWS
"""pictures of each side"""
HEIGHT, HEADING = 165, 24
"""points of a row of pictures with the words below them, and of what is said above them"""
TITLE = "Answered otherwise than by version {version}"
CAPTION = (
    "Test samples that only one of both has right: this release or the champion. Below each: its name, what the"
    " champion makes of it, and what this release does."
)
PICTURE_AXES = 3
"""channels, height, width"""


@dataclass(frozen=True)
class FlippedPicture:
    """The raw inputs of a sample without padding, and both answers."""

    inputs: NDArray[Any]
    sample: FlippedSample


@dataclass(frozen=True)
class FlippedSide:
    """What a release breaks, or what it repairs: in words how much that is, and some of it."""

    words: str
    pictures: Sequence[FlippedPicture]

    @property
    def rows(self) -> int:
        """How many rows of pictures it takes."""
        return -(-len(self.pictures[:SHOWN]) // COLUMNS)


@styled()
def draw_flipped(name: str, version: int, sides: Sequence[FlippedSide]) -> Drawing | None:
    """Draws up to `SHOWN` pictures of each side; None where there is none, or where samples are no pictures."""
    there = [side for side in sides if side.pictures]
    every = [one.inputs for side in there for one in side.pictures[:SHOWN]]
    if not every or every[0].ndim != PICTURE_AXES:
        return None
    heights = [HEADING + HEIGHT * side.rows for side in there]
    figure, scale = sheet(sum(heights)), Scale.of(every)
    parts = figure.subfigures(len(there), 1, squeeze=False, height_ratios=heights)[:, 0]
    for part, side in zip(parts, there, strict=True):
        _side(part, side, scale)
    return drawing(figure, name, TITLE.format(version=version), CAPTION)


def _side(part: SubFigure, side: FlippedSide, scale: Scale) -> None:
    part.suptitle(fitted(side.words, WIDTH - 8), x=0.01, ha="left", fontweight="bold")
    for place, axes in enumerate(part.subplots(side.rows, COLUMNS, squeeze=False).ravel()):
        if place >= len(side.pictures):
            axes.set_axis_off()
            continue
        picture = side.pictures[place]
        draw_sample(axes, np.nan_to_num(picture.inputs.astype(np.float64)), scale)
        axes.set_box_aspect(1)
        axes.set_xlabel("\n".join(_below(picture.sample)))


def _below(sample: FlippedSample) -> tuple[str, str, str]:
    room = WIDTH / COLUMNS - 6
    # The end of a path tells samples apart, its beginning is that of all.
    return fitted(sample.name[::-1], room)[::-1], fitted(sample.before, room), fitted(f"→ {sample.now}", room)
