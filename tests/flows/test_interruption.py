"""A run that is stopped or killed leaves no process behind, and the next one goes on from what was finished."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from mlflow import MlflowClient
from safetensors import safe_open

LONG = ("run", "params/digits.yaml", "--set", "teacher.training.epochs=100000", "--set", "seed=99")
PATIENCE = 60.0
ANYHOW = ("--set", "promote.staging.not_worse_than_champion=false")
"""other tests of the project may have promoted a release that is better than this one"""


@contextmanager
def long_run(project: Any) -> Iterator["subprocess.Popen[str]"]:
    """A run that would take hours, from the moment its teacher is being trained; killed at the end if it still is."""
    before = len(teachers(project))
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.main", *LONG],
        cwd=project.root,
        env={n: v for n, v in os.environ.items() if not n.startswith(("PREFECT_", "MLFLOW_", "STILLHOUSE_"))},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        # A shell that runs the tests in the background has Ctrl-C ignored in all that it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        wait_until(lambda: len(teachers(project)) > before)
        yield process
    finally:
        process.kill()
        process.wait()


def helpers_of(project: Any) -> list[str]:
    """Processes that work for this project: its Prefect server, its DVC stages."""
    found = []
    for process in psutil.process_iter(["cwd", "cmdline"]):
        command = " ".join(process.info["cmdline"] or [])
        ours = "infra.services.prefect_server" in command or "tasks.data" in command
        if process.info["cwd"] == str(project.root) and ours:
            found.append(command)
    return found


def teachers(project: Any) -> list[str]:
    """The status of every run of the teacher stage that has this test's number of epochs."""
    client = MlflowClient(f"sqlite:///{project.root / '.stillhouse/mlflow.db'}")
    experiment = client.get_experiment_by_name("digits")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id], "params.`teacher.training.epochs` = '100000'")
    return [run.info.status for run in runs if run.info.run_name == "teacher"]


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.2)


def test_ctrl_c_ends_everything_with_one_message(project: Any, first_run: Any) -> None:
    with long_run(project) as process:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert "stopped; the same command goes on" in err
    assert "Traceback" not in err
    assert "RUNNING" not in teachers(project)
    wait_until(lambda: not helpers_of(project))


ENDED_AFTER_CTRL_C_IN_TEXT = """
import signal
from cli.main import _end
from tasks.core.errors import StoppedError

signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    exec("signal.raise_signal(signal.SIGINT); input()")
except KeyboardInterrupt:
    _end("over", 130, StoppedError("over"))
"""


def test_the_exit_code_is_ours_wherever_ctrl_c_was_heard(tmp_path: Path) -> None:
    (tmp_path / "ended.py").write_text(ENDED_AFTER_CTRL_C_IN_TEXT)
    environment = os.environ | {"PYTHONPATH": f"{Path.cwd()}:{tmp_path}"}
    command = [sys.executable, "-m", "ended"]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (said.returncode, said.stderr) == (130, "stillhouse: over\n")


@pytest.mark.slow
def test_a_run_stopped_with_all_its_processes_ends_at_once_and_has_told_prefect(project: Any, first_run: Any) -> None:
    with long_run(project) as process:
        # As systemd and a container do; its Prefect server stays until the run has said that it was stopped.
        for one in (*psutil.Process(process.pid).children(recursive=True), process):
            one.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    assert process.returncode == -signal.SIGTERM
    wait_until(lambda: not helpers_of(project))
    with sqlite3.connect(project.root / ".stillhouse/prefect/prefect.db") as prefect:
        last = prefect.execute("select state_type from flow_run order by created desc limit 1").fetchone()
    assert last == ("CRASHED",)


def test_a_killed_run_leaves_no_process_and_the_next_one_reuses_what_was_finished(project: Any, first_run: Any) -> None:
    with long_run(project) as process:
        assert helpers_of(project)
        process.kill()
    wait_until(lambda: not helpers_of(project))
    said = project.stillhouse("run", "params/digits.yaml", "--force", *ANYHOW)
    assert said.code == 0, said.err
    assert set(said.stages.values()) == {"reused"}
    assert "MLflow's `teacher`, as killed" in said.out
    assert "Prefect's `retrain digits`, as crashed" in said.out
    assert "RUNNING" not in teachers(project)
    assert "nothing was left open" in project.stillhouse("reconcile").out


def kept_history(project: Any) -> list[dict[str, float]]:
    """The epochs in the checkpoint of the long training; none where there is no checkpoint yet."""
    found = [*(project.root / ".stillhouse/checkpoints").glob("*/1.safetensors")]
    if not found:
        return []
    with safe_open(found[0], framework="pt") as opened:
        return list(json.loads(opened.metadata()["state"])["state"]["history"])


@pytest.mark.slow
def test_a_training_that_is_terminated_goes_on_from_its_checkpoint_in_the_next_run(
    project: Any, first_run: Any
) -> None:
    shutil.rmtree(project.root / ".stillhouse/checkpoints", ignore_errors=True)
    with long_run(project) as process:
        wait_until(lambda: len(kept_history(project)) > 2)
        process.terminate()
        process.wait(PATIENCE)
    before = kept_history(project)
    client = MlflowClient(f"sqlite:///{project.root / '.stillhouse/mlflow.db'}")
    with long_run(project):
        run = newest_teacher(client)
        wait_until(lambda: len(client.get_metric_history(run, "train_seconds")) > len(before))
    seconds = {one.step: one.value for one in client.get_metric_history(run, "train_seconds")}
    # How long an epoch took is not the same twice: those before the checkpoint were not trained again.
    assert [seconds[epoch] for epoch in range(1, len(before) + 1)] == [one["train_seconds"] for one in before]


def newest_teacher(client: MlflowClient) -> str:
    experiment = client.get_experiment_by_name("digits")
    assert experiment is not None
    found = client.search_runs([experiment.experiment_id], "attributes.run_name = 'teacher'")
    return str(max(found, key=lambda run: run.info.start_time).info.run_id)
