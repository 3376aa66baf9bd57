"""Picture files (PNG, JPEG, ...) as (channels, height, width) uint8, in training and on the device alike.

`docs/how-to/pictures.md` tells what becomes of each kind of picture. Pillow is imported where a picture is read: a
device that is fed arrays alone does without it.
"""

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingsError, WrongInputError
from .frames.frame import Frame
from .frames.tiles import TileRule

if TYPE_CHECKING:
    from PIL import Image as Pillow

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP")
"""the only ones that are tried: others of Pillow's start programs or have had no review for years"""
MOST_PIXELS = 300_000_000
"""of a picture; decoded in colour it takes 1.2 GB"""
LARGE_PIXELS = 32_000_000
"""from here on a picture is made smaller by whole factors first, JPEG while it is decoded"""
GAP = 2
"""how many times as large as asked a picture is after that step"""
FULL_RANGE = (0, 65_535)
WHITE = 255
DEEP = ("I;16", "I;16L", "I;16B", "I;16N")
"""modes of Pillow with 16 bits per pixel; its own conversion clips them to 255"""
STRIP = 4_000_000
"""pixels of 16 bits that are mapped at a time"""
TURNED = frozenset({5, 6, 7, 8})
"""EXIF orientations that exchange height and width"""
ORIENTATION = 0x0112
MODES = {1: "L", 3: "RGB", 4: "RGBA"}
FILTER = "bilinear"
STRETCH, PAD = "stretch", "pad"
"""how a picture of other proportions is made to fit: a scale for each side, or one for both and background beside it"""


class UnreadablePictureError(WrongInputError):
    """Bytes are no picture, are damaged, or hold pixels that have no stated meaning; says what was expected and got."""


