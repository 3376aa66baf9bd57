import hashlib
import json
from pathlib import Path
from typing import get_args

import pytest
import yaml

from params.data import Data
from tasks.core.plugins import load
from tasks.data.versions.code import code_file, write_code
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
