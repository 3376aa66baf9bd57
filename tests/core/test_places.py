"""A state folder that was moved or copied: paths in its records lead to where it is now."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tasks.core.environment import former_places, here, prepare_environment
from tasks.core.errors import BusyError
from tasks.core.progress import Event, Notice, listen
from tasks.core.record import Artefact
from tasks.tracking import runs
from tests.registry.made import forget

ROOT = Path(__file__).parents[2]
Enter = Callable[[Path], None]


@pytest.fixture
def enter(monkeypatch: pytest.MonkeyPatch) -> Iterator[Enter]:
    """Begins to work in a project, as a command does; what that sets in the environment is taken back."""
    before = dict(os.environ)

    def begin(project: Path) -> None:
        for name in ("STILLHOUSE_HOME", "MLFLOW_TRACKING_URI", "PREFECT_HOME"):
            os.environ.pop(name, None)
        monkeypatch.chdir(project)
        forget()
        prepare_environment()

    yield begin
    forget()
    os.environ.clear()
    os.environ.update(before)


def made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "dvc.yaml").touch()
    return folder


@pytest.mark.parametrize("name", ["b", "my proj [v2]/ü %20", "a/b"])
def test_a_path_into_a_former_place_leads_into_the_present_one(tmp_path: Path, enter: Enter, name: str) -> None:
    old = made(tmp_path / "a")
    enter(old)
    places = [place for one in (old / "x [1]/y", old) for place in (str(one), one.as_uri())]
    assert [*map(here, places)] == places
    new = tmp_path / name
    old.rename(tmp_path / "moving")
    new.parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "moving").rename(new)
    told: list[Event] = []
    stop = listen(told.append)
    enter(new)
    enter(new)
    stop()
    assert [one.word for one in told if isinstance(one, Notice)] == ["moved"]
    assert former_places() == (old,)
    now = [place for one in (new / "x [1]/y", new) for place in (str(one), one.as_uri())]
    assert [*map(here, places)] == now
    assert [*map(here, now)] == now
    assert here(f"{old}-and-more/x") == f"{old}-and-more/x"
    assert Artefact(uri=places[1], sha256="0", size=1).uri == now[1]
    assert [here(one) for one in ("", "s3://bucket/a", "data/a")] == ["", "s3://bucket/a", "data/a"]


def test_a_state_that_came_home_again_leads_nowhere_else(tmp_path: Path, enter: Enter) -> None:
    first, second = made(tmp_path / "a"), tmp_path / "b"
    enter(first)
    first.rename(second)
    enter(second)
    second.rename(first)
    enter(first)
    assert former_places() == (second,)
    assert here(str(second / "x")) == here(str(first / "x")) == str(first / "x")


def test_a_move_under_a_run_that_goes_on_is_refused(tmp_path: Path, enter: Enter) -> None:
    enter(made(tmp_path / "a"))
    (tmp_path / "a").rename(tmp_path / "b")
    hold = "import sys; from tasks.core.locks import shared\nwith shared(): print(flush=True), sys.stdin.read()"
    run = subprocess.Popen(
        [sys.executable, "-c", hold],
        env={**os.environ, "STILLHOUSE_HOME": str(tmp_path / "b/.stillhouse"), "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert run.stdout
    run.stdout.readline()
    with pytest.raises(BusyError, match="expected no other use of the state folder"):
        enter(tmp_path / "b")
    run.communicate()
    enter(tmp_path / "b")
    assert former_places() == (tmp_path / "a",)


def test_mlflow_hands_out_the_present_paths(tmp_path: Path, enter: Enter) -> None:
    old, new = made(tmp_path / "a"), tmp_path / "a/b"
    enter(old)
    with runs.flow_run("parts", "run", "id", {}) as run:
        (tmp_path / "f").write_text("kept")
        run.keep(tmp_path / "f")
    client = runs.client()
    client.create_registered_model("parts")
    uri = f"{client.get_run(run.id).info.artifact_uri}/bundle"
    client.create_model_version("parts", uri, run.id)
    old.rename(tmp_path / "moving")
    old.mkdir()
    (tmp_path / "moving").rename(new)
    for _ in range(2):  # the second time it is there already, though below a folder that is called as it was
        enter(new)
        moved: MlflowClient = runs.client()
        assert moved.get_model_version("parts", "1").source == uri.replace(str(old), str(new))
        root = str(moved.get_run(run.id).info.artifact_uri).removeprefix("file://")
        assert root == f"{new}/.stillhouse/artifacts/parts/{run.id}/artifacts"
        assert Path(root, "f").read_text() == "kept"
        experiment = moved.get_experiment_by_name("parts")
        assert experiment is not None
        assert str(new) in experiment.artifact_location
