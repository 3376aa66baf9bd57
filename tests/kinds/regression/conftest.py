"""A table of numbers, and pictures whose names tell numbers, prepared as a run does it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tasks.contracts.targets import TargetCard
from tasks.data.fetch import fetch
from tasks.data.prepared.prepare import prepare
from tasks.kinds.recipes import load_recipe
from tasks.training.network import PreparedData

NETWORKS: dict[str, Any] = {
    "teacher": {"architecture": {"kind": "mlp", "hidden": [16]}, "training": {"epochs": 1}},
    "student": {"architecture": {"kind": "mlp", "hidden": [8]}, "training": {"epochs": 1}},
}
DRAWN = {"kind": "stratified", "validation": 0.2, "test": 0.2, "seed": 0}
CARD = TargetCard(facts={"low": 10.0, "high": 30.0, "bins": 5, "tolerance": 2.0, "interval": 0.9})
"""values 10, 15, 20, 25 and 30"""


def prepared(root: Path, reader: dict[str, Any], **data: Any) -> PreparedData:
    """Prepares data by a recipe in a folder of its own."""
    (root / "params").mkdir(parents=True, exist_ok=True)
    section = {"task": "regression", "reader": reader, "split": DRAWN, **data}
    path = root / "params" / "heat.yaml"
    path.write_text(json.dumps({"name": "heat", "data": section, **NETWORKS}))
    recipe = load_recipe(path)
    fetch(recipe, root)
    prepare(recipe, root)
    return PreparedData.open_folder(root / "data" / "heat" / "prepared")


def write_table(path: Path, rows: int = 60, **changed: str) -> Path:
    """Writes a table whose `heat` is three times its `wind`; `changed` says what stands in the rows of a number."""
    winds = np.random.default_rng(0).uniform(0, 10, rows)
    lines = [f"{wind:.4f};{changed.get(f'row_{n}', f'{3 * wind:.3f}')}" for n, wind in enumerate(winds, start=1)]
    path.write_text("\n".join(["wind;heat", *lines]).replace(".", ",") + "\n")
    return path


TABLE: dict[str, Any] = {"kind": "table", "label": "heat", "separator": ";", "decimal": ","}


@pytest.fixture(scope="session")
def heat(tmp_path_factory: pytest.TempPathFactory) -> PreparedData:
    """Sixty rows with decimal commas."""
    root = tmp_path_factory.mktemp("heat")
    source = {"kind": "file", "path": str(write_table(root / "heat.csv"))}
    return prepared(root, TABLE, source=source, regression={"low": 0, "high": 30, "bins": 16})


def write_pictures(folder: Path, names: list[str]) -> Path:
    """Writes a picture of noise under each name."""
    draws = np.random.default_rng(0)
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draws.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(folder / name)
    return folder
