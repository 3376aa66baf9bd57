"""Pictures with masks, drawn, packed and prepared as a run does it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tasks.data.fetch import fetch
from tasks.data.prepared.prepare import prepare
from tasks.kinds.recipes import load_recipe
from tasks.training.network import PreparedData

SEPARABLE = {"kind": "separable", "widths": [8, 12, 16], "blocks": [1, 2]}
NETWORKS: dict[str, Any] = {
    "teacher": {"architecture": {**SEPARABLE, "widths": [12, 16, 24]}, "training": {"epochs": 1}},
    "student": {"architecture": SEPARABLE, "training": {"epochs": 1}},
}
SHAPES = {"kind": "shapes", "pictures": 40, "side": 32, "seed": 1}
READER: dict[str, Any] = {
    "kind": "image_masks",
    "images": "images",
    "masks": "masks",
    "size": [32, 32],
    "classes": {"background": 0, "disc": 1, "square": 2, "triangle": 3},
    "ignore": [255],
}
DRAWN = {"kind": "stratified", "validation": 0.2, "test": 0.2, "seed": 0}
Prepare = Callable[..., PreparedData]


def prepared(
    root: Path, source: dict[str, Any], reader: dict[str, Any], networks: dict[str, Any] = NETWORKS, **data: Any
) -> PreparedData:
    """Prepares data by a recipe in a folder of its own."""
    (root / "params").mkdir(parents=True, exist_ok=True)
    section = {"task": "segmentation", "source": source, "reader": reader, "split": DRAWN, **data}
    path = root / "params" / "masks.yaml"
    path.write_text(json.dumps({"name": "masks", "data": section, **networks}))
    recipe = load_recipe(path)
    fetch(recipe, root)
    prepare(recipe, root)
    return PreparedData.open_folder(root / "data" / "masks" / "prepared")


@pytest.fixture(scope="session")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> PreparedData:
    """Forty synthetic pictures."""
    return prepared(tmp_path_factory.mktemp("shapes"), SHAPES, READER)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve pictures of noise with masks of the classes 0, 1 and 2 in stripes."""
    draws = np.random.default_rng(3)
    for number in range(12):
        save(tmp_path / "own/images" / f"{number}.png", draws.integers(0, 256, (20, 30, 3), dtype=np.uint8))
        save(tmp_path / "own/masks" / f"{number}.png", stripes(number))
    return tmp_path / "own"


def stripes(number: int = 0) -> NDArray[np.uint8]:
    """Returns a mask (20, 30)."""
    return np.broadcast_to((np.arange(30) + number) // 10 % 3, (20, 30)).astype(np.uint8)


def save(path: Path, pixels: NDArray[Any], mode: str | None = None) -> None:
    """Writes a picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels, mode).save(path)
