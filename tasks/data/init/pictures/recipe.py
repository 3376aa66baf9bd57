"""A first recipe for pictures by class: what its reader needs is looked up in their names, headers and pixels."""

import json
from collections.abc import Iterator
from pathlib import Path

from tasks.core.errors import DataError, mismatch, printable
from tasks.data.init.pictures.guess import (
    SHOWN,
    PictureGuess,
    counted_in_words,
    guess_of,
    listed_in_words,
    notes_of_looks,
    sizes_in_words,
)
from tasks.data.init.pictures.looks import DECODED, Looks, looks_of
from tasks.data.init.pictures.tree import WHOLE, PictureTree, picture_tree
from tasks.data.init.templates import HEAD, OFFICIAL, SPLIT, TAIL, quoted
from tasks.data.init.understanding import Understanding
from tasks.data.prepared.near_equal import near_equal
from tasks.data.readers.picture import NO_PICTURE
from tasks.data.sources.own import require_given
from tasks.data.sources.walk import FOLDER

SIDES = (8, 16, 32, 64)
"""pixels; more is slow to train on a laptop"""
HEADINGS = ("class", "images", "pixels", "modes", "becomes")
_IMAGES = """\
  reader:
    kind: image_folder
    size: [{side}, {side}]             # height, width in pixels; larger sees more and costs more
    channels: {channels}                # 1 grey, 3 colour, 4 colour and alpha
"""
_IMAGE_MODELS = """
teacher:
  architecture: {{kind: resnet, widths: [32, 64, 128], blocks: 1}}
  training: {{epochs: 30, batch_size: 64, learning_rate: 0.003}}

student:
  architecture: {{kind: cnn, channels: {student}}}
  training: {{epochs: 60, batch_size: 64, learning_rate: 0.01}}
"""


def understand(name: str, source: str, folder: Path) -> Understanding:
    """Returns a recipe for a folder with one folder of pictures per class; `source` is how the recipe names it.

    Raises:
        DataError: no such folder, no class folders, too few images of a class, fewer than two classes, or files that
            are no images; all of them at once.
    """
    require_given(folder, "--images", "a folder with one folder per class", FOLDER)
    tree = picture_tree(folder)
    _check(tree)
    by_label = looks_of(folder, {label: tree.of_label(label) for label in tree.labels})
    whole = Looks()
    for looks in by_label.values():
        whole = whole.with_others(looks)
    guess = guess_of(whole, SIDES)
    rows = tuple(_row(tree, label, looks, guess) for label, looks in by_label.items())
    return Understanding(_recipe(name, source, tree, guess), HEADINGS, rows, tuple(_notes(tree, whole, guess)))


def _check(tree: PictureTree) -> None:
    """Refuses what cannot be learned from: by names alone, before a picture is opened."""
    where = printable(str(tree.folder))
    if len(tree.pictures) < 2:
        raise DataError(mismatch(where, "", "at least two class folders, each with images", *_too_few_labels(tree)))
    problems = [*_shortages(tree)]
    if tree.astray:
        got = f"{len(tree.astray)} beside them: {listed_in_words(tree.astray)}"
        problems.append(mismatch(where, "", "images inside class folders", got, "move or remove them"))
    if problems:
        more = len(problems) - 2 * SHOWN
        raise DataError("\n".join([*problems[: 2 * SHOWN], *([f"and {more} more like these"] if more > 0 else [])]))


def _shortages(tree: PictureTree) -> Iterator[str]:
    """Yields the class folders with too few images for their part."""
    least = _least(tree)
    for label, by_part in tree.pictures.items():
        for part, need in least.items():
            if (have := len(by_part.get(part, ()))) < need:
                path = tree.folder / tree.splits.get(part, "") / label
                do = "put images there, or remove the folder" + (" in all parts" if tree.splits else "")
                others = tree.no_pictures[label]
                got = f"{have or 'none'}" + (f", and {others} files that are {NO_PICTURE}" if others else "")
                yield mismatch(printable(str(path)), "", f"at least {need} images", got, do)


