"""`stillhouse new`: a project of one's own has what the repository has, and needs nothing of it."""

import os
from pathlib import Path

import pytest
import yaml

from tasks.core.errors import InputError
from tasks.core.workspace import git_commit
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
    project = new_project(folder)
    assert all(path.is_file() for path in project.written)
    assert (folder / ".git").is_dir()
    recipe = load_recipe(folder / "params/digits.yaml")
    entries = yaml.safe_load((folder / "dvc.yaml").read_text())["vars"][0]["recipes"]
    assert entries == {"digits": watched("digits", recipe.data)}
    write_recipe(folder, "pets", understand(folder, "pets", images=images).recipe)
    assert load_recipe(folder / "params/pets.yaml").name == "pets"


@pytest.fixture
def identity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Git's settings of a person, which are empty; no others count."""
    settings = tmp_path / "gitconfig"
    settings.touch()
    for name in [name for name in os.environ if name.startswith(("GIT_", "EMAIL"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return settings


def test_a_new_project_has_a_first_commit_of_all_its_files(tmp_path: Path, identity: Path) -> None:
    identity.write_text("[user]\nname = Ada\nemail = ada@example.org\n")
    project = new_project(tmp_path / "mine")
    assert project.uncommitted == ""
    assert len(git_commit(tmp_path / "mine")) == 40


def test_without_a_name_in_git_a_new_project_says_that_it_has_no_commit(tmp_path: Path, identity: Path) -> None:
    project = new_project(tmp_path / "mine")
    assert project.uncommitted == "git knows no name and address of yours"
    assert git_commit(tmp_path / "mine") == "none"


def test_a_folder_with_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="expected a new or empty folder, got a folder with files"):
        new_project(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
