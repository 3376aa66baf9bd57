"""One sample, small: a picture, curves over frames, or bars, by how many axes it has."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from tasks.drawing.sheet import BLUE, GREEN, GREY, INK, ORANGE, PURPLE

Array = NDArray[np.float64]
SIDE = 96
"""pixels; larger pictures are reduced, for the page is one file"""
LINES = 24
"""most features of a sequence, and most values of a vector, that can be told apart at this size"""
COLOURS = (BLUE, ORANGE, GREEN, GREY, PURPLE)


@dataclass(frozen=True)
class Scale:
    """The lowest and the highest value among samples that are seen together."""

    low: float
    high: float

    @classmethod
    def of(cls, samples: Sequence[NDArray[Any]]) -> "Scale":
        """Returns the scale of samples of any shape; what is not a finite number does not count."""
        values = [sample[np.isfinite(sample)] for sample in samples]
        every = np.concatenate([found.ravel() for found in values]) if values else np.zeros(0)
        return cls(float(every.min()), float(every.max())) if every.size else cls(0.0, 1.0)

    def part(self, values: Array) -> Array:
        """Returns values between 0 and 1."""
        return np.clip((values - self.low) / ((self.high - self.low) or 1.0), 0.0, 1.0)


def draw_sample(axes: Axes, inputs: Array, scale: Scale) -> None:
    """Draws one sample, without padding and finite, into axes of its own."""
    (_bars, _frames, _picture)[inputs.ndim - 1](axes, inputs, scale)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set(visible=True, alpha=0.3)


def _picture(axes: Axes, inputs: Array, scale: Scale) -> None:
    """Draws (channels, height, width): three channels in colour, any other number as their mean in grey."""
    pixels = inputs if len(inputs) == 3 else np.repeat(inputs.mean(axis=0, keepdims=True), 3, axis=0)
    small = _reduced(scale.part(pixels))
    axes.imshow(np.moveaxis((255 * small).round().astype(np.uint8), 0, -1), interpolation="none", aspect="equal")


def _reduced(pixels: Array) -> Array:
    """Returns pixels (channels, height, width) of at most `SIDE` a side: means over square blocks."""
    step = -(-max(pixels.shape[1:]) // SIDE)
    for axis in (1, 2):
        starts = np.arange(0, pixels.shape[axis], step)
        counts = np.diff(np.append(starts, pixels.shape[axis]))
        shape = [-1 if place == axis else 1 for place in range(3)]
        pixels = np.add.reduceat(pixels, starts, axis=axis) / counts.reshape(shape)
    return pixels


def _frames(axes: Axes, inputs: Array, scale: Scale) -> None:
    """Draws (frames, features): a line per feature."""
    for feature, values in enumerate(inputs.T[:LINES]):
        axes.plot(values, color=COLOURS[feature % len(COLOURS)], linewidth=1.1, alpha=0.85)
    axes.set_ylim(*_room(scale))


def _bars(axes: Axes, inputs: Array, scale: Scale) -> None:
    """Draws (features,): a bar per feature, from zero."""
    axes.bar(np.arange(len(inputs[:LINES])), inputs[:LINES], color=BLUE, width=0.8)
    axes.axhline(0, color=INK, alpha=0.4, linewidth=0.8)
    axes.set_ylim(*_room(Scale(min(scale.low, 0.0), max(scale.high, 0.0))))


def _room(scale: Scale) -> tuple[float, float]:
    margin = 0.05 * (scale.high - scale.low) or 1.0
    return scale.low - margin, scale.high + margin
