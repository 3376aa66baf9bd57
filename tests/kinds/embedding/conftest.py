"""Characters as if written by hand, drawn, packed and prepared as a run does it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tasks.data.fetch import fetch
from tasks.data.prepared.prepare import prepare
from tasks.kinds.recipes import load_recipe
from tasks.training.network import PreparedData

SEPARABLE = {"kind": "separable", "widths": [8, 12, 16], "blocks": [1, 1]}
NETWORKS: dict[str, Any] = {
    "teacher": {"architecture": {**SEPARABLE, "widths": [12, 16, 24]}, "training": {"epochs": 1}},
    "student": {"architecture": SEPARABLE, "training": {"epochs": 1}},
    "distill": {"objectives": [{"kind": "cosine"}]},
}
GLYPHS = {"kind": "glyphs", "identities": 30, "samples": 4, "side": 16, "seed": 1}
READER: dict[str, Any] = {"kind": "image_folder", "size": [16, 16], "channels": 1}
APART = {"kind": "grouped", "by": "label", "validation": 0.25, "test": 0.25, "seed": 0}
Prepare = Callable[..., PreparedData]


def prepared(root: Path, **data: Any) -> PreparedData:
    """Prepares data by a recipe in a folder of its own."""
    (root / "params").mkdir(parents=True, exist_ok=True)
    section = {"task": "embedding", "source": GLYPHS, "reader": READER, "split": APART, **data}
    path = root / "params" / "marks.yaml"
    path.write_text(json.dumps({"name": "marks", "data": section, **NETWORKS}))
    recipe = load_recipe(path)
    fetch(recipe, root)
    prepare(recipe, root)
    return PreparedData.open_folder(root / "data" / "marks" / "prepared")


@pytest.fixture(scope="session")
def glyphs(tmp_path_factory: pytest.TempPathFactory) -> PreparedData:
    """Four pictures of each of thirty characters, with embeddings of 16 numbers."""
    return prepared(tmp_path_factory.mktemp("glyphs"), embedding={"width": 16})
