"""A picture as the model saw it, put together from its samples, with what was found drawn on it."""

import colorsys
import io
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import SettingsError
from .frame import Frame

LINE = 300
"""pixels of the longer side for each pixel of a line's width"""
WHITE, BLACK = (255, 255, 255), (0, 0, 0)
Mark = tuple[Sequence[float], str]
"""a box (left, top, right, bottom) in pixels of the picture that was sent, and a few words"""


@dataclass(frozen=True)
class SeenPicture:
    """Pixels (height, width, 3), and how many (rows, columns) of them there are for a pixel of the picture sent."""

    pixels: NDArray[np.uint8]
    scale: tuple[float, float] = (1.0, 1.0)


def pictures_of(samples: NDArray[Any], frames: Sequence[Frame]) -> Iterator[SeenPicture]:
    """Yields the picture of each sample (n, channels, height, width), or of all samples that are tiles of it.

    It has the resolution that the model sees: nothing is made larger again.
    """
    if not frames:
        yield from (SeenPicture(_coloured(sample)) for sample in samples)
        return
    for number in sorted({frame.of for frame in frames}):
        mine = [(sample, frame) for sample, frame in zip(samples, frames, strict=True) if frame.of == number]
        yield _put_together(mine)


def drawn(picture: SeenPicture, marks: Sequence[Mark]) -> bytes:
    """Returns a PNG file of the picture with its marks; marks of equal first words have one colour.

    Raises:
        SettingsError: Pillow is not there.
    """
    try:
        from PIL import Image, ImageDraw
    except ImportError:
        do = 'install it (`pip install "stillhouse-edge[images]"`), or leave `detail` out'
        raise SettingsError(f"`Pillow`: expected the library that draws pictures, got none; {do}") from None
    image = Image.fromarray(np.ascontiguousarray(picture.pixels))
    draw, width = ImageDraw.Draw(image), max(1, round(max(image.size) / LINE))
    rows, columns = picture.scale
    for (left, top, right, bottom), words in reversed(marks):  # so that the surest lies on top
        colour = _colour(words.partition(" ")[0])
        box = (left * columns, top * rows, max(right * columns - 1, left * columns), max(bottom * rows - 1, top * rows))
        draw.rectangle(box, outline=colour, width=width)
        place = (box[0] + width + 1, max(box[1] - 12, 0.0))
        draw.rectangle(draw.textbbox(place, words), fill=colour)
        draw.text(place, words, fill=BLACK if sum(colour) > 380 else WHITE)
    stream = io.BytesIO()
    image.save(stream, format="PNG")
    return stream.getvalue()


def _coloured(sample: NDArray[Any]) -> NDArray[np.uint8]:
    """Returns (height, width, 3) of (channels, height, width): grey in all three, and no alpha."""
    colours = sample[:3] if len(sample) >= 3 else np.repeat(sample[:1], 3, axis=0)
    pixels: NDArray[np.uint8] = np.clip(colours, 0, 255).astype(np.uint8).transpose(1, 2, 0)
    return pixels


def _put_together(parts: Sequence[tuple[NDArray[Any], Frame]]) -> SeenPicture:
    first = parts[0][1]
    (height, width), (rows, columns) = first.picture, first.scale
    shape = max(1, round(height * rows)), max(1, round(width * columns))
    canvas = np.zeros((*shape, 3), dtype=np.uint8)
    for sample, frame in parts:
        top, left = (round(start * scale) for start, scale in zip(frame.corner, frame.scale, strict=True))
        pixels = _coloured(sample)[: shape[0] - top, : shape[1] - left]
        canvas[top : top + len(pixels), left : left + pixels.shape[1]] = pixels
    return SeenPicture(canvas, (rows, columns))


def _colour(word: str) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(zlib.crc32(word.encode()) % 360 / 360, 0.85, 0.95)
    return round(255 * red), round(255 * green), round(255 * blue)
