from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from tasks.core.errors import InputError
from tasks.data.fetch import fetch
from tasks.data.init.scaffold import understand, write_recipe
from tasks.data.prepared.prepare import prepare
from tasks.kinds.recipes import load_recipe

ROOT = Path(__file__).parents[2]


@pytest.fixture
def real(project: Path) -> Path:
    """A project with the `dvc.yaml` of the repository, comments and all."""
    (project / "dvc.yaml").write_text((ROOT / "dvc.yaml").read_text())
    return project


def written_recipe(project: Path, name: str, **given: Any) -> tuple[Path, ...]:
    return write_recipe(project, name, understand(project, name, **given).recipe)


def test_a_recipe_for_images_can_be_prepared(real: Path, images: Path) -> None:
    written = written_recipe(real, "pets", images=images)
    assert written == (real / "params/pets.yaml", real / "dvc.yaml", real / "params/recipe.schema.json")
    recipe = load_recipe(written[0])
    assert recipe.data.reader.model_dump(exclude_defaults=True) == {"kind": "image_folder", "size": (8, 8)}
    fetch(recipe, real)
    prepare(recipe, real)
    assert (real / "data/pets/prepared/dataset.json").is_file()


def test_grey_images_get_one_channel_and_large_ones_64_pixels(real: Path, images: Path) -> None:
    for path in images.glob("*/*.png"):
        Image.fromarray(np.zeros((200, 300), dtype=np.uint8)).save(path)
    reader = load_recipe(written_recipe(real, "pets", images=images)[0]).data.reader
    assert reader.model_dump(exclude_defaults=True) == {"kind": "image_folder", "size": (64, 64), "channels": 1}


def test_a_recipe_for_a_table_can_be_prepared(real: Path, table: Path) -> None:
    lines = table.read_text().splitlines()
    texts = [f"{line},text {n}" for n, line in enumerate(lines)]
    table.write_text("\n".join([f"{lines[0]},note", *texts[1:]]) + "\n")
    recipe = load_recipe(written_recipe(real, "rows", table=table)[0])
    assert recipe.data.reader.model_dump(exclude_defaults=True) == {
        "kind": "table",
        "label": "label",
        "categorical": ("colour",),
        "ignore": ("width", "note"),
    }
    fetch(recipe, real)
    prepare(recipe, real)
    assert (real / "data/rows/prepared/dataset.json").is_file()


def test_dvc_yaml_gains_one_line_and_keeps_the_others(real: Path, images: Path) -> None:
    before = (real / "dvc.yaml").read_text().splitlines()
    written_recipe(real, "pets", images=images)
    after = (real / "dvc.yaml").read_text().splitlines()
    entry = f"      pets: {{source: {images}}}"
    assert [line for line in after if line not in before] == [entry]
    assert [line for line in after if line in before] == before
    assert after[after.index("  - recipes:") + 1] == entry


def test_a_path_inside_the_project_is_written_relative(real: Path, images: Path) -> None:
    images.rename(real / "photos")
    written_recipe(real, "pets", images=real / "photos")
    assert yaml.safe_load((real / "dvc.yaml").read_text())["vars"][0]["recipes"]["pets"]["source"] == "photos"


def _refused(project: Path, said: str, name: str = "mine", **given: object) -> None:
    before = {path: path.read_bytes() for path in project.glob("[!.]*/*.yaml")} | {
        project / "dvc.yaml": (project / "dvc.yaml").read_bytes()
    }
    with pytest.raises(InputError, match=said):
        written_recipe(project, name, **given)
    assert {path: path.read_bytes() for path in before} == before
    assert not list((project / "params").glob("*.yaml"))


def test_bad_images_leave_nothing_behind(real: Path, images: Path, tmp_path: Path) -> None:
    _refused(real, "expected a folder with one folder per class, got nothing there", images=tmp_path / "none")
    _refused(real, "at least two class folders, each with images, got 0 class folders", images=images / "cat")
    (images / "emu").mkdir()
    _refused(real, "emu`: expected at least 3 images, got none", images=images)
    for number in range(3):
        (images / f"emu/{number}.png").write_text("no image")
    _refused(real, r"got 3 that are none:\n  `emu/0\.png`: expected an image", images=images)


def test_bad_tables_leave_nothing_behind(real: Path, table: Path, tmp_path: Path) -> None:
    _refused(real, "expected a CSV or Parquet file, got nothing there", table=tmp_path / "none.csv")
    _refused(
        real, "`width`, `height`, `colour`, `label`, got `colur`; did you mean `colour`", table=table, label="colur"
    )
    table.write_text(table.read_text().replace("label", "kind"))
    _refused(real, "among `width`, `height`, `colour`, `kind`, got none of those names", table=table)
    table.write_text("x,label\n1,a\n2,a\n")
    _refused(real, "`label`: expected at least two classes, got 1", table=table)
    table.write_text("x,label\nu,a\nv,b\n")
    _refused(real, "expected columns to learn from", table=table)


def test_bad_names_leave_nothing_behind(real: Path, images: Path) -> None:
    _refused(real, "expected a name of at most 40", name="My Product", images=images)
    _refused(real, "expected no recipe of that name, got `digits`", name="digits", images=images)
    _refused(real, "expected data apart from", images=real)
    _refused(real, "expected data apart from", images=real / "data/mine/photos")
    _refused(real, "expected one of --images")
    _refused(real, "expected one of --images", images=images, table=images)
