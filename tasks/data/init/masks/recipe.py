"""A first recipe for a folder of pictures and one of masks: pairs by name, what the values are, and a size."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from tasks.core.errors import DataError, mismatch, printable
from tasks.data.init.masks.looks import MaskLooks, looks_of
from tasks.data.init.masks.pairs import PairedFolders, Size, below, paired
from tasks.data.init.templates import HEAD, OFFICIAL, SPLIT, TAIL, quoted
from tasks.data.init.understanding import Understanding
from tasks.data.sources.own import require_given
from tasks.data.sources.walk import FOLDER

LONGEST = 320
"""pixels of the longer side that a laptop trains on"""
STEP = 8
COCO = ".json"
LITTLE = 0.001
HEADINGS = ("value", "becomes", "pixels", "masks")
_READER = """\
  reader:
    kind: image_masks
{folders}    size: {size}           # height, width in pixels; larger sees more and costs more
{suffixes}    classes:                 # name -> value in the masks; the names are yours to give
{classes}{ignore}"""
_MODELS = """
teacher:
  architecture: {kind: resnet, widths: [32, 64, 128, 128], blocks: 1, stem_stride: 2}
  training: {epochs: 40, batch_size: 8, learning_rate: 0.002}

student:
  architecture: {kind: separable, widths: [16, 24, 48, 96], blocks: [1, 2, 4]}
  training:
    epochs: 80
    batch_size: 8
    learning_rate: 0.003
    augment: {views: 8, steps: [{kind: flip}, {kind: crop, smallest: 0.7}]}
"""


def understand(name: str, source: str, images: Path, masks: Path, root: Path) -> Understanding:
    """Returns a recipe for pictures and masks below one folder.

    Args:
        name: of the recipe.
        source: how the recipe names that folder.
        images: the folder of the pictures.
        masks: the folder of the masks; may be the same.
        root: the folder that has both in it.

    Raises:
        DataError: no such folder, no pairs, or masks that are no masks.
    """
    require_given(images, "--images", "a folder of pictures", FOLDER)
    if masks.suffix.lower() == COCO and masks.is_file():
        do = "write a recipe with `reader: {kind: coco_masks, ...}`, as in docs/how-to/segmentation.md"
        expected = "a folder with a mask for each picture"
        raise DataError(mismatch(printable(str(masks)), "", expected, "a file such as COCO's", do))
    require_given(masks, "--masks", "a folder with a mask for each picture", FOLDER)
    pairs = paired(images, masks, root)
    looks = looks_of(pairs.masks)
    rows = tuple(_row(looks, value) for value in looks.values)
    size = _size(pairs.sizes)
    text = _recipe(name, source, below(images, root), below(masks, root), pairs, looks, size)
    return Understanding(text, HEADINGS, rows, tuple(_notes(pairs, looks)))


def _size(sizes: Sequence[Size]) -> list[int]:
    """Returns a height and width for all, like those of most, at most `LONGEST` and whole steps of `STEP`."""
    middle = [median(side) for side in zip(*sizes, strict=True)]
    scale = min(1.0, LONGEST / max(middle))
    return [max(STEP, round(side * scale / STEP) * STEP) for side in middle]


def _named(looks: MaskLooks) -> dict[str, int]:
    """Returns a name for each value that is a class."""
    classes = [value for value in looks.values if value not in looks.ignored]
    if looks.two_levels:
        return {"background": 0, "foreground": 255}
    return {f"class{place}": value for place, value in enumerate(classes)}


def _recipe(
    name: str, source: str, images: str, masks: str, pairs: PairedFolders, looks: MaskLooks, size: list[int]
) -> str:
    folders = f"    images: {quoted(images)}\n    masks: {quoted(masks)}\n"
    if pairs.splits:
        parts = [(part, quoted(one.images), quoted(one.masks)) for part, one in pairs.splits.items()]
        folders = "    splits:\n" + "".join(f"      {p}: {{images: {i}, masks: {m}}}\n" for p, i, m in parts)
    suffixes = "".join(
        f"    {field}: {quoted(suffix)}\n"
        for field, suffix in (("image_suffix", pairs.image_suffix), ("mask_suffix", pairs.mask_suffix))
        if suffix
    )
    say = quoted if looks.coloured else str
    classes = "".join(f"      {one}: {say(looks.word(value))}\n" for one, value in _named(looks).items())
    ignore = f"    ignore: {looks.ignored}            # none of the classes\n" if looks.ignored else ""
    head = HEAD.format(name=name, kind="folder", path=json.dumps(source))
    head = head.replace("data:\n", "data:\n  task: segmentation\n")
    reader = _READER.format(folders=folders, size=size, suffixes=suffixes, classes=classes, ignore=ignore)
    tail = TAIL.format(candidates="[fp32, static_int8]").replace("accuracy: 0.5", "mean_iou: 0.3")
    tail = tail.replace("accuracy", "mean_iou").replace("temperature: 4", "temperature: 2")
    return head + reader + (OFFICIAL if pairs.splits else SPLIT) + _MODELS + tail


def _row(looks: MaskLooks, value: int) -> tuple[str, ...]:
    names = {found: name for name, found in _named(looks).items()}
    share = looks.pixels[value] / sum(looks.pixels.values())
    part = f"{share:.1%}" if share >= LITTLE else f"< {LITTLE:.1%}"
    return looks.word(value), names.get(value, "none of the classes"), part, f"{looks.masks[value]:,}"


def _notes(pairs: PairedFolders, looks: MaskLooks) -> Iterator[str]:
    yield f"Pairs: {len(pairs.masks):,} pictures with their masks; looked at the pixels of {looks.read:,} masks."
    yield from pairs.problems
    if looks.two_levels:
        yield "Masks of 0 and 255: read as background and foreground. If 255 means `unknown`, say `ignore: [255]`."
    if looks.ignored:
        yield "255 is taken for `none of the classes`, as is usual; take it out of `ignore` if it is one."
    if not looks.two_levels:
        yield "Classes are called `class0`, `class1`, ... in the order of their values: give them names in the recipe."
    drawn = "drawn by content, 20 % to choose and 20 % to judge"
    yield f"Split: {'as published in the folders' if pairs.splits else drawn}."
