"""Picture files (PNG, JPEG, ...) as (channels, height, width) uint8, in training and on the device alike.

`docs/how-to/pictures.md` tells what becomes of each kind of picture. Pillow is imported where a picture is read: a
device that is fed arrays alone does without it.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingsError, WrongInputError

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
MODES = {1: "L", 3: "RGB", 4: "RGBA"}
FILTER = "bilinear"


class UnreadablePictureError(WrongInputError):
    """Bytes are no picture, are damaged, or hold pixels that have no stated meaning; says what was expected and got."""


@dataclass(frozen=True)
class PictureFormat:
    """What pictures become.

    Attributes:
        size: (height, width) in pixels.
        channels: 1 grey, 3 colour, 4 colour and alpha.
        levels: the first and the last value of 16-bit pixels that are told apart: they become 0 and 255.
        background: grey level from 0 to 255 under transparent pixels, where alpha is no channel of its own.
    """

    size: tuple[int, int]
    channels: int = 3
    levels: tuple[int, int] = FULL_RANGE
    background: int = WHITE

    def facts(self) -> dict[str, Any]:
        """Returns what `load` reads: the `preprocessing` of a manifest."""
        return {
            "kind": "picture",
            "size": [*self.size],
            "channels": self.channels,
            "filter": FILTER,
            "levels": [*self.levels],
            "background": self.background,
        }

    def values(self, stream: IO[bytes]) -> NDArray[np.uint8]:
        """Returns a picture as (channels, height, width).

        Raises:
            UnreadablePictureError: it cannot be read.
        """
        with opened_picture(stream) as image:
            pixels = np.asarray(self._converted(image), dtype=np.uint8)
        height, width = self.size
        return pixels.reshape(height, width, self.channels).transpose(2, 0, 1)

    def _converted(self, image: "Pillow.Image") -> "Pillow.Image":
        """Turns a picture upright, maps its levels, lays it on the background, converts its mode, and resizes it."""
        from PIL import Image, ImageOps

        height, width = self.size
        large = image.width * image.height > LARGE_PIXELS
        if large:
            image.draft(None, (GAP * max(self.size), GAP * max(self.size)))  # of JPEG; others ignore it
        ImageOps.exif_transpose(image, in_place=True)
        if image.mode in DEEP:
            image = _eight_bits(image, self.levels)
        if large:
            image = _reduced(image, self.size)
        if image.has_transparency_data and self.channels != 4:
            image = _on_background(image, self.background)
        image = image if image.mode == MODES[self.channels] else image.convert(MODES[self.channels])
        if image.size != (width, height):
            image = image.resize((width, height), Image.Resampling.BILINEAR)
        return image


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


def _reduced(image: "Pillow.Image", size: tuple[int, int]) -> "Pillow.Image":
    """Takes means over square blocks, before a conversion of all pixels that would take several times the memory."""
    if image.mode in ("1", "P", "PA"):
        image = image.convert("L" if image.mode == "1" else "RGBA" if image.has_transparency_data else "RGB")
    height, width = size
    return image.reduce(max(1, min(image.width // (GAP * width), image.height // (GAP * height))))


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
