"""A first recipe for a folder of pictures: what its reader needs is looked up in their headers."""

import json
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from PIL import Image, UnidentifiedImageError

from tasks.core.errors import DataError, mismatch
from tasks.data.init.templates import HEAD, SPLIT, TAIL
from tasks.data.init.understanding import Understanding
from tasks.data.readers.picture import SUFFIXES
from tasks.data.sources.own import own_files

SIDES = (8, 16, 32, 64)
"""pixels; more is slow to train on a laptop"""
LOOKED_AT = 100
"""images per class"""
GREY = ("1", "L", "LA", "I;16")
_IMAGES = """\
  reader:
    kind: image_folder
    size: [{side}, {side}]             # height, width in pixels; larger sees more and costs more
    channels: {channels}                # 1 grey, 3 colour
"""
_IMAGE_MODELS = """
teacher:
  architecture: {{kind: resnet, widths: [32, 64, 128], blocks: 1}}
  training: {{epochs: 30, batch_size: 64, learning_rate: 0.003}}

student:
  architecture: {{kind: cnn, channels: {student}}}
  training: {{epochs: 60, batch_size: 64, learning_rate: 0.01}}
"""


@dataclass(frozen=True)
class ImageGuess:
    """Side of the square that images are resized to in pixels, and 1 channel where all of them are grey, else 3."""

    side: int
    channels: int


def understand(name: str, source: str, folder: Path) -> Understanding:
    """Returns a recipe for a folder with one folder of pictures per class; `source` is how the recipe names it.

    Raises:
        DataError: no such folder, no class folders, a class without images, fewer than two, or a file that is no image.
    """
    return Understanding(_recipe(name, source, guess_images(folder)))


def _recipe(name: str, source: str, guess: ImageGuess) -> str:
    """Returns a recipe for a folder of images."""
    # Each entry halves the picture; it should not end below 2 pixels.
    student = [8, 16, 32, 32][: max(2, guess.side.bit_length() - 3)]
    return (
        HEAD.format(name=name, kind="folder", path=json.dumps(source))
        + _IMAGES.format(side=guess.side, channels=guess.channels)
        + SPLIT
        + _IMAGE_MODELS.format(student=student)
        + TAIL.format(candidates="[fp32, static_int8]")
    )


def guess_images(folder: Path) -> ImageGuess:
    """Looks at the headers of the first images of each class.

    Raises:
        DataError: no such folder, no class folders, a class without images, fewer than two, or a file that is no image.
    """
    if not folder.is_dir():
        got = "a file" if folder.is_file() else "nothing there"
        raise DataError(mismatch(str(folder), "", "a folder with one folder per class", got, "mend `--images`"))
    by_class = _images_by_class(folder)
    empty = [name for name, images in by_class.items() if not images]
    if len(by_class) < 2 or empty:
        got = f"no image in {', '.join(f'`{name}`' for name in empty)}" if empty else f"{len(by_class)} class folders"
        do = "put each class's images into a folder of its own"
        raise DataError(mismatch(str(folder), "", "at least two class folders, each with images", got, do))
    looks = [_look(path) for images in by_class.values() for path in images[:LOOKED_AT]]
    side = median(side for side, _ in looks)
    fitting = [candidate for candidate in SIDES if candidate <= side]
    channels = 1 if all(mode in GREY for _, mode in looks) else 3
    return ImageGuess(fitting[-1] if fitting else SIDES[0], channels)


def _images_by_class(folder: Path) -> dict[str, list[Path]]:
    by_class: dict[str, list[Path]] = {}
    for name, path in own_files(folder):
        images = by_class.setdefault(name.split("/")[0], []) if "/" in name or path.is_dir() else []
        if path.is_file() and path.suffix.lower() in SUFFIXES:
            images.append(path)
    return by_class


def _look(path: Path) -> tuple[int, str]:
    """Returns (shorter side, mode) of an image; its pixels are not decoded."""
    try:
        with Image.open(path) as image:
            return min(image.size), image.mode
    except (UnidentifiedImageError, OSError, ValueError) as error:
        raise DataError(mismatch(str(path), "", "an image", str(error), "mend or remove it")) from None
