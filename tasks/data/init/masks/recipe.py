"""A first recipe for a folder of pictures and one of masks: pairs by name, what the values are, and a size."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from statistics import median

from PIL import Image

from params.readers import MaskFolders
from tasks.core.errors import DataError, mismatch, printable
from tasks.data.init.masks.looks import MaskLooks, looks_of
from tasks.data.init.templates import HEAD, OFFICIAL, SPLIT, TAIL, quoted
from tasks.data.init.understanding import Understanding
from tasks.data.readers.picture import is_picture
from tasks.data.sources.own import own_files, require_given
from tasks.data.sources.walk import FOLDER

LONGEST = 320
"""pixels of the longer side that a laptop trains on"""
STEP = 8
SUFFIXES = ("", "_mask", "_masks", "_label", "_labels", "_gt", "_seg", "_segmentation", "-mask", "_gtFine_labelIds")
OF_PICTURES = ("", "_leftImg8bit", "_image", "_img", "_rgb")
PARTS = {"train": ("train", "training"), "validation": ("val", "valid", "validation"), "test": ("test", "testing")}
HEADINGS = ("value", "becomes", "pixels", "masks")
LEAST = 3
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


@dataclass(frozen=True)
class _Pairs:
    """Names below the source, and how pictures and masks differ in theirs."""

    masks: list[Path]
    pictures: list[Path]
    alone: int
    image_suffix: str
    mask_suffix: str
    splits: Mapping[str, MaskFolders]


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
    require_given(masks, "--masks", "a folder with a mask for each picture", FOLDER)
    pairs = _paired(images, masks, root)
    looks = looks_of(pairs.masks)
    rows = tuple(_row(looks, value) for value in looks.values)
    size = _size(pairs.pictures)
    text = _recipe(name, source, _below(images, root), _below(masks, root), pairs, looks, size)
    return Understanding(text, HEADINGS, rows, tuple(_notes(pairs, looks)))


def common_folder(images: Path, masks: Path) -> Path:
    """Returns the folder that both are in."""
    return Path(os.path.commonpath([images.expanduser().absolute(), masks.expanduser().absolute()]))


def _below(folder: Path, root: Path) -> str:
    found = folder.expanduser().absolute().relative_to(root.absolute()).as_posix()
    return "" if found == "." else found


def _paired(images: Path, masks: Path, root: Path) -> _Pairs:
    """Returns the pairs by those suffixes that find most of them."""
    ours, theirs = (_stems(folder) for folder in (images, masks))
    same = images.absolute() == masks.absolute()
    ways = [(a, b) for a in OF_PICTURES for b in SUFFIXES if not (same and a == b)]
    keys = {way: _keys(ours, way[0]).keys() & _keys(theirs, way[1]).keys() for way in ways}
    way = max(ways, key=lambda one: len(keys[one]))
    if len(keys[way]) < LEAST:
        got = f"{len(keys[way])} of {len(ours)} pictures and {len(theirs)} masks"
        do = "give masks the names of their pictures, perhaps with a suffix such as `_mask`"
        raise DataError(mismatch(printable(str(masks)), "", f"at least {LEAST} pairs of one name", got, do))
    pictures, found = _keys(ours, way[0]), _keys(theirs, way[1])
    chosen = sorted(keys[way])
    splits = {} if same else _splits(chosen, _below(images, root), _below(masks, root))
    alone = len(pictures.keys() - found.keys() - {f"{key}{way[1]}" for key in chosen if same})
    return _Pairs([found[k] for k in chosen], [pictures[k] for k in chosen], alone, *way, splits)


def _stems(folder: Path) -> dict[str, Path]:
    files = ((name, path) for name, path in own_files(folder) if is_picture(name) and not path.is_dir())
    return {str(PurePosixPath(name).with_suffix("")): path for name, path in files}


def _keys(stems: Mapping[str, Path], suffix: str) -> dict[str, Path]:
    return {stem.removesuffix(suffix): path for stem, path in stems.items() if stem.endswith(suffix)}


def _splits(keys: list[str], images: str, masks: str) -> dict[str, MaskFolders]:
    """Returns the folders of a published split, where pictures and masks lie in such folders."""
    tops = {key.split("/")[0] for key in keys if "/" in key}
    found = {part: next((top for top in sorted(tops) if top.casefold() in names), "") for part, names in PARTS.items()}
    if not found["train"] or not found["test"] or tops - {*found.values()}:
        return {}
    join = {part: (PurePosixPath(images, top), PurePosixPath(masks, top)) for part, top in found.items() if top}
    return {part: MaskFolders(images=str(ours), masks=str(theirs)) for part, (ours, theirs) in join.items()}


def _size(pictures: list[Path]) -> list[int]:
    """Returns a height and width for all, like those of most, at most `LONGEST` and whole steps of `STEP`."""
    sizes = []
    for path in pictures[:: max(1, len(pictures) // 100)]:
        with Image.open(path) as image:
            sizes.append((image.height, image.width))
    middle = [median(side) for side in zip(*sizes, strict=True)]
    scale = min(1.0, LONGEST / max(middle))
    return [max(STEP, round(side * scale / STEP) * STEP) for side in middle]


def _named(looks: MaskLooks) -> dict[str, int]:
    """Returns a name for each value that is a class."""
    classes = [value for value in looks.values if value not in looks.ignored]
    if looks.two_levels:
        return {"background": 0, "foreground": 255}
    return {f"class{place}": value for place, value in enumerate(classes)}


def _recipe(name: str, source: str, images: str, masks: str, pairs: _Pairs, looks: MaskLooks, size: list[int]) -> str:
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
    return looks.word(value), names.get(value, "none of the classes"), f"{share:.1%}", f"{looks.masks[value]:,}"


def _notes(pairs: _Pairs, looks: MaskLooks) -> Iterator[str]:
    yield f"Pairs: {len(pairs.masks):,} pictures with their masks; looked at the pixels of {looks.read:,} masks."
    if pairs.alone:
        yield f"{pairs.alone:,} pictures have no mask: the run stops at them, or leaves them out (`arrivals`)."
    if looks.two_levels:
        yield "Masks of 0 and 255: read as background and foreground. If 255 means `unknown`, say `ignore: [255]`."
    if looks.ignored:
        yield "255 is taken for `none of the classes`, as is usual; take it out of `ignore` if it is one."
    if not looks.two_levels:
        yield "Classes are called `class0`, `class1`, ... in the order of their values: give them names in the recipe."
    drawn = "drawn by content, 20 % to choose and 20 % to judge"
    yield f"Split: {'as published in the folders' if pairs.splits else drawn}."
