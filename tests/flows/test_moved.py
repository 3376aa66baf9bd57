"""A clone that is moved goes on where it was, and what is damaged in it is found by all who look."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.flows.conftest import Project, make_project
from tests.flows.tiny import write_tiny

pytestmark = pytest.mark.slow
LISTS = (
    ("status",),
    ("history", "tiny"),
    ("lineage", "staging"),
    ("lineage", "--teacher", "1"),
    ("doctor",),
    ("gc", "--dry-run"),
    ("channel", "status"),
    ("audit",),
)
"""every command that lists, but for a sweep"""


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A clone with two releases and a channel, in another folder than the one that they were made in."""
    project = make_project(tmp_path_factory.mktemp("moved"))
    write_tiny(project.root, "tiny")
    for more in ((), ("--set", "seed=1")):
        done = project.stillhouse("run", "params/tiny.yaml", *more)
        assert done.code == 0, done.out + done.err
    keys = project.root.parent / "keys"
    assert project.stillhouse("channel", "init", "staging", "--root-keys", str(keys)).code == 0
    elsewhere = project.root.parent / "my proj [v2]"
    project.root.rename(elsewhere)
    return replace(project, root=elsewhere)


def test_the_first_command_says_that_it_was_moved_and_there_is_nothing_to_do(moved: Project) -> None:
    said = moved.stillhouse("run", "params/tiny.yaml", "--set", "seed=1")
    assert said.code == 0, said.err
    first, second = said.out.splitlines()
    assert first.startswith(f"moved    this state was in `{moved.root.parent / 'clone'}`; ")
    assert str(moved.root) in first
    assert second.startswith("tiny: nothing changed since ")


def test_everything_is_there(moved: Project) -> None:
    for command in (("lineage", "staging", "--verify"), ("audit",), ("channel", "status")):
        said = moved.stillhouse(*command)
        assert said.code == 0, said.out + said.err
    assert doctor(moved, "--deep") == []


def doctor(moved: Project, *options: str) -> list[str]:
    """Returns what is wrong with the state; which libraries are installed is another matter."""
    checks = json.loads(moved.stillhouse("doctor", *options, "--json").out)
    return [one["wrong"] for check in checks if "libraries" not in check["check"] for one in check["findings"]]


@pytest.mark.parametrize("command", LISTS, ids=" ".join)
def test_in_a_pipe_each_list_is_json_and_nothing_else_where_that_is_asked_for(
    moved: Project, command: tuple[str, ...]
) -> None:
    assert json.loads(moved.stillhouse(*command, "--json").out)


def test_a_rollback_an_approval_and_a_run_of_another_recipe_work(moved: Project) -> None:
    back = moved.stillhouse("rollback", "tiny", "--from", "staging", "--reason", "moved [/done]")
    assert back.out.splitlines()[0] == "rolled back staging: version 1 again, before it version 2"
    assert moved.stillhouse("approve", "tiny", "--to", "edge").code == 0
    shutil.copy(moved.root / "params/tiny.yaml", moved.root / "params/other.yaml")
    other = moved.stillhouse("run", "params/other.yaml")
    assert other.code == 0, other.err
    assert "promoted to staging: version 1" in other.out
    history = moved.stillhouse("history", "tiny").out.splitlines()
    assert any(line.endswith(" moved [/done]") for line in history)


@pytest.mark.parametrize(
    ("what", "damage"),
    [("bundle/model.onnx", None), ("teacher-model.safetensors", b"other"), ("data/tiny/prepared/dataset.json", None)],
)
def test_doctor_and_lineage_find_the_same_damage(moved: Project, what: str, damage: bytes | None) -> None:
    path = _file(moved, what)
    content = path.read_bytes()
    try:
        path.unlink() if damage is None else path.write_bytes(damage)
        found = doctor(moved)
        shown = moved.stillhouse("lineage", "staging", "--model", "tiny", "--verify")
    finally:
        path.write_bytes(content)
    assert shown.code == 1
    *lines, _ = shown.err.removeprefix("stillhouse: ").splitlines()
    assert lines
    assert set(lines) <= set(found)


def test_mlflow_itself_loads_the_model_that_leads(moved: Project) -> None:
    uri = f"sqlite:///{moved.root}/.stillhouse/mlflow.db"
    given = "import pandas; row = pandas.DataFrame({'temperature': ['20.5'], 'speed': ['100']})"
    load = f"import mlflow; mlflow.set_tracking_uri({uri!r}); model = mlflow.pyfunc.load_model('models:/tiny@staging')"
    said = moved.python("-c", f"{load}; {given}; print(model.predict(row)[0]['label'])")
    assert said.code == 0, said.err
    assert said.out.strip() in {"good", "bad"}


def _file(moved: Project, what: str) -> Path:
    """Returns a file of the release that leads staging."""
    if what.startswith("data/"):
        return moved.root / what
    (facts,) = json.loads(moved.stillhouse("lineage", "staging", "--model", "tiny", "--json").out)
    if what.startswith("bundle/"):
        return moved.files_of("tiny", facts["version"]) / what
    (files,) = [one for one in facts["ancestors"] if one["kind"] == "teacher"]
    return Path(moved.root, ".stillhouse/artifacts/tiny", files["run"], "artifacts", what)
