"""`stillhouse new`: a project of one's own has what the repository has, and needs nothing of it."""

from pathlib import Path

import pytest
import yaml

from tasks.core.errors import InputError
from tasks.data.init.project import FILES, new_project
from tasks.data.init.scaffold import understand, write_recipe
from tasks.data.versions.watched import watched
from tasks.kinds.recipes import load_recipe

ROOT = Path(__file__).parents[2]


def test_the_stages_are_those_of_the_repository() -> None:
    ours, theirs = (ROOT / "dvc.yaml").read_text(), FILES["dvc.yaml"]
    assert ours.partition("\nstages:")[2] == theirs.partition("\nstages:")[2]
    assert ours.partition("  - recipes:")[0] == theirs.partition("  - recipes:")[0]
    assert FILES[".dvc/config"] == (ROOT / ".dvc/config").read_text()


def test_a_new_project_has_an_example_and_takes_a_recipe(tmp_path: Path, images: Path) -> None:
    folder = tmp_path / "my [project]"
    written = new_project(folder)
    assert all(path.is_file() for path in written)
    assert (folder / ".git").is_dir()
    recipe = load_recipe(folder / "params/digits.yaml")
    entries = yaml.safe_load((folder / "dvc.yaml").read_text())["vars"][0]["recipes"]
    assert entries == {"digits": watched("digits", recipe.data)}
    write_recipe(folder, "pets", understand(folder, "pets", images=images).recipe)
    assert load_recipe(folder / "params/pets.yaml").name == "pets"


def test_a_folder_with_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="expected a new or empty folder, got a folder with files"):
        new_project(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
