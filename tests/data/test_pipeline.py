import ast
import hashlib
import json
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import get_args

import pytest
import yaml

from params.data import Data
from params.pipeline import Recipe
from tasks.core.plugins import load
from tasks.data.versions.code import LIBRARIES, code_file, libraries_of, write_code
from tasks.data.versions.watched import watched
from tasks.kinds.recipes import load_recipe

STAGES = ("fetch", "prepare", "source")
ROOT = Path(__file__).parents[2]
RECIPES = sorted(path.stem for path in (ROOT / "params").glob("*.yaml"))


def _kinds(field: str) -> list[str]:
    union = get_args(Data.model_fields[field].annotation)
    return [get_args(section.model_fields["kind"].annotation)[0] for section in union]


def _file(reader: str) -> str:
    """Returns the file of a reader: a module, or that of a folder."""
    name = f"tasks/data/readers/{reader}"
    return f"{name}.py" if (ROOT / f"{name}.py").is_file() else f"{name}/__init__.py"


def test_every_source_and_reader_of_a_recipe_is_a_module_of_its_name() -> None:
    assert all(callable(load("tasks.data.sources.{}", kind).fetch) for kind in _kinds("source"))
    assert all(callable(load("tasks.data.readers.{}", kind).read) for kind in _kinds("reader"))


@pytest.mark.parametrize("name", RECIPES)
def test_dvc_watches_the_code_that_a_recipe_uses_and_no_other_reader_or_source(name: str, tmp_path: Path) -> None:
    recipe = load_recipe(ROOT / f"params/{name}.yaml")
    document = yaml.safe_load((ROOT / "dvc.yaml").read_text())
    assert document["vars"][0]["recipes"][name] == watched(name, recipe.data)
    write_code(tmp_path, recipe)
    digests = {stage: json.loads(code_file(tmp_path, name, stage).read_text()) for stage in STAGES}
    assert [*digests["source"]] == [f"tasks/data/sources/{recipe.data.source.kind}.py"]
    readers = {kind: _file(kind) for kind in _kinds("reader")}
    assert {*readers.values()} & {*digests["prepare"]} == {readers[recipe.data.reader.kind]}
    task, layout = recipe.data.task, recipe.data.reader.layout
    assert {f"tasks/kinds/{task}/targets.py", f"tasks/layouts/{layout}.py"} <= {*digests["prepare"]}


def test_all_code_that_shapes_prepared_data_is_watched(tmp_path: Path) -> None:
    write_code(tmp_path, load_recipe(ROOT / "params/digits.yaml"))
    shared = {str(path.relative_to(ROOT)) for path in (ROOT / "tasks/data/prepared").glob("[!_]*.py")}
    assert shared <= {*json.loads(code_file(tmp_path, "digits", "prepare").read_text())}


PREPARING = ("tasks/data/readers", "tasks/data/sources", "tasks/data/prepared", "tasks/runtime/preprocess")
HARMLESS = {"pyarrow", "pydantic", "tasks", "params"}
"""packages that are imported there, and whose version changes no value"""


def test_each_library_that_may_change_values_is_listed_where_it_is_imported() -> None:
    told = {"PIL": "pillow", "soundfile": "soundfile", "numpy": "numpy"}
    for path in (path for folder in PREPARING for path in (ROOT / folder).rglob("*.py")):
        tree = ast.parse(path.read_text())
        lines = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
        checking = {id(line) for line in ast.walk(tree) if isinstance(line, ast.If) for line in line.body}
        found = {
            name.partition(".")[0]
            for line in lines
            if id(line) not in checking and not getattr(line, "level", 0)
            for name in ([line.module or ""] if isinstance(line, ast.ImportFrom) else [n.name for n in line.names])
        } - {*sys.stdlib_module_names, *HARMLESS}
        module = str(path.relative_to(ROOT))
        assert found <= {*told}, f"{module}: does its version change values? then name it in LIBRARIES"
        assert {told[name] for name in found - {"numpy"}} <= {*LIBRARIES.get(module, ())}, module


def test_another_version_of_what_decodes_pictures_prepares_them_again_and_no_table(
    image_recipe: Recipe,
    project: Path,
    table: Path,
    make_recipe: Callable[..., Recipe],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = make_recipe({"kind": "file", "path": str(table)}, {"kind": "table", "label": "label"}, "other")

    def told(recipe: Recipe) -> dict[str, str]:
        write_code(project, recipe)
        found = json.loads(code_file(project, recipe.name, "prepare").read_text())
        return {name: version for name, version in found.items() if name.startswith("library ")}

    assert told(image_recipe) == {f"library {name}": version(name) for name in ("numpy", "pillow")}
    assert told(other) == {"library numpy": version("numpy")}
    assert (libraries_of(image_recipe), libraries_of(other)) == (("numpy", "pillow"), ("numpy",))
    before = code_file(project, "mine", "prepare").read_bytes()
    monkeypatch.setattr("tasks.core.fingerprint.version", lambda name: "99" if name == "pillow" else version(name))
    assert told(image_recipe)["library pillow"] == "99"
    assert code_file(project, "mine", "prepare").read_bytes() != before


def test_the_lock_of_the_repository_speaks_of_the_code_in_it(tmp_path: Path) -> None:
    lock = yaml.safe_load((ROOT / "dvc.lock").read_text())["stages"]
    for name in RECIPES:
        write_code(tmp_path, load_recipe(ROOT / f"params/{name}.yaml"))
        for stage in (lock[f"fetch@{name}"], lock[f"prepare@{name}"]):
            for dependency in stage["deps"]:
                if "/code/" in dependency["path"]:
                    content = (tmp_path / dependency["path"]).read_bytes()
                    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
                    assert found == dependency["md5"], f"{name}: run the recipe and commit dvc.lock"
