"""What the pixels of a mask file say: its values, checked against those that the recipe names, as numbers of classes.

A mask is resized by taking the nearest pixel: a mean of two classes would be a third one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from params.readers import ImageMasksReader
from tasks.data.readers.raw import quiet_pillow
from tasks.runtime.preprocess.picture_format import UnreadablePictureError, opened_picture

if TYPE_CHECKING:
    from PIL import Image as Pillow

IGNORED = 255
"""in prepared masks: none of the classes"""
SHOWN = 6
MANY = 24
"""different unknown values from here on are no forgotten class, but shades"""
Values = NDArray[np.integer[Any]]
Mask = NDArray[np.uint8]


def mask_values(stream: IO[bytes], coloured: bool) -> Values:
    """Returns the value (height, width) of each pixel: grey level, place in the palette, red, or colour as a number.

    Raises:
        UnreadablePictureError: it is no picture, or its pixels have a colour where a number is expected.
    """
    from PIL import ImageOps

    with quiet_pillow(), opened_picture(stream) as image:
        upright = ImageOps.exif_transpose(image)
        return _colours(upright) if coloured else _numbers(upright)


def _colours(image: "Pillow.Image") -> Values:
    red, green, blue = np.asarray(image.convert("RGB"), dtype=np.int64).transpose(2, 0, 1)
    colours: Values = (red << 16) | (green << 8) | blue
    return colours


def _numbers(image: "Pillow.Image") -> Values:
    pixels = np.asarray(image)
    if pixels.ndim == 2:
        return pixels.astype(np.int64)
    first, *others = np.moveaxis(pixels[..., : 1 if image.mode == "LA" else 3], -1, 0)
    equal = all(np.array_equal(first, other) for other in others)
    if equal or not any(other.any() for other in others):
        return np.asarray(first, dtype=np.int64)
    expected = "a number in each pixel of a mask (grey, palette, or in red alone)"
    raise UnreadablePictureError(f"expected {expected}, got colours; say in `classes` which: `#804080`")


@dataclass(frozen=True)
class MaskCode:
    """The number of the class of each value; all values that no class has are told of at once."""

    table: Mapping[int, int]
    coloured: bool

    @classmethod
    def of(cls, reader: ImageMasksReader) -> "MaskCode":
        """Returns what the recipe says of values."""
        table = {_number(value): place for place, some in enumerate(reader.classes.values()) for value in some}
        return cls(table | {_number(value): IGNORED for value in reader.ignore}, reader.coloured)

    def numbers(self, values: Values) -> Mask:
        """Returns the number (height, width) of the class of each pixel, `IGNORED` for none.

        Raises:
            UnreadablePictureError: there are values that the recipe does not name.
        """
        found, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
        numbers = np.array([self.table.get(int(value), -1) for value in found])
        if strange := [(int(found[at]), int(counts[at])) for at in np.flatnonzero(numbers < 0)]:
            raise UnreadablePictureError(self._told(strange))
        coded: Mask = numbers.astype(np.uint8)[inverse].reshape(values.shape)
        return coded

    def _told(self, strange: Sequence[tuple[int, int]]) -> str:
        most = sorted(strange, key=lambda one: -one[1])[:SHOWN]
        shown = ", ".join(f"{self._word(value)} in {count:,} pixels" for value, count in most)
        more = f" and {len(strange) - SHOWN} more values" if len(strange) > SHOWN else ""
        known = ", ".join(map(self._word, sorted(self.table)))
        return f"expected in its mask values among {known}, got {shown}{more}; {' '.join(self._advice(strange))}"

    def _advice(self, strange: Sequence[tuple[int, int]]) -> Iterator[str]:
        values = [value for value, _ in strange]
        if values == [IGNORED] and not self.coloured:
            yield "255 often means `none of them` (`ignore: [255]`), and in a mask of two values the second"
        elif len(values) >= MANY:
            yield "so many shades come from smoothing or JPEG: write masks as PNG, resized to the nearest pixel"
        else:
            yield "name them in `data.reader.classes`, or in `data.reader.ignore`"

    def _word(self, value: int) -> str:
        return f"#{value:06x}" if self.coloured else str(value)


def nearest(mask: Mask, size: tuple[int, int]) -> Mask:
    """Returns a mask of another size: of each new pixel the value at its middle."""
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(np.int64) for new, old in zip(size, mask.shape, strict=True)
    )
    return mask if mask.shape == size else np.ascontiguousarray(mask[rows][:, columns])


def _number(value: int | str) -> int:
    return int(value.removeprefix("#"), 16) if isinstance(value, str) else value
