"""Where an object is, as COCO files say it: polygons, or run lengths of columns, plain or as text."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Region = NDArray[np.bool_]
Size = tuple[int, int]
OFFSET, MORE, SIGN, BITS = 48, 0x20, 0x10, 5
"""of the text: each character holds five bits, lowest first, and whether more of the number follows"""


class BadRegionError(ValueError):
    """A region cannot be drawn; says what was expected and got."""


def region_of(segmentation: Any, size: Size) -> Region:
    """Returns which pixels (height, width) belong to an object.

    Raises:
        BadRegionError: it is neither polygons nor run lengths of this size.
    """
    match segmentation:
        case [_, *_]:
            return _polygons(segmentation, size)
        case {"counts": counts, "size": [int(height), int(width)]}:
            if (height, width) != size:
                raise BadRegionError(f"expected run lengths of {size[1]} x {size[0]} pixels, got {width} x {height}")
            return _runs(_lengths(counts), size)
        case _:
            raise BadRegionError(f"expected polygons, or `counts` and `size`, got {_what(segmentation)}")


def _what(segmentation: Any) -> str:
    if isinstance(segmentation, Mapping):
        return ", ".join(f"`{name}`" for name in segmentation)
    return "an empty list, as of boxes alone" if segmentation == [] else type(segmentation).__name__


def _polygons(polygons: Sequence[Any], size: Size) -> Region:
    """Returns the pixels inside any of them."""
    image = Image.new("1", (size[1], size[0]))
    draw = ImageDraw.Draw(image)
    for polygon in polygons:
        if not isinstance(polygon, list) or len(polygon) < 6 or len(polygon) % 2:
            got = f"{len(polygon)} numbers" if isinstance(polygon, list) else type(polygon).__name__
            raise BadRegionError(f"expected a polygon of three corners or more, x and y of each, got {got}")
        if strange := [one for one in polygon if not isinstance(one, int | float) or not isfinite(one)]:
            raise BadRegionError(f"expected a polygon of numbers, got {strange[0]!r} in it")
        # A corner is a place between pixels; Pillow counts middles of pixels.
        corners = [(float(x) - 0.5, float(y) - 0.5) for x, y in zip(polygon[::2], polygon[1::2], strict=True)]
        draw.polygon(corners, fill=1)
    region: Region = np.asarray(image, dtype=np.bool_)
    return region


def _lengths(counts: Any) -> list[int]:
    if isinstance(counts, str):
        return _from_text(counts)
    if isinstance(counts, list) and all(isinstance(count, int) for count in counts):
        return counts
    raise BadRegionError(f"expected `counts` as a list or a text, got {type(counts).__name__}")


def _from_text(text: str) -> list[int]:
    """Returns the lengths; from the third on a text holds differences to the length before the last."""
    lengths: list[int] = []
    value = shift = 0
    for character in text:
        bits = ord(character) - OFFSET
        if not 0 <= bits < 2 * MORE:
            raise BadRegionError(f"expected run lengths as COCO writes them, got the character {character!r}")
        value |= (bits & (MORE - 1)) << shift
        shift += BITS
        if bits & MORE:
            continue
        if bits & SIGN:
            value |= -1 << shift
        lengths.append(value + (lengths[-2] if len(lengths) > 2 else 0))
        value = shift = 0
    return lengths


def _runs(lengths: Sequence[int], size: Size) -> Region:
    """Returns the pixels of every second run, column by column."""
    if sum(lengths) != size[0] * size[1] or min(lengths, default=0) < 0:
        raise BadRegionError(f"expected run lengths of {size[0] * size[1]} pixels, got {sum(lengths)}")
    values = np.arange(len(lengths)) % 2 == 1
    return np.repeat(values, lengths).reshape(size[1], size[0]).T
