"""A picture file as pixels, by the code that the device uses, too."""

from pathlib import PurePosixPath
from typing import IO

from params.pictures.picture import PictureReader, WholePictureReader
from tasks.data.readers.raw import PICTURES, quiet_pillow
from tasks.data.readers.samples import NOTHING, Values
from tasks.runtime.preprocess import picture_format
from tasks.runtime.preprocess.picture_format import FULL_RANGE, WHITE, PictureFormat, UnreadablePictureError

NO_PICTURE = "no picture, by its name"
"""why a file is left out that has none of these suffixes"""


def is_picture(name: str) -> bool:
    """Says whether a file has the name of a picture; one that has, and is none, is a bad sample."""
    return PurePosixPath(name).suffix.lower() in PICTURES


def picture_size(stream: IO[bytes]) -> tuple[int, int]:
    """Returns (height, width) of an upright picture; its pixels are not decoded.

    Raises:
        UnreadablePictureError: it is no picture.
    """
    with quiet_pillow():
        return picture_format.picture_size(stream)


def format_of(reader: PictureReader) -> PictureFormat:
    """Returns what the pictures of a reader become."""
    height, width = reader.size
    background = WHITE if reader.background is None else reader.background
    first, last = reader.levels or FULL_RANGE
    kept = reader.centre_crop if isinstance(reader, WholePictureReader) else 1.0
    return PictureFormat((height, width), reader.channels, (first, last), background, centre_crop=kept)


def read_picture(stream: IO[bytes], reader: PictureReader) -> tuple[Values, str]:
    """Returns the pixels of a picture, or what is wrong with it."""
    try:
        with quiet_pillow():
            return format_of(reader).values(stream), ""
    except UnreadablePictureError as error:
        return NOTHING, str(error)
