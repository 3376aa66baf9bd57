"""A worker of a cluster works where the sweep does, with its code, or says why not."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from flows.sweep import worker_env as environment
from flows.sweep.worker_env import CODE, WorkerEnv
from tasks.core.errors import StageError


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WorkerEnv:
    """That of a project, for a process that has worked nowhere yet; what it changes is undone."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(environment, "_ACTIVE", {})
    monkeypatch.setattr(environment, "prepare_environment", lambda: None)
    for name in ("STILLHOUSE_HOME", "MLFLOW_TRACKING_URI"):
        monkeypatch.setenv(name, "of the worker")
    (tmp_path / "project/.stillhouse").mkdir(parents=True)
    return WorkerEnv(tmp_path / "project", tmp_path / "project/.stillhouse", "http://mlflow:5000", CODE)


def test_a_worker_takes_folder_state_and_mlflow_of_the_sweep(place: WorkerEnv) -> None:
    for _ in range(2):
        with place.active():
            assert Path.cwd() == place.root
            assert os.environ["STILLHOUSE_HOME"] == str(place.home)
            assert os.environ["MLFLOW_TRACKING_URI"] == "http://mlflow:5000"


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"root": Path("/nowhere")}, "expected the folder `/nowhere`, got none; let it see it at this path"),
        ({"home": Path("/nowhere/.stillhouse")}, "expected the folder `/nowhere/.stillhouse`, got none"),
        ({"code": "0" * 64}, "expected the code that the sweep runs, got other code in "),
        ({"mlflow": "http://mlflow:5001"}, "got a worker that belongs to .* with MLflow at `http://mlflow:5000`"),
    ],
)
def test_a_worker_that_cannot_work_there_says_why_and_stays_where_it_was(
    place: WorkerEnv, other: dict[str, Path | str], words: str
) -> None:
    with place.active():
        pass
    with pytest.raises(StageError, match=words), replace(place, **other).active():  # type: ignore[arg-type]
        pytest.fail("it works there")
    assert Path.cwd() == place.root
    with place.active():
        pass
