"""Synthetic pictures of simple shapes on made backgrounds, with masks or boxes; equal seeds draw equal pixels.

They prove that all works together, and nothing about pictures of the world.
"""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from params.sources import ShapesSource
from tasks.data.sources.tar import Packer, packing

VOID = 255
"""in a mask: the border of a shape, where a pixel is of neither side"""
BORDER = 0.6
"""pixels on either side of the edge"""
HIDDEN = 0.3
"""a shape of which a smaller part than this is seen has no box"""
CATEGORIES = ("disc", "square", "triangle")
Picture = NDArray[np.uint8]
Doubles = NDArray[np.float64]


def fetch(source: ShapesSource, _root: Path, raw: Path) -> None:
    """Draws `images/NUMBER.png` and what is known of each.

    That is `masks/NUMBER.png`, 0 background, 1 disc, 2 square, 3 triangle, 255 borders; or `boxes.json`.
    """
    known = _CocoFile()
    with packing(raw) as packer:
        for number in range(source.pictures):
            drawn, name = _drawn(source, number), f"{number:05d}.png"
            _add(packer, f"images/{name}", _png(drawn.picture))
            if source.targets == "masks":
                _add(packer, f"masks/{name}", _png(drawn.mask))
            else:
                known.add(name, drawn)
        if source.targets == "boxes":
            _add(packer, "boxes.json", json.dumps(known.document()).encode())


@dataclass(frozen=True)
class _Drawn:
    """One picture (side, side, 3), its mask (side, side), and of each shape the number of its kind, x, y, w and h."""

    picture: Picture
    mask: Picture
    boxes: tuple[tuple[int, ...], ...]


@dataclass
class _CocoFile:
    """Pictures and their boxes in COCO's form, whose categories begin at 1."""

    images: list[dict[str, Any]] = field(default_factory=list)
    annotations: list[dict[str, Any]] = field(default_factory=list)

    def add(self, name: str, drawn: _Drawn) -> None:
        """Adds one picture."""
        number, (height, width) = len(self.images) + 1, drawn.mask.shape
        self.images.append({"id": number, "file_name": name, "width": width, "height": height})
        for kind, *box in drawn.boxes:
            place = {"id": len(self.annotations) + 1, "image_id": number, "category_id": kind + 1}
            self.annotations.append({**place, "bbox": box, "area": box[2] * box[3], "iscrowd": 0})

    def document(self) -> dict[str, Any]:
        """Returns the whole file."""
        categories = [{"id": number, "name": name} for number, name in enumerate(CATEGORIES, start=1)]
        return {"images": self.images, "annotations": self.annotations, "categories": categories}


def _add(packer: Packer, name: str, content: bytes) -> None:
    packer.add_file(name, len(content), io.BytesIO(content))


def _png(pixels: Picture) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="PNG")
    return stream.getvalue()


def _drawn(source: ShapesSource, number: int) -> _Drawn:
    draws, side = np.random.default_rng([source.seed, number]), source.side
    picture, mask = _background(draws, side), np.zeros((side, side), dtype=np.uint8)
    seen: list[tuple[int, NDArray[np.bool_], NDArray[np.bool_]]] = []
    for kind, distance in _shapes(draws, side):
        inside, border = distance < 0, np.abs(distance) < BORDER
        colour = draws.uniform(40, 255, 3) * np.where(np.arange(3) == kind % 3, 1.0, 0.5)
        picture = np.where(inside[..., None], colour, picture)
        mask = np.where(inside, np.uint8(kind + 1), mask)
        seen = [(other, whole, left & ~inside) for other, whole, left in seen] + [(kind, inside, inside)]
        mask = np.where(border, np.uint8(VOID), mask)
    noisy = picture + draws.normal(0, 12, picture.shape)
    boxes = (_box(kind, whole) for kind, whole, left in seen if left.sum() >= HIDDEN * max(whole.sum(), 1))
    return _Drawn(np.clip(noisy, 0, 255).astype(np.uint8), mask, tuple(boxes))


def _box(kind: int, whole: NDArray[np.bool_]) -> tuple[int, ...]:
    rows, columns = (np.flatnonzero(whole.any(axis=axis)) for axis in (1, 0))
    (top, bottom), (left, right) = ((int(some[0]), int(some[-1]) + 1) for some in (rows, columns))
    return kind, left, top, right - left, bottom - top


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
