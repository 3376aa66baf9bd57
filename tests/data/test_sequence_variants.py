"""Tables of sequences drawn at random: each ends in a correct dataset or in one clear message, and no row disappears.

A variant differs in form, separator, decimal mark, encoding, order of columns and further columns, and in up to two
faults. What is expected is computed from what was drawn, not from what was read.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from params.pipeline import Recipe
from tasks.contracts.records import DatasetCard
from tasks.core.errors import DataError
from tasks.runtime.bundle.manifest import TensorInfo
from tasks.runtime.errors import WrongInputError
from tasks.runtime.preprocess.arrays import read_samples
from tests.data.sequence_files import LONG, OFFICIAL, WIDE, Made, everything, made, on_device

MakeRecipe = Callable[..., Recipe]
Prepared = Callable[[Recipe], tuple[DatasetCard, Path]]
QUARANTINE = {"bad": "quarantine", "at_most": 0.5}
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "windows-1252")
FAULTS = ("gap", "text", "inf", "label", "nameless", "split", "unlabelled")


@dataclass
class Variant:
    """A table, how the recipe reads it, and the names of sequences that are bad."""

    form: str
    rows: list[list[str]]
    head: list[str]
    separator: str
    decimal: str
    encoding: str
    reader: dict[str, Any]
    made: Made
    bad: set[str] = field(default_factory=set)
    nameless: int = 0
    faults: set[str] = field(default_factory=set)

    @property
    def content(self) -> bytes:
        lines = [self.separator.join(row) for row in (self.head, *self.rows)]
        return ("\r\n" if self.encoding == "windows-1252" else "\n").join(lines).encode(self.encoding)


def variants(count: int) -> Iterator[Any]:
    for seed in range(count):
        yield pytest.param(seed, id=str(seed), marks=[pytest.mark.slow] if seed >= 30 else [])


def drawn(seed: int) -> Variant:
    """Returns the variant of a seed."""
    random = np.random.default_rng(seed)
    form = ("long", "wide")[seed % 2]
    some = made(int(random.integers(16, 30)), int(random.integers(1, 4)), seed, int(random.integers(2, 8)))
    separator, decimal = [(",", "."), (";", "."), (";", ","), ("\t", ","), ("|", ".")][int(random.integers(5))]
    named = LONG if form == "long" else WIDE
    reader = {**named, "separator": separator, "decimal": decimal, "ignore": ["note"]}
    if split := bool(random.integers(2)):
        reader["split"] = "part"
    if form == "long" and random.integers(2):
        del reader["order"]
        reader["ignore"] = ["note", "t"]
    features = next(iter(some.frames.values())).shape[1]
    if form == "wide":
        reader["shape"] = [max(map(len, some.frames.values())), features]
    head, rows = _table(form, some, decimal, split)
    encoding = str(random.choice(ENCODINGS))
    reader["encoding"] = "utf-8" if encoding == "utf-8-sig" else encoding
    variant = Variant(form, rows, head, separator, decimal, encoding, reader, some)
    for _ in range(int(random.integers(3))):
        _spoil(variant, random)
    variant.bad |= _beside_nameless([row[0] for row in variant.rows]) if form == "long" else set()
    order = random.permutation(len(head)) if form == "long" else np.arange(len(head))
    variant.head, *variant.rows = ([row[at] for at in order] for row in (head, *variant.rows))
    if form == "long":  # features are in the order of their columns
        places = [int(name[1:]) for name in variant.head if name[0] == "x"]
        some.frames = {name: frames[:, places] for name, frames in some.frames.items()}
    return variant


def _table(form: str, some: Made, decimal: str, split: bool) -> tuple[list[str], list[list[str]]]:
    features, longest = next(iter(some.frames.values())).shape[1], max(map(len, some.frames.values()))
    flat_names = [f"{t}.{n}" for t in range(longest) for n in range(features)]
    times = [f"x{n}" for n in range(features)] if form == "long" else flat_names
    head = ["walk", *(["t"] if form == "long" else []), *times, "label", "note", *(["part"] if split else [])]
    rows = []
    for name, frames in some.frames.items():
        end = [some.labels[name], "schön", *([some.parts[name]] if split else [])]
        cells = [[repr(float(x)).replace(".", decimal) for x in frame] for frame in frames]
        if form == "long":
            rows += [[name, str(t), *frame, *end] for t, frame in enumerate(cells)]
        else:
            flat = [cell for frame in cells for cell in frame]
            rows.append([name, *flat, *[""] * (len(times) - len(flat)), *end])
    return head, rows


def _spoil(variant: Variant, random: np.random.Generator) -> None:
    """Puts a fault into a row, and notes which sequence is bad for it."""
    row = variant.rows[int(random.integers(len(variant.rows)))]
    fault, name, head = str(random.choice(FAULTS)), row[0], variant.head
    cell = head.index("x0" if variant.form == "long" else "0.0")
    if not name or (fault == "split" and "part" not in head):
        return
    alone = variant.form == "wide" or len(variant.made.frames[name]) == 1
    if fault in ("gap", "text", "inf"):
        row[cell] = {"gap": "", "text": "many", "inf": "inf"}[fault]
    elif fault == "label" and not alone:
        row[head.index("label")] = "up" if row[head.index("label")] == "down" else "down"
    elif fault == "unlabelled":
        row[head.index("label")] = ""
    elif fault == "split":
        row[head.index("part")] = "elsewhere"
    elif fault == "nameless":
        row[0] = ""
        variant.nameless += 1
    else:
        return
    variant.faults.add(fault)
    variant.bad.add(name)


def _beside_nameless(names: list[str]) -> set[str]:
    """Returns the sequences beside a row without a name: it may have been theirs."""
    pairs = {*pairwise(names)}
    return {name for pair in pairs if "" in pair for name in pair} - {""}


@pytest.mark.parametrize("seed", variants(230))
def test_a_table_ends_in_a_correct_dataset_or_one_message(
    seed: int, tmp_path: Path, make_recipe: MakeRecipe, prepared: Prepared
) -> None:
    variant = drawn(seed)
    (tmp_path / "walks.csv").write_bytes(variant.content)
    source = {"kind": "file", "path": str(tmp_path / "walks.csv")}
    split = {"split": OFFICIAL} if "split" in variant.reader else {}
    clean = not variant.bad and not variant.nameless
    if not clean:
        with pytest.raises(DataError, match="expected only samples that can be used"):
            prepared(make_recipe(source, variant.reader, **split))
    card, folder = prepared(make_recipe(source, variant.reader, name="left", arrivals=QUARANTINE, **split))
    good = {name: frames for name, frames in variant.made.frames.items() if name not in variant.bad}
    found = everything(folder)
    assert sorted(found) == sorted(good)
    assert all(found[name].tobytes() == frames.astype(np.float32).tobytes() for name, frames in good.items())
    counted = sum(card.quarantine.reasons.values()) if card.quarantine else 0
    assert sum(split.samples for split in card.splits.values()) + counted == _samples(variant)
    _compare_with_device(card, variant, good)


def _samples(variant: Variant) -> int:
    """Returns how many samples there are: sequences, and rows without a name."""
    names = {row[variant.head.index("walk")] for row in variant.rows} - {""}
    return len(names) + variant.nameless


def _compare_with_device(card: DatasetCard, variant: Variant, good: dict[str, Any]) -> None:
    takes = TensorInfo("inputs", "float32", (None, None, next(iter(good.values())).shape[1]))
    if variant.faults & {"gap", "text", "inf"} or (variant.form == "long" and variant.nameless):
        with pytest.raises(WrongInputError, match="expected"):
            read_samples(variant.content, takes, on_device(card))
        return
    given = read_samples(variant.content, takes, on_device(card)).arrays
    sequences = {values[:n].tobytes() for values, n in zip(given["inputs"], given["lengths"], strict=True)}
    assert sequences >= {frames.astype(np.float32).tobytes() for frames in good.values()}
