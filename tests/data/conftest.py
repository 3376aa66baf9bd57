import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from params.pipeline import Recipe
from tasks.contracts.records import DatasetCard
from tasks.data.fetch import fetch
from tasks.data.prepared.prepare import prepare
from tasks.data.versions.watched import watched
from tasks.kinds.recipes import load_recipe

ROOT = Path(__file__).parents[2]
MODELS: dict[str, Any] = {
    "teacher": {"architecture": {"kind": "mlp", "hidden": [8]}, "training": {"epochs": 1}},
    "student": {"architecture": {"kind": "mlp", "hidden": [4]}, "training": {"epochs": 1}},
}
STRATIFIED = {"kind": "stratified", "validation": 0.2, "test": 0.2, "seed": 0}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone of this repository without its recipes."""
    root = tmp_path / "project"
    (root / "params").mkdir(parents=True)
    (root / ".dvc").mkdir()
    for name in (".dvc/config", ".dvc/.gitignore", ".dvcignore", ".gitignore"):
        shutil.copyfile(ROOT / name, root / name)
    pipeline = yaml.safe_load((ROOT / "dvc.yaml").read_text())
    (root / "dvc.yaml").write_text(yaml.safe_dump({**pipeline, "vars": [{"recipes": {}}]}))
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    monkeypatch.chdir(root)
    monkeypatch.delenv("STILLHOUSE_HOME", raising=False)
    return root


MakeRecipe = Callable[..., Recipe]


@pytest.fixture
def make_recipe(project: Path) -> MakeRecipe:
    """Writes `params/NAME.yaml` and its entry in `dvc.yaml`; `models` are sections in place of the usual ones."""

    def make(
        source: dict[str, Any],
        reader: dict[str, Any],
        name: str = "mine",
        models: Mapping[str, Any] = MODELS,
        **data: Any,
    ) -> Recipe:
        section = {"source": source, "reader": reader, "split": STRATIFIED, **data}
        path = project / "params" / f"{name}.yaml"
        path.write_text(yaml.safe_dump({"name": name, "data": section, **MODELS, **models}))
        pipeline = yaml.safe_load((project / "dvc.yaml").read_text())
        recipe = load_recipe(path)
        pipeline["vars"][0]["recipes"][name] = watched(name, recipe.data)
        (project / "dvc.yaml").write_text(yaml.safe_dump(pipeline))
        return recipe

    return make


@pytest.fixture
def prepared(project: Path) -> Callable[[Recipe], tuple[DatasetCard, Path]]:
    """Runs both stages without DVC."""

    def run(recipe: Recipe) -> tuple[DatasetCard, Path]:
        fetch(recipe, project)
        prepare(recipe, project)
        folder = project / "data" / recipe.name / "prepared"
        return DatasetCard.model_validate_json((folder / "dataset.json").read_text()), folder

    return run


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Two classes of ten different colour images each, 12 x 12."""
    folder = tmp_path / "photos"
    random = np.random.default_rng(0)
    for label in ("cat", "dog"):
        (folder / label).mkdir(parents=True)
        for number in range(10):
            pixels = random.integers(0, 256, (12, 12, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / label / f"{number}.png")
    return folder


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Thirty rows, numbers and a category, three classes."""
    path = tmp_path / "rows.csv"
    rows = [f"{n},{n * 0.5 + 0.1},{'ab'[n % 2]},{n % 3}" for n in range(30)]
    path.write_text("\n".join(["width,height,colour,label", *rows]) + "\n")
    return path


IMAGES = {"kind": "image_folder", "size": [8, 8], "channels": 3}


@pytest.fixture
def image_recipe(make_recipe: MakeRecipe, images: Path) -> Recipe:
    return make_recipe({"kind": "folder", "path": str(images)}, IMAGES)


@pytest.fixture
def table_recipe(make_recipe: MakeRecipe, table: Path) -> Recipe:
    reader = {"kind": "table", "label": "label", "categorical": ["colour"]}
    return make_recipe({"kind": "file", "path": str(table)}, reader)
