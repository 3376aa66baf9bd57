"""What is added beside a recipe, or changed in a part that it does not name, is no reason to run it."""

import ast
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows import changes
from flows.changes import code_of, task_functions
from params.pipeline import Recipe
from tasks.core import fingerprint, source
from tasks.core.fingerprint import names_in, source_files
from tasks.kinds.recipes import load_recipe

PROJECT = Path(__file__).parents[2]
RECIPES = tuple(sorted(path.stem for path in (PROJECT / "params").glob("*.yaml")))
ADDED = (
    "tasks/distill/objectives/telepathy.py",
    "tasks/models/architectures/transformer.py",
    "tasks/compress/network_passes/shrink.py",
    "tasks/compress/file_passes/int2.py",
    "tasks/data/sources/bucket.py",
    "tasks/data/readers/tfrecord.py",
    "tasks/layouts/volume.py",
    *(f"tasks/kinds/boxes/{part}.py" for part in ("targets", "head", "loss", "metrics", "figures", "decode")),
)


def recipe(name: str) -> Recipe:
    return load_recipe(PROJECT / "params" / f"{name}.yaml")


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The repository's source in another folder, which the fingerprints are of."""
    for package in ("tasks", "params"):
        shutil.copytree(PROJECT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(changes, "ROOT", tmp_path)
    yield tmp_path
    forget()


def forget() -> None:
    source_files.cache_clear()
    fingerprint._file_of.cache_clear()
    source.forget()


def codes() -> dict[str, dict[str, str]]:
    forget()
    return {name: code_of(recipe(name)) for name in RECIPES}


def change(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{path.read_text() if path.exists() else ''}\nADDED = 1\n")


def test_additions_change_the_code_of_no_recipe(copied: Path) -> None:
    before = codes()
    for added in ADDED:
        change(copied / added)
    for path in (copied / "params").glob("*.py"):
        change(path)
    assert codes() == before


@pytest.mark.parametrize(
    ("path", "users"),
    [
        ("tasks/distill/objectives/kl.py", {*RECIPES} - {"faces", "glyphs"}),
        ("tasks/models/architectures/lstm.py", {"spoken-digits", "spoken-mfcc", "vowels"}),
        ("tasks/distill/objectives/crd.py", set()),
        ("tasks/contracts/records.py", {*RECIPES}),
        ("tasks/core/mmap_rows.py", {*RECIPES}),
        ("tasks/core/errors.py", set()),
        ("tasks/tracking/runs.py", set()),
    ],
)
def test_a_change_concerns_the_recipes_that_use_it(copied: Path, path: str, users: set[str]) -> None:
    before = codes()
    change(copied / path)
    after = codes()
    changed = {name: [file for file in after[name] if before[name].get(file) != after[name][file]] for name in RECIPES}
    assert {name for name in RECIPES if changed[name]} == users
    assert all(files in ([], [path]) for files in changed.values())


def test_a_baseline_uses_nothing_of_distillation() -> None:
    names = names_in(recipe("digits").student)
    used = source_files("tasks.distill.task:train_baseline", names)
    assert [file for file in used if file.startswith("tasks/distill/")] == [
        "tasks/distill/baseline.py",
        "tasks/distill/interpolate.py",
        "tasks/distill/starts.py",
        "tasks/distill/task.py",
    ]


@pytest.mark.parametrize("name", RECIPES)
def test_the_tasks_of_a_recipe_are_functions_of_their_modules(name: str) -> None:
    for task in task_functions(recipe(name)):
        module, _, function = task.partition(":")
        tree = ast.parse(PROJECT.joinpath(*module.split(".")).with_suffix(".py").read_text())
        assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
