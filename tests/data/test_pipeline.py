from pathlib import Path
from typing import get_args

import pytest
import yaml

from params.data import Data
from tasks.core.plugins import load
from tasks.data.versions.watched import watched
from tasks.kinds.recipes import load_recipe

ROOT = Path(__file__).parents[2]
RECIPES = sorted(path.stem for path in (ROOT / "params").glob("*.yaml"))


def _kinds(field: str) -> list[str]:
    union = get_args(Data.model_fields[field].annotation)
    return [get_args(section.model_fields["kind"].annotation)[0] for section in union]


def test_every_source_and_reader_of_a_recipe_is_a_module_of_its_name() -> None:
    assert all(callable(load("tasks.data.sources.{}", kind).fetch) for kind in _kinds("source"))
    assert all(callable(load("tasks.data.readers.{}", kind).read) for kind in _kinds("reader"))


@pytest.mark.parametrize("name", RECIPES)
def test_dvc_watches_the_code_that_a_recipe_uses_and_no_other_reader_or_source(name: str) -> None:
    document = yaml.safe_load((ROOT / "dvc.yaml").read_text())
    recipe = load_recipe(ROOT / f"params/{name}.yaml")
    assert document["vars"][0]["recipes"][name] == watched(recipe.data)
    listed = {dep for stage in document["stages"].values() for dep in stage["do"]["deps"]}
    assert not [kind for kind in _kinds("reader") if f"tasks/data/readers/{kind}.py" in listed]
    assert all((ROOT / dep).is_file() for dep in listed if dep.endswith(".py") and "$" not in dep)


def test_all_code_that_shapes_prepared_data_is_watched() -> None:
    deps = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]["prepare"]["do"]["deps"]
    shared = set((ROOT / "tasks/data/prepared").glob("[!_]*.py"))
    shared |= {path for path in (ROOT / "tasks/data/readers").glob("[!_]*.py") if path.stem not in _kinds("reader")}
    assert {f"tasks/{named}.py" for named in ("kinds/${item.task}/targets", "layouts/${item.layout}")} <= {*deps}
    assert {str(path.relative_to(ROOT)) for path in shared} <= {*deps}
