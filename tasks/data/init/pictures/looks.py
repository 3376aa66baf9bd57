"""What the pictures of a folder look like: sizes, modes, and what a conversion to 8 bits would lose."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tasks.core.errors import DataError, printable
from tasks.data.readers.raw import quiet_pillow
from tasks.runtime.preprocess.picture_format import (
    DEEP,
    LARGE_PIXELS,
    UnreadablePictureError,
    opened_picture,
)

if TYPE_CHECKING:
    from PIL import Image

HEADERS, DECODED = 20_000, 400
"""pictures of a folder whose header is read, and whose pixels are decoded; of every group equally many"""
SHOWN = 10
ORIENTATION = 0x0112
"""tag of EXIF; 1 is upright"""
GREY = ("1", "L", "LA", *DEEP)


@dataclass
class Looks:
    """What some pictures look like together."""

    sizes: list[tuple[int, int]] = field(default_factory=list)
    """(width, height) in pixels"""
    modes: Counter[str] = field(default_factory=Counter)
    traits: Counter[str] = field(default_factory=Counter)
    """what is worth a note -> pictures"""
    range: tuple[int, int] | None = None
    """smallest and largest of the 16-bit pixels that were decoded"""

    def with_others(self, others: "Looks") -> "Looks":
        """Returns what both look like together."""
        ranges = [one for one in (self.range, others.range) if one]
        both = (min(low for low, _ in ranges), max(high for _, high in ranges)) if ranges else None
        return Looks(self.sizes + others.sizes, self.modes + others.modes, self.traits + others.traits, both)


def looks_of(folder: Path, groups: Mapping[str, Sequence[Path]]) -> dict[str, Looks]:
    """Returns what the pictures of each group look like, by its name; of large ones, some are looked at.

    Args:
        folder: messages name pictures from there.
        groups: name -> pictures.

    Raises:
        DataError: naming the pictures that cannot be read, all that were looked at.
    """
    looks, bad, share = {}, list[str](), max(1, len(groups))
    for name, paths in groups.items():
        looks[name] = _looks(folder, spread(paths, HEADERS // share), DECODED // share or 1, bad)
    if bad:
        more = len(bad) - SHOWN
        first = f"`{printable(str(folder))}`: expected images, got {len(bad):,} that are none:"
        lines = [first, *bad[:SHOWN], *([f"  and {more:,} more"] if more > 0 else []), "repair or remove them"]
        raise DataError("\n".join(lines))
    return looks


def spread(paths: Sequence[Path], most: int) -> list[Path]:
    """Returns at most so many of them, from the first to the last."""
    if len(paths) <= most:
        return list(paths)
    return [paths[place] for place in np.linspace(0, len(paths) - 1, max(1, most)).astype(int)]


def _looks(folder: Path, paths: list[Path], decoded: int, bad: list[str]) -> Looks:
    looks, whole = Looks(), {*spread(paths, decoded)}
    for path in paths:
        try:
            with quiet_pillow(), path.open("rb") as stream, opened_picture(stream) as image:
                looks = _added(looks, image, path in whole)
        except UnreadablePictureError as error:
            bad.append(f"  `{printable(path.relative_to(folder).as_posix())}`: {error}")
        except OSError as error:
            bad.append(f"  `{printable(path.relative_to(folder).as_posix())}`: {error.strerror}")
    return looks


def _added(looks: Looks, image: "Image.Image", decode: bool) -> Looks:
    looks.sizes.append(image.size)
    looks.modes[image.mode] += 1
    looks.traits.update(_traits_of_header(image))
    if not decode:
        return looks
    if image.mode in DEEP:
        pixels = np.asarray(image)
        seen = Looks(range=(int(pixels.min()), int(pixels.max())))
        return looks.with_others(seen)
    if image.has_transparency_data and image.convert("RGBA").getchannel("A").getextrema()[0] != 255:
        looks.traits["transparent"] += 1
    image.load()
    return looks


def _traits_of_header(image: "Image.Image") -> Iterable[str]:
    if image.mode not in DEEP and any(";16" in str(tile) for tile in getattr(image, "tile", ())):
        yield "deep colour"
    if getattr(image, "n_frames", 1) > 1:
        yield "several"
    if _may_be_turned(image) and image.getexif().get(ORIENTATION, 1) != 1:
        yield "turned"
    if image.width * image.height > LARGE_PIXELS:
        yield "large"
    if image.mode not in ("1", "L", "LA", "P", "PA", "RGB", "RGBA", *DEEP):
        yield f"mode {image.mode}"


def _may_be_turned(image: "Image.Image") -> bool:
    """Says whether the header has EXIF data: of a PNG without, all pixels would be decoded to look behind them."""
    return "exif" in image.info or image.format == "TIFF"


def levels_of(looks: Looks) -> tuple[int, int] | None:
    """Returns which 16-bit values to tell apart; None where there are none, or they use all of the range.

    From 0 to the largest of so many whole bits; where the pixels use less than a quarter of that, their own range.
    """
    if looks.range is None:
        return None
    low, high = looks.range
    last = max(255, (1 << high.bit_length()) - 1)
    if (high - low + 1) * 4 <= last and high > low:
        return low, high
    return (0, last) if last < 65_535 else None
