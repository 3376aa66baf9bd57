"""Targets of segmentation: a mask per picture, (height, width) uint8, each pixel the number of a class, or `IGNORED`.

A reader gives masks in that form already, resized as its pictures are, and says the names of the classes.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.contracts.targets import BadTargetError, Column, Strata, TargetCard, Targets
from tasks.core.errors import DataError, mismatch
from tasks.kinds.contract import Arrays, Declared, Geometry, Raw, Rows
from tasks.kinds.segmentation.geometry import moved
from tasks.kinds.segmentation.names import IGNORED, MASK, size_of

NOMINAL = TargetCard(names=tuple(map(str, range(10))), facts={"size": [64, 64]})
VOID = ("void", "unlabelled", "unlabeled", "ignore", "ignored", "unknown", "don't care")
"""names that say that a pixel is of no class"""
Gist = tuple[bytes, tuple[int, ...]]
"""a digest of the mask, and how many pixels each class has in it"""
DIGEST = 16


class SegmentationTargets:
    """The part of the kind."""

    def gist(self, raw: Raw, declared: Declared) -> Gist:
        """Returns what stands for a mask."""
        if MASK not in raw:
            raise BadTargetError("expected a mask, got none; take a reader of masks, such as `kind: image_masks`")
        mask, names = raw[MASK], declared[MASK]["names"]
        counts = np.bincount(mask.ravel(), minlength=IGNORED + 1)
        if counts[len(names) : IGNORED].any():
            strange = len(names) + int(np.flatnonzero(counts[len(names) : IGNORED])[0])
            raise BadTargetError(f"expected numbers of {len(names)} classes, got {strange} in {counts[strange]} pixels")
        digest = hashlib.sha256(repr(mask.shape).encode() + np.ascontiguousarray(mask).tobytes()).digest()[:DIGEST]
        return digest, tuple(counts[: len(names)].tolist())

    def table(self, gists: Sequence[Gist], declared: Declared) -> Mapping[str, Sequence[Any]]:
        """Returns nothing: a mask is no value to sort by."""
        return {}

    def card(self, gists: Sequence[Gist], declared: Declared) -> TargetCard:
        """Returns the classes, and what the recipe says of masks."""
        if MASK not in declared:
            do = "take a reader of masks, such as `kind: image_masks`"
            raise DataError(mismatch("recipe", "data.reader.kind", "one that gives masks", "one that does not", do))
        facts = {name: value for name, value in declared[MASK].items() if name != "names"}
        size = [*facts.get("size", ())]
        return TargetCard(names=tuple(declared[MASK].get("names", ())), facts={**facts, "size": size})

    def nominal(self) -> TargetCard:
        """Returns ten classes."""
        return NOMINAL

    def strata(self, gists: Sequence[Gist], card: TargetCard) -> Strata:
        """Returns one group of all: a picture has several classes."""
        return Strata(("",), np.zeros(len(gists), dtype=np.int64))

    def problems(self, trained: Sequence[Gist], card: TargetCard) -> Iterator[str]:
        """Yields classes that mean no class, and those without a pixel to learn from."""
        pixels = np.array([counts for _, counts in trained]).sum(axis=0)
        for name, count in zip(card.names, pixels, strict=True):
            if name.casefold() in VOID:
                do = "name its values in `data.reader.ignore`"
                yield mismatch(
                    "classes", "", "classes to be told apart", f"`{name}`, which says that there is none", do
                )
            if not count:
                do = "add pictures of it, or take it out"
                yield mismatch("classes", "", f"pixels of `{name}` among the pictures to train on", "none", do)

    def problems_of_splits(self, splits: Mapping[str, Sequence[Gist]], card: TargetCard) -> Iterator[str]:
        """Yields nothing."""
        return iter(())

    def columns(self, card: TargetCard) -> tuple[Column, ...]:
        """Returns the column of masks."""
        return (Column(name=MASK, dtype="uint8", shape=size_of(card)),)

    def encode(self, raw: Raw, declared: Declared, card: TargetCard) -> Arrays:
        """Returns the mask."""
        return {MASK: raw[MASK]}

    def summary(self, parts: Iterable[Targets], card: TargetCard) -> dict[str, Any]:
        """Returns of each class how many pixels it has and in how many pictures it is, and the pixels of none."""
        names = [*card.names, "none of them"]
        pixels, pictures = (np.zeros(len(names), dtype=np.int64) for _ in range(2))
        for part in parts:
            for counts in _counts(part):
                found = np.append(counts[: len(card.names)], counts[IGNORED])
                pixels, pictures = pixels + found, pictures + (found > 0)
        return {
            "pixels": dict(zip(names, pixels.tolist(), strict=True)),
            "pictures": dict(zip(names, pictures.tolist(), strict=True)),
        }

    def translated(self, targets: Targets, card: TargetCard, to: TargetCard) -> Targets:
        """Returns masks by the order of another card; pixels of a class that it does not know are of none."""
        table = np.full(IGNORED + 1, IGNORED, dtype=np.uint8)
        for number, name in enumerate(card.names):
            table[number] = to.names.index(name) if name in to.names else IGNORED
        return Targets({MASK: table[targets[MASK]]})

    def groups(self, targets: Targets) -> Rows:
        """Returns of each picture the class that has most of it."""
        return np.array([counts[:IGNORED].argmax() for counts in _counts(targets)], dtype=np.int64)

    def moved(self, targets: Targets, geometry: Geometry) -> Targets:
        """Returns the masks of pictures that were moved; what comes in from outside is of no class."""
        return Targets({MASK: moved(targets[MASK], geometry.matrix, IGNORED)})

    def merged(self, parts: Sequence[Targets]) -> Targets:
        """Returns masks in which each pixel has the value of the last part that has a class there."""
        masks = np.array(parts[0][MASK])
        for part in parts[1:]:
            np.copyto(masks, part[MASK], where=part[MASK] != IGNORED)
        return Targets({MASK: masks})


def _counts(targets: Targets) -> Iterator[NDArray[np.int64]]:
    """Yields for each mask how many pixels have each value, one mask in memory at a time."""
    for mask in targets[MASK]:
        yield np.bincount(np.asarray(mask).ravel(), minlength=IGNORED + 1)


PART = SegmentationTargets()
