"""An image file as pixels."""

from typing import IO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from params.readers import PictureReader
from tasks.data.readers.samples import NOTHING, Values

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp"})
DEEP = {"I;16": 256, "I;16L": 256, "I;16B": 256, "I;16N": 256}
"""Pillow clips 16-bit pixels to 255 when it converts them; they are divided instead."""


def read_picture(stream: IO[bytes], reader: PictureReader) -> tuple[Values, str]:
    """Returns the pixels of an image, or what is wrong with it."""
    try:
        return image_values(stream, reader.size, reader.channels), ""
    except UnidentifiedImageError:
        return NOTHING, "expected an image, got a file that Pillow cannot read"
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        return NOTHING, f"expected a whole image, got one that breaks off or is damaged ({error})"


def image_values(stream: IO[bytes], size: tuple[int, ...], channels: int) -> Values:
    """Returns an image as (channels, height, width) uint8: turned upright, converted, resized to `size`."""
    with Image.open(stream) as opened:
        image = ImageOps.exif_transpose(opened)
        if image.mode in DEEP:
            image = Image.fromarray((np.asarray(image) // DEEP[image.mode]).astype(np.uint8))
        elif image.mode in ("I", "F"):
            raise ValueError(f"expected 8 or 16 bits per channel, got mode {image.mode} with 32")
        image = image.convert("L" if channels == 1 else "RGB")
        height, width = size
        if image.size != (width, height):
            image = image.resize((width, height), Image.Resampling.BILINEAR)
        pixels = np.asarray(image, dtype=np.uint8)
    return pixels.reshape(height, width, channels).transpose(2, 0, 1)