@dataclass(frozen=True)
class PictureFormat:
    """What pictures become.

    Attributes:
        size: (height, width) in pixels.
        channels: 1 grey, 3 colour, 4 colour and alpha.
        levels: the first and the last value of 16-bit pixels that are told apart: they become 0 and 255.
        background: grey level from 0 to 255 under transparent pixels, where alpha is no channel of its own, and beside
            pictures that are padded.
        fit: `STRETCH`; or `PAD`, then the picture lies in the upper left corner.
        tile: how a picture is cut into several samples; None where it is one.
        centre_crop: share of the height and of the width of a picture that is kept, in its middle.
    """

    size: tuple[int, int]
    channels: int = 3
    levels: tuple[int, int] = FULL_RANGE
    background: int = WHITE
    fit: str = STRETCH
    tile: TileRule | None = None
    centre_crop: float = 1.0

    def facts(self) -> dict[str, Any]:
        """Returns what `load` reads: the `preprocessing` of a manifest."""
        facts: dict[str, Any] = {
            "kind": "picture",
            "size": [*self.size],
            "channels": self.channels,
            "filter": FILTER,
            "levels": [*self.levels],
            "background": self.background,
        }
        if self.fit != STRETCH:
            facts["fit"] = self.fit
        if self.tile:
            facts["tile"] = {"size": [*self.tile.size], "overlap": self.tile.overlap}
        if self.centre_crop != 1:
            facts["centre_crop"] = self.centre_crop
        return facts

    def values(self, stream: IO[bytes]) -> NDArray[np.uint8]:
        """Returns a picture as (channels, height, width); of one that is cut into tiles, the first.

        Raises:
            UnreadablePictureError: it cannot be read.
        """
        samples, _ = self.samples(stream)
        first: NDArray[np.uint8] = samples[0]
        return first

    def samples(self, stream: IO[bytes]) -> tuple[NDArray[np.uint8], tuple[Frame, ...]]:
        """Returns the samples of a picture (n, channels, height, width), one or a tile each, and where they lie in it.

        Raises:
            UnreadablePictureError: it cannot be read.
        """
        with opened_picture(stream) as image:
            frames = self.frames(_upright_size(image))
            upright = self._converted(image)
            pixels = np.stack([np.asarray(self._sample(upright, frame), dtype=np.uint8) for frame in frames])
        return pixels.reshape(len(frames), *self.size, self.channels).transpose(0, 3, 1, 2), frames

    def frames(self, picture: tuple[int, int]) -> tuple[Frame, ...]:
        """Returns where the samples of an upright picture of (height, width) lie in it."""
        if self.tile is None:
            corner, size = self._centre(picture)
            return (Frame(picture, corner, size, self._scale(size)),)
        size, scale = self.tile.size, self._scale(self.tile.size)
        return tuple(Frame(picture, corner, size, scale) for corner in self.tile.corners(*picture))

    def _centre(self, picture: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
        """Returns the (top, left) and the (height, width) of the middle that is kept of (height, width)."""
        height, width = (max(1, round(self.centre_crop * side)) for side in picture)
        return ((picture[0] - height) // 2, (picture[1] - width) // 2), (height, width)

    def _scale(self, size: tuple[int, int]) -> tuple[float, float]:
        (rows, columns), (height, width) = self._fitted(size), size
        return rows / height, columns / width

    def _fitted(self, size: tuple[int, int]) -> tuple[int, int]:
        """Returns the (height, width) that a part of a picture is resized to."""
        if self.fit == STRETCH:
            return self.size
        scale = min(new / old for new, old in zip(self.size, size, strict=True))
        height, width = (min(new, max(1, round(old * scale))) for new, old in zip(self.size, size, strict=True))
        return height, width

    def _sample(self, upright: "Pillow.Image", frame: Frame) -> "Pillow.Image":
        """Cuts the part out, resizes it, and puts it on the background where it does not fill the sample."""
        from PIL import Image

        if self.tile:
            (top, left), (height, width) = frame.corner, frame.size
            inside = upright.crop((left, top, min(left + width, upright.width), min(top + height, upright.height)))
            upright = self._on_canvas(inside, (height, width))
        elif self.centre_crop != 1:  # of its own size, which is less than the frame's where the picture was large
            (top, left), (height, width) = self._centre((upright.height, upright.width))
            upright = upright.crop((left, top, left + width, top + height))
        height, width = self._fitted(frame.size)
        if upright.size != (width, height):
            upright = upright.resize((width, height), Image.Resampling.BILINEAR)
        return self._on_canvas(upright, self.size)

    def _on_canvas(self, image: "Pillow.Image", size: tuple[int, int]) -> "Pillow.Image":
        from PIL import Image

        if image.size == (size[1], size[0]):
            return image
        colour = self.background if self.channels == 1 else (*[self.background] * 3, WHITE)[: self.channels]
        canvas = Image.new(MODES[self.channels], (size[1], size[0]), colour)
        canvas.paste(image, (0, 0))
        return canvas

    def _converted(self, image: "Pillow.Image") -> "Pillow.Image":
        """Turns a picture upright, maps its levels, lays it on the background and converts its mode.

        A very large one that is to be one sample is made smaller on the way.
        """
        from PIL import ImageOps

        least = [math.ceil(GAP * side / self.centre_crop) for side in self.size]
        large = image.width * image.height > LARGE_PIXELS and self.tile is None
        if large:
            image.draft(None, (max(least), max(least)))  # of JPEG; others ignore it
        ImageOps.exif_transpose(image, in_place=True)
        if image.mode in DEEP:
            image = _eight_bits(image, self.levels)
        if large:
            image = _reduced(image, (least[0], least[1]))
        if image.has_transparency_data and self.channels != 4:
            image = _on_background(image, self.background)
        return image if image.mode == MODES[self.channels] else image.convert(MODES[self.channels])


@contextmanager
def opened_picture(stream: IO[bytes]) -> Iterator["Pillow.Image"]:
    """Opens a picture; of one with several, the first. Its pixels are decoded when they are first asked for.

    Raises:
        UnreadablePictureError: it is no picture, has too many pixels or other ones than 1, 8 or 16 bits, or is damaged.
    """
    image_class = _pillow()
    try:
        with _LIMIT, image_class.open(stream, formats=FORMATS) as image:
            _check(image)
            yield image
    except UnreadablePictureError:
        raise
    except image_class.UnidentifiedImageError:
        raise UnreadablePictureError(f"expected an image, got {_first_bytes(stream)}") from None
    except Exception as error:  # a damaged file raises what it likes inside Pillow
        got = f"one that breaks off or is damaged ({str(error) or type(error).__name__})"
        raise UnreadablePictureError(f"expected a whole image, got {got}") from None


def picture_size(stream: IO[bytes]) -> tuple[int, int]:
    """Returns (height, width) of an upright picture; its pixels are not decoded.

    Raises:
        UnreadablePictureError: it is no picture.
    """
    with opened_picture(stream) as image:
        return _upright_size(image)


def _upright_size(image: "Pillow.Image") -> tuple[int, int]:
    turned = image.getexif().get(ORIENTATION) in TURNED
    return (image.width, image.height) if turned else (image.height, image.width)


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError:
        do = 'install it (`pip install "stillhouse-edge[images]"`), or give arrays'
        raise SettingsError(f"`Pillow`: expected the library that reads pictures, got none; {do}") from None
    return Image


def _check(image: "Pillow.Image") -> None:
    """Refuses what has no stated meaning; only the header has been read."""
    if image.width * image.height > MOST_PIXELS:
        got = f"{image.width:,} x {image.height:,}"
        raise UnreadablePictureError(f"expected at most {MOST_PIXELS:,} pixels, got {got}; cut it or make it smaller")
    if image.mode in ("I", "F"):
        what = "floating point" if image.mode == "F" else "32-bit or signed"
        expected = "1, 8 or 16 bits per channel without sign"
        do = "write it as 8 or 16 bits, with the range that matters"
        raise UnreadablePictureError(f"expected {expected}, got {what} pixels (mode {image.mode}); {do}")


def _first_bytes(stream: IO[bytes]) -> str:
    stream.seek(0)
    first = stream.read(8)
    return f"a file that begins with {first.hex(' ')}" if first else "an empty file"


def _eight_bits(image: "Pillow.Image", levels: tuple[int, int]) -> "Pillow.Image":
    """Maps `levels` to 0..255, each value of them for equally many; what lies outside becomes 0 or 255."""
    from PIL import Image

    low, high = levels
    steps = (np.arange(FULL_RANGE[1] + 1, dtype=np.int64) - low) * 256 // (high - low + 1)
    table = np.clip(steps, 0, 255).astype(np.uint8)
    mapped = Image.new("L", image.size)
    rows = max(1, STRIP // image.width)
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height)))
        mapped.paste(Image.fromarray(table[np.asarray(strip)]), (0, top))
    return mapped