def _least(tree: PictureTree) -> dict[str, int]:
    """Returns part -> images that each class needs there; what is drawn from one part must leave some of it."""
    if not tree.splits:
        return {WHOLE: 3}
    return {part: 2 if part == "train" and "validation" not in tree.splits else 1 for part in tree.splits}


def _too_few_labels(tree: PictureTree) -> tuple[str, str]:
    """Returns what was got and what to do where there are no two class folders."""
    got = f"{len(tree.pictures)} class folders"
    got += f" and {len(tree.astray)} images beside them" if tree.astray else ""
    got += f"; left out: {counted_in_words(tree.left_out)}" if tree.left_out else ""
    if inside := tree.of_folders:
        return got, f"are the class folders in `{inside[0]}`? Then give `--images {tree.folder / inside[0]}`"
    return got, "put each class's images into a folder of its own"


def _recipe(name: str, source: str, tree: PictureTree, guess: PictureGuess) -> str:
    """Returns a recipe for a folder of images."""
    reader = _IMAGES.format(side=guess.side, channels=guess.channels) + guess.levels_line
    if tree.splits:
        folders = ", ".join(f"{part}: {quoted(folder)}" for part, folder in tree.splits.items())
        reader += f"    splits: {{{folders}}}   # folders of the published split\n"
    # Each entry halves the picture; it should not end below 2 pixels.
    student = [8, 16, 32, 32][: max(2, guess.side.bit_length() - 3)]
    return (
        HEAD.format(name=name, kind="folder", path=json.dumps(source))
        + reader
        + (OFFICIAL if tree.splits else SPLIT)
        + _IMAGE_MODELS.format(student=student)
        + TAIL.format(candidates="[fp32, static_int8]")
    )


def _row(tree: PictureTree, label: str, looks: Looks, guess: PictureGuess) -> tuple[str, ...]:
    by_part = tree.pictures[label]
    counts = [f"{part} {len(by_part[part]):,}" for part in tree.splits] or [f"{len(tree.of_label(label)):,}"]
    modes = ", ".join(mode for mode, _ in looks.modes.most_common())
    return label, ", ".join(counts), sizes_in_words(looks), modes, guess.in_words


def _notes(tree: PictureTree, looks: Looks, guess: PictureGuess) -> Iterator[str]:
    yield from _notes_of_split(tree)
    if tree.left_out:
        total = sum(tree.left_out.values())
        yield f"Left out: {total:,} files: {counted_in_words(tree.left_out)}."
    for labels in near_equal(tree.pictures):
        names = " and ".join(f"`{label}`" for label in labels)
        yield f"Nearly equal: {names} are different classes here; if they are one, give their folders one name."
    yield from notes_of_looks(looks, guess)
    total = sum(len(tree.of_label(label)) for label in tree.labels)
    if len(looks.sizes) < total or total > DECODED:
        headers, pixels = f"the headers of {len(looks.sizes):,}", f"the pixels of at most {DECODED:,}"
        yield f"Looked at: {headers} and {pixels} of {total:,} images."


def _notes_of_split(tree: PictureTree) -> Iterator[str]:
    if not tree.splits:
        yield "Split: drawn by content, 20 % to choose and 20 % to judge; a picture stays where it is while data grows."
        return
    folders = ", ".join(f"`{folder}` as {part}" for part, folder in tree.splits.items())
    cut = "" if "validation" in tree.splits else "; validation is cut from train"
    yield f"Split: as published, {folders}{cut}."
    if tree.splits["test"].casefold().startswith("val"):
        yield f"No test folder with classes: `{tree.splits['test']}` judges, once, so it cannot choose as well."
    for folder in tree.unused:
        yield f"`{folder}` holds no class folders: nothing in it is used."
