"""Runs of a killed process are closed; those of one that is alive, or works elsewhere, never."""

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tasks.core import process_lease
from tasks.tracking import runs
from tasks.upkeep.abandoned import close, forget_checkpoints, open_runs
from tasks.upkeep.mlflow_runs import all_runs
from tests.killed import in_a_process, preload
from tests.registry import interrupted
from tests.upkeep.abandoned_runs import begin_and_be_killed, open_in

FORKS = multiprocessing.get_context("forkserver")
preload("tests.upkeep.abandoned_runs", *interrupted.STORES)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("STILLHOUSE_HOME", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    runs.client.cache_clear()
    runs.parent_of.cache_clear()
    yield tmp_path
    runs.client.cache_clear()


@contextmanager
def at_work(home: Path, name: str) -> Iterator[Callable[[], None]]:
    """A process that has runs open; yields what kills it."""
    process = FORKS.Process(target=open_in, args=(home, name), daemon=True)
    process.start()

    def kill() -> None:
        process.kill()
        process.join()

    try:
        while not (home / name).exists():
            assert process.is_alive()
            time.sleep(0.05)
        yield kill
    finally:
        kill()


def closed() -> list[str]:
    """Closes what owners that have ended left open, and returns the names."""
    names = []
    for owner in process_lease.gone():
        for run in open_runs(owner):
            close(run)
            names.append(run.name)
    return names


def test_only_the_runs_of_the_killed_process_are_closed_and_its_scratch_goes(home: Path) -> None:
    runs.client()
    with at_work(home, "killed") as kill, at_work(home, "alive"):
        elsewhere = runs.client().create_run("0", tags={runs.OWNER: "another-machine"}, run_name="elsewhere")
        assert closed() == []
        assert process_lease.ended() == ()
        kill()
        assert len(process_lease.ended()) == 1
        assert closed() == ["teacher", "killed"]
        assert closed() == []
        found = {(run.name, run.status) for run in all_runs()}
    assert found == {
        ("teacher", "KILLED"),
        ("killed", "KILLED"),
        ("teacher", "RUNNING"),
        ("alive", "RUNNING"),
        ("elsewhere", "RUNNING"),
    }
    assert len([*(home / "work").iterdir()]) == 2, "of the two runs that go on"
    assert elsewhere.info.status == "RUNNING"


def test_an_owner_is_forgotten_once_it_was_seen_to_have_ended_and_its_work_was_closed(home: Path) -> None:
    with pytest.raises(ChildProcessError):
        in_a_process(home, begin_and_be_killed)
    first = process_lease.gone()
    name = next(first)
    first.close()  # type: ignore[attr-defined]  # whoever closed its work was killed, too
    assert [*process_lease.gone()] == [name]
    assert [*process_lease.gone()] == []


def test_this_process_has_not_ended(home: Path) -> None:
    assert process_lease.owner() not in [*process_lease.gone()]
    assert process_lease.owner() == process_lease.owner()


def test_checkpoints_are_forgotten_after_a_month(home: Path) -> None:
    for name, days in (("old", 31), ("young", 29)):
        folder = home / "checkpoints" / name
        folder.mkdir(parents=True)
        (folder / "1.safetensors").touch()
        for path in (folder / "1.safetensors", folder):
            os.utime(path, (time.time() - days * 86_400,) * 2)
    assert [*forget_checkpoints()] == ["old"]
    assert [path.name for path in (home / "checkpoints").iterdir()] == ["young"]
