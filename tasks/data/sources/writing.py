"""Synthetic pictures with lines of writing, and masks of where the lines are; equal seeds draw equal pixels.

A mask shows the middle of each line, so that two that nearly touch stay two, as detectors of text learn it (DB, Liao et
al. 2020, arXiv:1911.08947, section 3.4). The pictures prove that all works together, and nothing about pictures of the
world.
"""

import io
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from params.pictures.writing import WritingSource
from tasks.data.sources.tar import packing

VOWELS, CONSONANTS, DIGITS = "aeiou", "bcdfghklmnprstvw", "0123456789"
SMALLEST, LARGEST = 0.12, 0.3
"""of the side: height of letters"""
CUT = 0.2
"""of its height, that a line's mask lacks on each side"""
AROUND = 2
"""pixels around a line that no other line touches"""
TURN = 5.0
"""deviation of the slant, in degrees"""
CONTRAST = 60.0
"""grey levels between a line and what is behind it, at least"""
ATTEMPTS = 40
"""to find a line that fits somewhere; then the picture has one less"""
LUMA = np.array([0.299, 0.587, 0.114])
"""of ITU-R BT.601"""
Picture = NDArray[np.uint8]
Point = tuple[float, float]


def fetch(source: WritingSource, _root: Path, raw: Path) -> None:
    """Draws `images/NUMBER.png` and `masks/NUMBER.png`, where 0 is background and 1 is text."""
    with packing(raw) as packer:
        for number in range(source.pictures):
            for folder, pixels in zip(("images", "masks"), drawn(source, number), strict=True):
                stream = io.BytesIO()
                Image.fromarray(pixels).save(stream, format="PNG")
                content = stream.getvalue()
                packer.add_file(f"{folder}/{number:05d}.png", len(content), io.BytesIO(content))


def drawn(source: WritingSource, number: int) -> tuple[Picture, Picture]:
    """Returns one picture (side, side, 3) and its mask (side, side)."""
    draws, side = np.random.default_rng([source.seed, number]), source.side
    sheet = _Sheet(_background(draws, side), Image.new("L", (side, side)), Image.new("L", (side, side)))
    for _ in range(int(draws.integers(0, source.most + 1))):
        _add_line(sheet, draws)
    noise = draws.normal(0, draws.uniform(0, 10), (side, side, 3))
    picture = (np.asarray(sheet.picture) + noise).round().clip(0, 255).astype(np.uint8)
    return picture, np.asarray(sheet.mask, dtype=np.uint8)


@dataclass(frozen=True)
class _Sheet:
    """A picture that is written on, the mask of its lines, and what they take."""

    picture: Image.Image
    mask: Image.Image
    taken: Image.Image


@dataclass(frozen=True)
class _Line:
    """A text, how large it is, and where its middle lies."""

    text: str
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont
    left: int
    top: int
    width: int
    height: int
    middle: Point
    slant: float
    """radians, clockwise"""

    def corners(self, more: float) -> list[Point]:
        """Returns those of its box, larger on each side by some pixels."""
        x, y = self.width / 2 + more, self.height / 2 + more
        cosine, sine = math.cos(self.slant), math.sin(self.slant)
        box = ((-x, -y), (x, -y), (x, y), (-x, y))
        return [(self.middle[0] + cosine * a - sine * b, self.middle[1] + sine * a + cosine * b) for a, b in box]


