"""What masks look like: which values their pixels have, and whether these are classes, two levels, or shades."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tasks.core.errors import DataError, mismatch, printable
from tasks.data.readers.image_masks.values import MANY, Values, mask_values
from tasks.runtime.preprocess.picture_format import UnreadablePictureError

LOOKED_AT = 200
"""masks whose pixels are read, spread over all"""
IGNORED = 255
MOST_COLOURS = 60
SEVERAL, FEW = 8, 0.3
"""so many values or more, of which all but the two most frequent have less than that part of the pixels, are shades
where they lie far apart: numbers of classes lie close to each other"""


@dataclass
class MaskLooks:
    """What was seen: value -> pixels, value -> masks; whether values are colours."""

    coloured: bool
    pixels: Counter[int] = field(default_factory=Counter)
    masks: Counter[int] = field(default_factory=Counter)
    areas: set[int] = field(default_factory=set)
    """values of pixels all of whose four neighbours have the same: shades of edges have no such pixel"""
    read: int = 0

    @property
    def values(self) -> list[int]:
        """In order."""
        return sorted(self.pixels)

    @property
    def two_levels(self) -> bool:
        """Whether each pixel is black or white."""
        return not self.coloured and self.values == [0, IGNORED]

    @property
    def ignored(self) -> list[int]:
        """Values that are likely to be no class."""
        return [IGNORED] if IGNORED in self.pixels and not self.coloured and not self.two_levels else []

    def word(self, value: int) -> str:
        """Returns a value as a recipe says it."""
        return f"#{value:06x}" if self.coloured else str(value)


def looks_of(masks: Sequence[Path]) -> MaskLooks:
    """Returns what some of the masks hold.

    Raises:
        DataError: one cannot be read, their values are shades, or there is one class alone.
    """
    step = max(1, -(-len(masks) // LOOKED_AT))
    some = masks[::step]
    try:
        looks = _looked(some, coloured=False)
    except UnreadablePictureError:
        looks = _with_colours(some)
    _require_classes(looks, masks[0].parent)
    return looks


def _looked(masks: Sequence[Path], coloured: bool) -> MaskLooks:
    looks = MaskLooks(coloured)
    for path in masks:
        with path.open("rb") as stream:
            mask = mask_values(stream, coloured)
        values, counts = np.unique(mask, return_counts=True)
        found = dict(zip(values.tolist(), counts.tolist(), strict=True))
        looks.areas |= _areas(mask)
        looks.pixels.update(found)
        looks.masks.update(found.keys())
        looks.read += 1
    return looks


def _with_colours(masks: Sequence[Path]) -> MaskLooks:
    for path in masks:
        try:
            _looked([path], coloured=True)
        except UnreadablePictureError as error:
            raise DataError(f"`{printable(str(path))}`: {error}") from None
    return _looked(masks, coloured=True)


def _areas(mask: Values) -> set[int]:
    inner = mask[1:-1, 1:-1]
    beside = (mask[:-2, 1:-1], mask[2:, 1:-1], mask[1:-1, :-2], mask[1:-1, 2:])
    return {*np.unique(inner[np.logical_and.reduce([inner == other for other in beside])]).tolist()}


def _require_classes(looks: MaskLooks, folder: Path) -> None:
    """Refuses shades: what smoothing, a resize that takes means, or JPEG makes of the edges of classes."""
    count = len(looks.values)
    if count >= (MOST_COLOURS if looks.coloured else 4 * MANY) or _many_shades(looks) or _shades_of_two(looks):
        frequent = " and ".join(looks.word(value) for value, _ in looks.pixels.most_common(2))
        got = f"{count:,} values, the most frequent being {frequent}"
        do = "these are shades of smoothed edges: write masks as PNG, resized to the nearest pixel"
        raise DataError(mismatch(printable(str(folder)), "", "masks with a value per class", got, do))
    classes = [value for value in looks.values if value not in looks.ignored]
    if len(classes) < 2:
        got = f"{' and '.join(map(looks.word, looks.values))} alone in the {looks.read:,} that were looked at"
        do = "a network has nothing to tell apart in them: give those of other classes, too"
        raise DataError(mismatch(printable(str(folder)), "", "masks of two classes or more", got, do))


def _many_shades(looks: MaskLooks) -> bool:
    count, total = len(looks.values), sum(looks.pixels.values())
    rest = 1 - sum(pixels for _, pixels in looks.pixels.most_common(2)) / total
    far_apart = max((value for value in looks.values if value != IGNORED), default=0) > 2 * count
    return not looks.coloured and count >= SEVERAL and rest < FEW and far_apart


def _shades_of_two(looks: MaskLooks) -> bool:
    """Says whether black and white are the most frequent, and of the values between not one fills an area."""
    frequent = {value for value, _ in looks.pixels.most_common(2)}
    between = {*looks.values} - {0, IGNORED}
    return not looks.coloured and frequent == {0, IGNORED} and len(between) > 1 and not between & looks.areas
