"""Synthetic pictures of simple shapes on made backgrounds, with a mask of each; equal seeds draw equal pixels.

They prove that all works together, and nothing about pictures of the world.
"""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from params.data import ShapesSource
from tasks.data.sources.tar import packing

VOID = 255
"""in a mask: the border of a shape, where a pixel is of neither side"""
BORDER = 0.6
"""pixels on either side of the edge"""
Picture = NDArray[np.uint8]
Doubles = NDArray[np.float64]


def fetch(source: ShapesSource, _root: Path, raw: Path) -> None:
    """Draws `images/NUMBER.png` and `masks/NUMBER.png`: 0 background, 1 disc, 2 square, 3 triangle, 255 borders."""
    with packing(raw) as packer:
        for number in range(source.pictures):
            for folder, pixels in zip(("images", "masks"), _drawn(source, number), strict=True):
                content = _png(pixels)
                packer.add_file(f"{folder}/{number:05d}.png", len(content), io.BytesIO(content))


def _png(pixels: Picture) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="PNG")
    return stream.getvalue()


def _drawn(source: ShapesSource, number: int) -> tuple[Picture, Picture]:
    """Returns one picture (side, side, 3) and its mask (side, side)."""
    draws, side = np.random.default_rng([source.seed, number]), source.side
    picture, mask = _background(draws, side), np.zeros((side, side), dtype=np.uint8)
    for kind, distance in _shapes(draws, side):
        inside, border = distance < 0, np.abs(distance) < BORDER
        colour = draws.uniform(40, 255, 3) * np.where(np.arange(3) == kind % 3, 1.0, 0.5)
        picture = np.where(inside[..., None], colour, picture)
        mask = np.where(inside, np.uint8(kind + 1), mask)
        mask = np.where(border, np.uint8(VOID), mask)
    noisy = picture + draws.normal(0, 12, picture.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8), mask


def _background(draws: np.random.Generator, side: int) -> Doubles:
    """Returns slopes of grey and colour with waves over them."""
    rows, columns = np.mgrid[:side, :side] / side
    angle, waves = draws.uniform(0, 2 * np.pi), draws.uniform(2, 9)
    wave = np.sin(2 * np.pi * waves * (rows * np.sin(angle) + columns * np.cos(angle)))
    slope = draws.uniform(-60, 60, 2)
    grey = draws.uniform(60, 160) + slope[0] * rows + slope[1] * columns + 18 * wave
    tinted: Doubles = grey[..., None] + draws.uniform(-25, 25, 3)
    return tinted


def _shapes(draws: np.random.Generator, side: int) -> Iterator[tuple[int, Doubles]]:
    """Yields for each shape its kind, and of each pixel about how far it is outside its edge."""
    rows, columns = np.mgrid[:side, :side] + 0.5
    for _ in range(int(draws.integers(2, 5))):
        kind, size = int(draws.integers(3)), draws.uniform(0.1, 0.22) * side
        down, right = rows - draws.uniform(0.15, 0.85) * side, columns - draws.uniform(0.15, 0.85) * side
        if kind == 0:
            yield kind, np.hypot(down, right) - size
        elif kind == 1:
            yield kind, np.maximum(np.abs(down), np.abs(right)) - size
        else:
            yield kind, np.maximum(down - size, 0.9 * np.abs(right) - 0.45 * (down + size))