def _background(draws: np.random.Generator, side: int) -> Image.Image:
    """Returns a slow change of colours with some shapes and lines on it."""
    few = Image.fromarray(draws.integers(0, 256, (3, 3, 3), dtype=np.uint8))
    slow = np.asarray(few.resize((side, side), Image.Resampling.BICUBIC), dtype=np.float64)
    mixed = 0.35 * slow + 0.65 * np.array(_colour(draws))
    picture = Image.fromarray(mixed.clip(0, 255).astype(np.uint8))
    pen = ImageDraw.Draw(picture)
    for _ in range(int(draws.integers(0, 6))):
        x, y, width, height = (int(value) for value in draws.integers(0, side, 4))
        shape = (pen.rectangle, pen.ellipse)[int(draws.integers(2))]
        shape([x, y, x + width // 2 + 4, y + height // 2 + 4], fill=_colour(draws))
    for _ in range(int(draws.integers(0, 4))):
        ends = [int(value) for value in draws.integers(0, side, 4)]
        pen.line(ends, fill=_colour(draws), width=int(draws.integers(1, 4)))
    return picture.filter(ImageFilter.GaussianBlur(float(draws.uniform(0, 1.5))))


def _add_line(sheet: _Sheet, draws: np.random.Generator) -> None:
    """Writes a line where it touches no other and can be read; none where no place is found."""
    for _ in range(ATTEMPTS):
        line, colour = _line(draws, sheet.picture.width), _colour(draws)
        if line is None:
            continue
        place = Image.new("L", sheet.picture.size)
        ImageDraw.Draw(place).polygon(line.corners(AROUND), fill=1)
        inside = np.asarray(place) > 0
        behind = np.asarray(sheet.picture)[inside].mean(axis=0)
        if (inside & (np.asarray(sheet.taken) > 0)).any() or abs(float(LUMA @ (behind - colour))) < CONTRAST:
            continue
        sheet.picture.paste(Image.new("RGB", sheet.picture.size, colour), mask=_ink(line, sheet.picture.size))
        ImageDraw.Draw(sheet.mask).polygon(line.corners(-CUT * line.height), fill=1)
        ImageDraw.Draw(sheet.taken).polygon(line.corners(AROUND), fill=1)
        return


def _line(draws: np.random.Generator, side: int) -> _Line | None:
    """Returns a line that lies inside of the picture; None where this one does not."""
    size = round(side * math.exp(draws.uniform(math.log(SMALLEST), math.log(LARGEST))))
    text = " ".join(_word(draws) for _ in range(int(draws.integers(1, 4))))
    font = ImageFont.load_default(size)
    left, top, right, bottom = (int(end) for end in font.getbbox(text))
    middle = (float(draws.uniform(0, side)), float(draws.uniform(0, side)))
    slant = math.radians(float(draws.normal(0, TURN)))
    line = _Line(text, font, left, top, right - left, bottom - top, middle, slant)
    return line if all(0 <= end < side for corner in line.corners(AROUND) for end in corner) else None


def _ink(line: _Line, size: tuple[int, int]) -> Image.Image:
    """Returns how much ink each pixel gets, 0 to 255."""
    upright = Image.new("L", size)
    corner = (line.middle[0] - line.width / 2 - line.left, line.middle[1] - line.height / 2 - line.top)
    ImageDraw.Draw(upright).text(corner, line.text, fill=255, font=line.font)
    return upright.rotate(-math.degrees(line.slant), Image.Resampling.BICUBIC, center=line.middle)


def _word(draws: np.random.Generator) -> str:
    """Returns a number or a made-up word, in small letters, capitals or both."""
    if draws.random() < 0.2:
        return "".join(_one_of(draws, DIGITS) for _ in range(int(draws.integers(2, 6))))
    syllables = int(draws.integers(1, 4))
    word = "".join(_one_of(draws, CONSONANTS) + _one_of(draws, VOWELS) for _ in range(syllables))
    word += _one_of(draws, CONSONANTS) if draws.random() < 0.4 else ""
    return (word, word.capitalize(), word.upper())[int(draws.integers(3))]


def _one_of(draws: np.random.Generator, letters: str) -> str:
    return letters[int(draws.integers(len(letters)))]


def _colour(draws: np.random.Generator) -> tuple[int, int, int]:
    red, green, blue = (int(level) for level in draws.integers(0, 256, 3))
    return red, green, blue