def _reduced(image: "Pillow.Image", least: tuple[int, int]) -> "Pillow.Image":
    """Takes means over square blocks, before a conversion of all pixels that would take several times the memory.

    No side becomes smaller than `least`, a height and a width.
    """
    if image.mode in ("1", "P", "PA"):
        image = image.convert("L" if image.mode == "1" else "RGBA" if image.has_transparency_data else "RGB")
    height, width = least
    return image.reduce(max(1, min(image.width // width, image.height // height)))


def _on_background(image: "Pillow.Image", level: int) -> "Pillow.Image":
    from PIL import Image

    over = image.convert("RGBA")
    under = Image.new("RGBA", over.size, (level, level, level, 255))
    return Image.alpha_composite(under, over)


class _PillowsLimit:
    """Lifts Pillow's own limit of pixels, a warning and then an error that name no file, while pictures are read.

    It is one setting of the whole process, so it comes back when the last of several threads is done.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._before: int | None = None

    def __enter__(self) -> None:
        image_class = _pillow()
        with self._lock:
            if self._inside == 0:
                self._before, image_class.MAX_IMAGE_PIXELS = image_class.MAX_IMAGE_PIXELS, None
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                _pillow().MAX_IMAGE_PIXELS = self._before


_LIMIT = _PillowsLimit()
