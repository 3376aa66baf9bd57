"""The preprocessor of models that take pictures: one file is one sample, or as many as it is cut into tiles."""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..bundle.fields import Fields
from .frames.frame import Frame
from .frames.tiles import TileRule
from .one_file import OneFilePreprocessor
from .picture_format import FILTER, FORMATS, FULL_RANGE, MODES, PAD, STRETCH, WHITE, PictureFormat

MEDIA_TYPES = tuple(f"image/{name.lower()}" for name in FORMATS)


@dataclass(frozen=True)
class PicturePreprocessor(OneFilePreprocessor):
    """Makes inputs of picture files."""

    format: PictureFormat
    media_types = MEDIA_TYPES
    field = "image"
    form = "a picture file"

    def values(self, content: bytes) -> NDArray[np.uint8]:
        """Returns the pixels (channels, height, width); raises as the base."""
        return self.format.values(io.BytesIO(content))

    def samples(self, content: bytes) -> tuple[NDArray[np.uint8], tuple[Frame, ...]]:
        """Returns the pixels of the picture or its tiles, and where they lie in it; raises as the base."""
        return self.format.samples(io.BytesIO(content))


def load(fields: Fields) -> PicturePreprocessor:
    """Returns what reads pictures, from the fields of a manifest.

    Raises:
        ManifestError: a field is missing or wrong.
    """
    size, levels = fields.shape("size"), fields.shape("levels")
    channels, background, resize = fields.integer("channels"), fields.integer("background"), fields.text("filter")
    if len(size) != 2 or not all(size):
        raise fields.wrong("size", "a height and a width of at least 1", list(size))
    if len(levels) != 2 or not (levels[0] or 0) < (levels[1] or 0) <= FULL_RANGE[1]:
        raise fields.wrong("levels", f"a first and a last value up to {FULL_RANGE[1]}", list(levels))
    if channels not in MODES:
        raise fields.wrong("channels", "1, 3 or 4", channels)
    if background > WHITE:
        raise fields.wrong("background", "a grey level from 0 to 255", background)
    if resize != FILTER:
        raise fields.wrong("filter", f"`{FILTER}`", resize)
    fit, tile, centre_crop = _fit(fields), _tile(fields), _centre_crop(fields)
    shape, range_ = (size[0] or 0, size[1] or 0), (levels[0] or 0, levels[1] or 0)
    return PicturePreprocessor(PictureFormat(shape, channels, range_, background, fit, tile, centre_crop))


def _fit(fields: Fields) -> str:
    fit = fields.text("fit") if fields.has("fit") else STRETCH
    if fit not in (STRETCH, PAD):
        raise fields.wrong("fit", f"`{STRETCH}` or `{PAD}`", fit)
    return fit


def _centre_crop(fields: Fields) -> float:
    kept = fields.number("centre_crop") if fields.has("centre_crop") else 1.0
    if not 0 < kept <= 1:
        raise fields.wrong("centre_crop", "a share above 0 and up to 1", kept)
    return kept


def _tile(fields: Fields) -> TileRule | None:
    if not fields.has("tile"):
        return None
    tile = fields.object("tile")
    size, overlap = tile.shape("size"), tile.integer("overlap")
    if len(size) != 2 or not all(size):
        raise tile.wrong("size", "a height and a width of at least 1", list(size))
    if 2 * overlap > min(side or 0 for side in size):
        raise tile.wrong("overlap", "at most half of a tile", overlap)
    tile.finish()
    return TileRule((size[0] or 0, size[1] or 0), overlap)
