"""A team's stack for real: PostgreSQL, MLflow's and Prefect's servers, two workers, and the flow on them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from mlflow import MlflowClient
from sqlalchemy import create_engine, text

from infra.services import postgresql
from tasks.core.errors import InputError
from tests.debian import required
from tests.flows.conftest import TOOLS, Project, make_project

pytestmark = pytest.mark.slow
PATIENCE_SECONDS = 400.0
RECIPES = ("digits", "numerals")
TRAINING = {"epochs": 2, "batch_size": 64, "learning_rate": 0.01}
FINAL = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


@dataclass(frozen=True)
class Team:
    """A stack that goes on: its project, its process, its log, and what it says to export."""

    project: Project
    home: Path
    process: "subprocess.Popen[bytes]"
    exports: Mapping[str, str]

    def stillhouse(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Runs the command as a colleague does who pasted the exports."""
        command = [sys.executable, "-m", "cli.main", *arguments]
        environment = {**without_tools(), "STILLHOUSE_HOME": str(self.home), **self.exports}
        return subprocess.run(
            command, cwd=self.project.root, env=environment, capture_output=True, text=True, timeout=240, check=False
        )

    def ask(self, deployment: str) -> str:
        """Asks for a run beside the clock and returns its id."""
        found = self.prefect("deployments/filter", {"deployments": {"name": {"any_": [deployment]}}})
        return str(self.prefect(f"deployments/{found[0]['id']}/create_flow_run", {})["id"])

    def ended(self, run: str) -> Any:
        """Returns a flow run when it is over."""
        until(lambda: self.prefect(f"flow_runs/{run}")["state"]["type"] in FINAL)
        return self.prefect(f"flow_runs/{run}")

    def prefect(self, path: str, body: object = None) -> Any:
        said = None if body is None else json.dumps(body).encode()
        address = f"{self.exports['PREFECT_API_URL']}/{path}"
        request = urllib.request.Request(address, said, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)


def without_tools() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith((*TOOLS, "PG"))}


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.3)


def two_quick_recipes(project: Project) -> None:
    """Makes two recipes of the digits, trained for seconds, each with its data stages and its deployment."""
    path = project.root / "params/digits.yaml"
    recipe = yaml.safe_load(path.read_text())
    recipe["teacher"] = {"architecture": {"kind": "cnn", "channels": [8]}, "training": dict(TRAINING)}
    recipe["student"] = {"architecture": {"kind": "cnn", "channels": [4]}, "training": dict(TRAINING)}
    recipe["compress"] = {"target": {"isa": "x86", "threads": 1}, "candidates": ["fp32"]}
    recipe["evaluate"] = {"resamples": 100, "latency": {"batch_size": 2, "warmup": 1, "repeats": 20}}
    limits = {"not_worse_than_baseline": False, "better_than_constant": False}
    recipe["promote"] = {"staging": {"approval": "automatic", **limits}}
    for name in RECIPES:
        (project.root / f"params/{name}.yaml").write_text(yaml.safe_dump(recipe | {"name": name}))
    stages = project.root / "dvc.yaml"
    pipeline = yaml.safe_load(stages.read_text())
    recipes = pipeline["vars"][0]["recipes"]
    recipes["numerals"] = recipes["digits"]
    stages.write_text(yaml.safe_dump(pipeline))
    deployments = project.root / "infra/prefect.yaml"
    content = yaml.safe_load(deployments.read_text())
    first = content["deployments"][0]
    second = first | {"name": "numerals-process", "parameters": {"recipe": "params/numerals.yaml"}}
    deployments.write_text(yaml.safe_dump(content | {"deployments": [first, second]}))


