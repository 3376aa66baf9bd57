"""Synthetic characters as if written by hand: an identity is a few strokes, a sample how they came out this time.

They prove that all works together on identities that were never met, and nothing about faces or handwriting.
"""

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from params.sources import GlyphsSource
from tasks.data.sources.tar import packing

STROKES, POINTS = 3, 3
"""of a character, and control points of each stroke: a quadratic Bezier curve"""
ALONG = 24
"""points of a stroke that ink is measured from"""
TREMOR, TURN = 0.02, 0.12
"""deviation of a control point, as a part of the side; and of the slant, in radians"""
Doubles = NDArray[np.float64]


def fetch(source: GlyphsSource, _root: Path, raw: Path) -> None:
    """Draws `NUMBER OF THE CHARACTER/NUMBER.png`, grey levels; equal seeds draw equal pixels."""
    with packing(raw) as packer:
        for identity in range(source.identities):
            for number in range(source.samples):
                stream = io.BytesIO()
                Image.fromarray(drawn(source, identity, number)).save(stream, format="PNG")
                content = stream.getvalue()
                packer.add_file(f"{identity:05d}/{number:04d}.png", len(content), io.BytesIO(content))


def drawn(source: GlyphsSource, identity: int, number: int) -> NDArray[np.uint8]:
    """Returns one picture (side, side), dark on light."""
    strokes = np.random.default_rng([source.seed, identity]).uniform(0.15, 0.85, (STROKES, POINTS, 2))
    draws = np.random.default_rng([source.seed, identity, number + 1])
    strokes = _written(strokes, draws) * source.side
    part = np.linspace(0, 1, ALONG)[:, np.newaxis]
    curves = [a * (1 - part) ** 2 + 2 * b * part * (1 - part) + c * part**2 for a, b, c in strokes]
    ink = _ink(np.concatenate(curves), source.side, draws.uniform(0.035, 0.06) * source.side)
    paper, dark = draws.uniform(190, 250), draws.uniform(10, 80)
    grey = paper + (dark - paper) * ink + draws.normal(0, 6, ink.shape)
    return np.clip(grey, 0, 255).astype(np.uint8)


def _written(strokes: Doubles, draws: np.random.Generator) -> Doubles:
    """Returns the control points (strokes, points, 2) as they come out: moved, slanted, larger or smaller."""
    shaken = strokes + draws.normal(0, TREMOR, strokes.shape) - 0.5
    angle, size = draws.normal(0, TURN), draws.uniform(0.8, 1.05)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    written: Doubles = size * shaken @ turn + 0.5 + draws.normal(0, 0.03, 2)
    return written


def _ink(points: Doubles, side: int, width: float) -> Doubles:
    """Returns how much ink (side, side) is at each pixel, 0..1, of a pen of `width` pixels that goes through points."""
    rows, columns = np.mgrid[:side, :side] + 0.5
    far = np.hypot(rows[..., np.newaxis] - points[:, 0], columns[..., np.newaxis] - points[:, 1]).min(axis=2)
    ink: Doubles = np.clip(width - far + 0.5, 0, 1)
    return ink
