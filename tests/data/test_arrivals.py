"""The ways in which new data arrives: into a folder that DVC tracks, out of another repository, as rows of a table."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from flows.changes import ingredients_of
from params.pipeline import Recipe
from tasks.core.fingerprint import Ingredients, explain
from tasks.data.versions.versioning import versioned_data

MakeRecipe = Callable[..., Recipe]
IMAGES = {"kind": "image_folder", "size": [8, 8], "channels": 3}
WHO = ("-c", "user.name=x", "-c", "user.email=x@localhost")


def dvc(root: Path, *arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "dvc", *arguments], cwd=root, check=True, capture_output=True)


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", *WHO, *arguments], cwd=root, check=True, capture_output=True)


def add_picture(folder: Path, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "cat" / f"new-{seed}.png")


def prepared(project: Path, recipe: Recipe) -> tuple[int, Ingredients]:
    """Prepares the data; returns how many samples there are and all that a run of now would be made of."""
    samples = sum(versioned_data(project, recipe).samples.values())
    return samples, ingredients_of(project, recipe)


def test_pictures_dropped_into_a_folder_that_dvc_tracks_are_noticed_with_and_without_dvc_add(
    project: Path, images: Path, make_recipe: MakeRecipe
) -> None:
    images.rename(project / "photos")
    dvc(project, "add", "photos")
    recipe = make_recipe({"kind": "folder", "path": "photos"}, IMAGES)
    count, before = prepared(project, recipe)
    assert (count, explain(before, ingredients_of(project, recipe))) == (20, ())
    for path in (project / "photos").rglob("*.png"):
        os.utime(path)  # as DVC does when it checks them out
    assert explain(before, ingredients_of(project, recipe)) == ()
    add_picture(project / "photos", 1)
    (said,) = explain(before, ingredients_of(project, recipe))
    assert re.fullmatch(r"data source 20 files \(\w+\) -> 21 files \(\w+\)", said)
    count, dropped = prepared(project, recipe)
    assert (count, (project / "photos/cat/new-1.png").is_file()) == (21, True)
    add_picture(project / "photos", 2)
    dvc(project, "add", "photos")
    (said,) = explain(dropped, ingredients_of(project, recipe))
    assert re.fullmatch(r"data source 21 files \(\w+\) -> 22 files \(\w+\)", said)
    count, added = prepared(project, recipe)
    assert (count, explain(added, ingredients_of(project, recipe))) == (22, ())
    assert versioned_data(project, recipe).reused


@pytest.fixture
def registry(tmp_path: Path, images: Path) -> Path:
    """Another DVC repository with the pictures."""
    root = tmp_path / "registry"
    root.mkdir()
    git(root, "init", "-q")
    dvc(root, "init", "-q")
    images.rename(root / "photos")
    dvc(root, "add", "photos")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "photos")
    return root


@pytest.mark.slow
def test_pictures_of_another_repository_arrive_by_dvc_update(
    project: Path, registry: Path, make_recipe: MakeRecipe
) -> None:
    dvc(project, "import", str(registry), "photos")
    recipe = make_recipe({"kind": "folder", "path": "photos"}, IMAGES)
    count, before = prepared(project, recipe)
    assert (count, explain(before, ingredients_of(project, recipe))) == (20, ())
    dvc(project, "update", "photos.dvc")
    assert explain(before, ingredients_of(project, recipe)) == ()
    add_picture(registry / "photos", 1)
    dvc(registry, "add", "photos")
    git(registry, "commit", "-qam", "one more")
    assert explain(before, ingredients_of(project, recipe)) == ()
    dvc(project, "update", "photos.dvc")
    (said,) = explain(before, ingredients_of(project, recipe))
    assert re.fullmatch(r"data source 20 files \(\w+\) -> 21 files \(\w+\)", said)
    count, now = prepared(project, recipe)
    assert (count, explain(now, ingredients_of(project, recipe))) == (21, ())


def test_a_table_that_grows_tells_how_many_lines_came(project: Path, table: Path, table_recipe: Recipe) -> None:
    count, before = prepared(project, table_recipe)
    assert (count, explain(before, ingredients_of(project, table_recipe))) == (30, ())
    with table.open("a") as stream:
        stream.write("30,15.1,a,0\n31,15.6,b,1\n")
    (said,) = explain(before, ingredients_of(project, table_recipe))
    assert re.fullmatch(r"data source 31 lines \(\w+\) -> 33 lines \(\w+\)", said)
    assert prepared(project, table_recipe)[0] == 32