def start(project: Project, home: Path, log: Path) -> "subprocess.Popen[bytes]":
    variables = {"STILLHOUSE_HOME": str(home), "PREFECT_WORKER_QUERY_SECONDS": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-u", "-m", "cli.main", "team", "--workers", "2"]
    with log.open("wb") as output:
        return subprocess.Popen(
            command, cwd=project.root, env=without_tools() | variables, stdout=output, stderr=subprocess.STDOUT
        )


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A state folder that the account of PostgreSQL can reach; pytest's are closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="stillhouse-team-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def team(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    required(postgresql.installed, "postgresql")
    project = make_project(tmp_path_factory.mktemp("team"))
    two_quick_recipes(project)
    log = project.root.parent / "team.log"
    process = start(project, home, log)
    try:
        until(lambda: "Ctrl-C ends them." in log.read_text() or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        exports = [line.removeprefix("export ") for line in log.read_text().splitlines() if "export " in line]
        yield Team(project, home, process, dict(line.split("=", 1) for line in exports))
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(120)


@pytest.fixture(scope="module")
def runs(team: Team) -> Mapping[str, Any]:
    """The two recipes, asked for at once, when both are over."""
    asked = {name: team.ask(f"{name}-process") for name in RECIPES}
    return {name: team.ended(run) for name, run in asked.items()}


def log_of(team: Team) -> str:
    """Returns the last words of the workers, for whoever reads why a test failed."""
    return "\n".join(path.read_text()[-5_000:] for path in sorted((team.home / "team").glob("worker-*.log")))


def test_two_workers_run_two_recipes_at_once(team: Team, runs: Mapping[str, Any]) -> None:
    states = {name: run["state"] for name, run in runs.items()}
    assert {name: state["name"] for name, state in states.items()} == dict.fromkeys(RECIPES, "Released"), (
        f"{states}\n{log_of(team)}"
    )
    first, second = ([datetime.fromisoformat(run[f"{end}_time"]) for end in ("start", "end")] for run in runs.values())
    assert max(first[0], second[0]) < min(first[1], second[1])
    logs = [(team.home / f"team/worker-{number}.log").read_text() for number in (1, 2)]
    assert sorted(name for log in logs for name in RECIPES if f"{name}: running because" in log) == [*RECIPES]
    assert all("running because" in log for log in logs)


def test_both_versions_are_in_the_one_mlflow_with_files_that_it_served(team: Team, runs: Mapping[str, Any]) -> None:
    client = MlflowClient(team.exports["MLFLOW_TRACKING_URI"])
    for name in RECIPES:
        assert [version.version for version in client.search_model_versions(f"name = '{name}'")] == ["1"]
        found = client.get_model_version_by_alias(name, "staging")
        model = client.get_logged_model(str(found.source).removeprefix("models:/"))
        files = {Path(file.path).name for file in client.list_logged_model_artifacts(model.model_id, "bundle")}
        assert model.artifact_location.startswith("mlflow-artifacts:/")
        assert {"model.onnx", "manifest.json"} <= files
    assert len([*(team.home / "team/artifacts").rglob("bundle/model.onnx")]) == 2


def test_the_ledger_in_postgresql_has_both_runs_and_one_champion_of_each(team: Team, runs: Mapping[str, Any]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGPASSFILE", team.exports["PGPASSFILE"])
        ledger = create_engine(team.exports["STILLHOUSE_LEDGER_URI"])
        with ledger.connect() as connection:
            rows = connection.execute(text("select recipe, outcome, version from runs order by recipe")).all()
            moved = connection.execute(
                text("select model, environment, version from decisions where event = 'promoted' order by model")
            ).all()
        ledger.dispose()
    assert [tuple(row) for row in rows] == [(name, "released", 1) for name in RECIPES]
    assert [tuple(row) for row in moved] == [(name, "staging", 1) for name in RECIPES]
    audit = team.stillhouse("audit")
    assert (audit.returncode, "the chain holds" in audit.stdout) == (0, True), audit.stdout + audit.stderr


def test_what_a_colleague_asks_for_again_is_not_done_again(team: Team, runs: Mapping[str, Any]) -> None:
    run = team.ended(team.ask("digits-process"))
    assert run["state"]["name"] == "Nothing to do"
    client = MlflowClient(team.exports["MLFLOW_TRACKING_URI"])
    assert len(client.search_model_versions("name = 'digits'")) == 1


def test_the_scheduler_plans_runs_of_both_schedules(team: Team) -> None:
    def planned() -> set[str]:
        wanted = {"flow_runs": {"state": {"name": {"any_": ["Scheduled"]}}}, "limit": 200}
        return {run["deployment_id"] for run in team.prefect("flow_runs/filter", wanted) if run["auto_scheduled"]}

    until(lambda: len(planned()) == len(RECIPES))


def test_no_secret_is_on_the_terminal_or_in_the_list_of_processes(team: Team) -> None:
    password = Path(team.exports["PGPASSFILE"]).read_text().strip().rpartition(":")[2]
    assert len(password) > 20
    assert Path(team.exports["PGPASSFILE"]).stat().st_mode & 0o077 == 0
    texts = [log.read_text() for log in [*(team.home / "team").glob("*.log"), team.project.root.parent / "team.log"]]
    lines = [" ".join(process.cmdline()) for process in of_stack(team.home)]
    assert len(lines) > 4
    assert [said for said in [*texts, *lines, *team.exports.values()] if password in said] == []


def test_a_second_stack_in_the_same_folder_is_one_message(team: Team) -> None:
    said = team.stillhouse("team")
    assert (said.returncode, "expected no other `stillhouse team` here" in said.stderr) == (1, True)
    assert "Traceback" not in said.stderr


def test_sigterm_ends_all_of_it(team: Team) -> None:
    assert of_stack(team.home) != []
    team.process.send_signal(signal.SIGTERM)
    assert team.process.wait(120) == 0
    assert [process.cmdline() for process in of_stack(team.home)] == []


def of_stack(home: Path) -> list[psutil.Process]:
    """Returns every process of this machine that was started with this state folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("STILLHOUSE_HOME") == str(home) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def test_a_machine_without_postgresql_is_told_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(postgresql, "PROGRAMS", tmp_path)
    with pytest.raises(InputError, match=r"expected `initdb` and `postgres`, got neither; .*apt-get install"):
        postgresql.programs()


@pytest.mark.skipif(os.geteuid() != 0, reason="another user runs PostgreSQL for root only")
def test_a_folder_that_the_account_of_the_server_cannot_reach_is_named(tmp_path: Path) -> None:
    required(postgresql.installed, "postgresql")
    (tmp_path / "closed").mkdir(mode=0o700)
    with pytest.raises(InputError, match=r"closed to it; run as an ordinary user, or point STILLHOUSE_HOME"):
        postgresql.make(postgresql.Cluster(tmp_path / "closed/postgresql", 5432))


def test_an_unknown_service_is_one_message_with_all_names() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "infra.services.run", "redis"], capture_output=True, text=True, check=False
    )
    assert said.returncode == 2
    assert "`NAME`: expected mlflow, prefect, deploy, worker, got redis" in said.stderr
