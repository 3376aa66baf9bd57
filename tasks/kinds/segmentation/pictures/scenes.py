"""Test pictures beside their masks and what the file that ships makes of them: the best, the middle and the worst."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from numpy.typing import NDArray

from tasks.drawing.sample import Scale, draw_sample
from tasks.drawing.sheet import WIDTH, fitted, sheet, styled
from tasks.drawing.svg import Drawing, drawing

SIDE = 96
"""pixels of a drawn mask; larger ones are drawn from every so many pixels"""
NONE = (0.5, 0.5, 0.5, 0.35)
"""the colour of pixels of no class"""
PALETTE = "tab20"
IN_A_LINE = 3
TITLE = "Scenes"
CAPTION = (
    "The test pictures that the file that ships sees best, as well as half of all, and worst, by the mean IoU of their"
    " classes: the picture, its mask, and the prediction. Grey pixels are of no class."
)


@dataclass(frozen=True)
class Scene:
    """One test picture (channels, height, width), its mask and the predicted one (height, width)."""

    words: str
    picture: NDArray[Any]
    mask: NDArray[np.uint8]
    predicted: NDArray[np.uint8]


@styled()
def draw_scenes(scenes: Sequence[Scene], names: Sequence[str]) -> Drawing | None:
    """Draws a row per scene; None where there is none."""
    if not scenes:
        return None
    height, width = scenes[0].mask.shape
    lines = -(-len(names) // IN_A_LINE)
    figure = sheet(len(scenes) * (30 + WIDTH / 3 * height / width) + 17 * lines)
    parts = figure.subfigures(len(scenes), 1, squeeze=False)[:, 0]
    colours = colours_of(len(names))
    for part, scene in zip(parts, scenes, strict=True):
        part.suptitle(scene.words, x=0.01, ha="left")
        axes = part.subplots(1, 3)
        draw_sample(axes[0], scene.picture.astype(np.float64), Scale.of([scene.picture]))
        for one, mask in zip(axes[1:], (scene.mask, scene.predicted), strict=True):
            _draw_mask(one, mask, colours)
    room = WIDTH / IN_A_LINE - 24
    shown = [Patch(color=colours[place], label=fitted(name, room)) for place, name in enumerate(names)]
    figure.legend(handles=shown, loc="outside lower left", ncols=IN_A_LINE)
    return drawing(figure, "scenes", TITLE, CAPTION)


def colours_of(count: int) -> NDArray[np.float64]:
    """Returns (256, 4) a colour for each number in a mask: those of so many classes, and grey for all others."""
    colours = np.tile(np.array(NONE), (256, 1))
    colours[:count] = [matplotlib.colormaps[PALETTE](place % 20) for place in range(count)]
    return colours


def _draw_mask(axes: Axes, mask: NDArray[np.uint8], colours: NDArray[np.float64]) -> None:
    step = -(-max(mask.shape) // SIDE)
    pixels = (255 * colours[mask[step // 2 :: step, step // 2 :: step]]).round().astype(np.uint8)
    axes.imshow(pixels, interpolation="none", aspect="equal")
    axes.set_xticks([])
    axes.set_yticks([])
