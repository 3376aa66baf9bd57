"""Sequences as strangers have them, written in each form."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tasks.contracts.records import DatasetCard
from tasks.runtime.bundle.fields import Fields
from tasks.runtime.bundle.manifest import TensorInfo
from tasks.runtime.preprocess import long_table, sequence_arrays, wide_table
from tasks.runtime.preprocess.preprocessor import Preprocessor
from tasks.training.arrays import open_split

Frames = NDArray[np.float64]


@dataclass
class Made:
    """Sequences by name, with a label and a part of a split each."""

    frames: dict[str, Frames]
    labels: dict[str, str]
    parts: dict[str, str] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        return [*self.frames]


def made(count: int = 18, features: int = 2, seed: int = 0, longest: int = 5) -> Made:
    """Two classes in turn, of unequal lengths; every third sequence is for testing."""
    random = np.random.default_rng(seed)
    names = [f"walk-{n:02d}" for n in range(count)]
    frames = {name: random.normal(size=(int(random.integers(2, longest + 1)), features)) for name in names}
    labels = {name: ("up", "down")[n % 2] for n, name in enumerate(names)}
    return Made(frames, labels, {name: "test" if n % 6 in (4, 5) else "train" for n, name in enumerate(names)})


def long_lines(some: Made, split: bool = False, separator: str = ",") -> list[str]:
    features = next(iter(some.frames.values())).shape[1]
    head = ["walk", "t", *(f"x{n}" for n in range(features)), "label", *(["part"] if split else [])]
    lines = [separator.join(head)]
    for name, frames in some.frames.items():
        for t, row in enumerate(frames):
            more = [some.parts[name]] if split else []
            lines.append(separator.join([name, str(t), *(repr(float(x)) for x in row), some.labels[name], *more]))
    return lines


def wide_lines(some: Made, split: bool = False, separator: str = ",") -> list[str]:
    longest = max(map(len, some.frames.values()))
    features = next(iter(some.frames.values())).shape[1]
    columns = [f"t{t}" if features == 1 else f"t{t}.x{n}" for t in range(longest) for n in range(features)]
    lines = [separator.join(["walk", *columns, "label", *(["part"] if split else [])])]
    for name, frames in some.frames.items():
        cells = [repr(float(x)) for x in frames.reshape(-1)] + [""] * ((longest - len(frames)) * features)
        more = [some.parts[name]] if split else []
        lines.append(separator.join([name, *cells, some.labels[name], *more]))
    return lines


def arrays(some: Made) -> dict[str, NDArray[Any]]:
    """`X` (n, longest, features) with a number behind the end that must not count, `y` and `n`."""
    longest = max(map(len, some.frames.values()))
    features = next(iter(some.frames.values())).shape[1]
    values = np.full((len(some.frames), longest, features), 777.0)
    for row, frames in zip(values, some.frames.values(), strict=True):
        row[: len(frames)] = frames
    lengths = np.array([len(frames) for frames in some.frames.values()])
    return {"X": values, "y": np.array([*some.labels.values()]), "n": lengths}


def write(path: Path, lines: list[str]) -> dict[str, Any]:
    """Writes lines, and returns the source of a recipe that reads them."""
    path.write_text("\n".join(lines) + "\n")
    return {"kind": "file", "path": str(path)}


LONG: dict[str, Any] = {"kind": "long_table", "sequence": "walk", "order": "t", "label": "label"}
WIDE: dict[str, Any] = {"kind": "wide_table", "id": "walk", "label": "label"}
ARRAYS: dict[str, Any] = {"kind": "sequence_arrays", "arrays": {"inputs": "X", "labels": "y", "lengths": "n"}}
OFFICIAL = {"kind": "official", "validation": 0.3, "seed": 0}
LOADERS: dict[str, Any] = {
    "long_table": long_table.load,
    "wide_table": wide_table.load,
    "sequence_arrays": sequence_arrays.load,
}
TAKES = TensorInfo("inputs", "float32", (None, None, 2))


def on_device(card: DatasetCard) -> Preprocessor:
    """Returns what a device makes of the facts that the bundle has."""
    facts = dict(card.preprocessing)
    fields = Fields({name: value for name, value in facts.items() if name != "kind"}, "preprocessing")
    preprocessor: Preprocessor = LOADERS[str(facts["kind"])](fields)
    fields.finish()
    return preprocessor


def stored(folder: Path, split: str) -> dict[str, NDArray[Any]]:
    """Returns id -> frames without padding."""
    some = open_split(folder, split)
    inputs = some.gather(np.arange(len(some))).inputs
    ids = pq.read_table(folder / f"{split}.parquet").column("id").to_pylist()
    return {name: values[:n] for name, values, n in zip(ids, inputs["inputs"], inputs["lengths"], strict=True)}


def everything(folder: Path) -> dict[str, NDArray[Any]]:
    return stored(folder, "train") | stored(folder, "validation") | stored(folder, "test")


def npz(path: Path, **some: Any) -> dict[str, Any]:
    np.savez(path, **some)
    return {"kind": "file", "path": str(path)}
