"""A project of its own per test session: this repository copied, committed, and driven by its command line."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import url2pathname

import pytest
from mlflow import MlflowClient
from sqlalchemy import insert

from benchmarks.clone import clone_into
from cli.main import main
from cli.output.console import to_stderr
from flows.changes import ingredients_of
from flows.run import load
from infra.services.prefect_server import HOST, free_port, wait_until_healthy
from tasks.contracts.releases import Release
from tasks.registry.ledger import database
from tasks.registry.ledger import entries as ledger
from tasks.registry.ledger.tables import RELEASES

REPOSITORY = Path(__file__).parents[2]
TOOLS = ("PREFECT_", "MLFLOW_", "DVC_", "STILLHOUSE_")
WATCHER = Path(__file__).parent / "watcher"


@dataclass(frozen=True)
class Said:
    """What a command printed, how it ended, and how long it took."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def stages(self) -> dict[str, str]:
        """Stage -> done, reused or failed."""
        found = re.findall(r"^  (done|reused|failed) +(student alone|\w+)", self.out, re.MULTILINE)
        return {stage: what for what, stage in found}


@dataclass(frozen=True)
class Project:
    """A clone of this repository; every Python process in it writes its outside connections to `connections`."""

    root: Path
    connections: Path
    api: str | None = None
    """of a Prefect server that is there; None: each command that needs one starts its own"""
    variables: tuple[tuple[str, str], ...] = ()
    """further ones of the environment, by name"""

    def stillhouse(self, *arguments: str, timeout: float = 900) -> Said:
        """Runs the command in the clone."""
        return self.python("-m", "cli.main", *arguments, timeout=timeout)

    def python(self, *arguments: str, timeout: float = 900) -> Said:
        """Runs Python in the clone, with nothing of the caller's settings for our tools."""
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.root,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr, time.perf_counter() - started)

    def started(self, *arguments: str) -> "subprocess.Popen[str]":
        """Begins the command in the clone, without waiting for its end."""
        pipe = subprocess.PIPE
        command = [sys.executable, "-m", "cli.main", *arguments]
        return subprocess.Popen(command, cwd=self.root, env=self._environment(), stdout=pipe, stderr=pipe, text=True)

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(TOOLS)}
        kept |= {"PYTHONPATH": str(WATCHER), "WATCHER_LOG": str(self.connections), "COLUMNS": "200"}
        return kept | ({"PREFECT_API_URL": self.api} if self.api else {}) | dict(self.variables)

    def git(self, *arguments: str) -> str:
        """Returns what git says in the clone."""
        return subprocess.run(["git", *arguments], cwd=self.root, capture_output=True, text=True, check=True).stdout

    def registered(self, model: str, version: int) -> Path:
        """Returns the folder of the bundle of a version in the registry of the clone."""
        return self.files_of(model, version) / "bundle"

    def files_of(self, model: str, version: int) -> Path:
        """Returns the folder that a version in the registry of the clone leads to."""
        client = MlflowClient(f"sqlite:///{self.root / '.stillhouse/mlflow.db'}")
        return Path(url2pathname(client.get_model_version_download_uri(model, str(version)).removeprefix("file://")))


def make_project(folder: Path) -> Project:
    """Copies what git would clone, with uncommitted changes, and commits it."""
    root = folder / "clone"
    clone_into(root)
    return Project(root, folder / "connections.log")


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A clone in which nothing ever ran, for commands that end before they do anything."""
    return make_project(tmp_path_factory.mktemp("fresh"))


Typed = Callable[..., Said]


@pytest.fixture
def typed(fresh: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Typed]:
    """Runs a command in the fresh clone and in this process, which has imported what it needs already.

    What commands set in the environment is taken back.
    """
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith(TOOLS)]:
        del os.environ[name]
    os.environ["COLUMNS"] = "200"
    monkeypatch.chdir(fresh.root)

    def run(*arguments: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["stillhouse", *arguments])
        database.engine.cache_clear()
        started = time.perf_counter()
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        return Said(int(end.value.code or 0), said.out, said.err, time.perf_counter() - started)

    yield run
    to_stderr(False)  # a command that prints JSON asks for it, and its process ends
    database.engine.cache_clear()
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A clone to run recipes in."""
    return make_project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="session")
def served(project: Project, prefect_api: str) -> Project:
    """The same clone, for commands that need not start a Prefect server of their own."""
    return replace(project, api=prefect_api)


@pytest.fixture(scope="session")
def own_project(tmp_path_factory: pytest.TempPathFactory, prefect_api: str) -> Project:
    """A clone for recipes of a person's own, whose working tree they change."""
    return replace(make_project(tmp_path_factory.mktemp("own")), api=prefect_api)


@pytest.fixture(scope="session")
def first_run(project: Project) -> Said:
    """`stillhouse run params/digits.yaml` in a fresh clone."""
    return project.stillhouse("run", "params/digits.yaml")


@pytest.fixture
def quiet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A clone whose ledger says that `digits` ran as it stands, and that a version came of it."""
    project = make_project(tmp_path)
    monkeypatch.chdir(project.root)
    database.engine.cache_clear()
    facts = {"model": "digits", "version": 1, "fingerprint": "0" * 64, "bundle": (), "teacher_version": 1}
    release = Release(**facts, data_version="v", git_commit="none", run_id="r", created=datetime.now(UTC))
    row = {"model": "digits", "version": 1, "fingerprint": release.fingerprint, "release": release.model_dump_json()}
    with database.engine().begin() as connection:
        connection.execute(insert(RELEASES).values(**row, evaluation="{}", time=release.created, seal="0" * 64))
    ledger.add_run("digits", ingredients_of(*load(Path("params/digits.yaml"), [])), "released", 1)
    yield project
    database.engine.cache_clear()


@pytest.fixture(scope="session")
def prefect_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real Prefect server on a new database: for each test to start its own would take seconds."""
    home, port = tmp_path_factory.mktemp("prefect"), free_port(0)
    address, log = f"http://{HOST}:{port}/api", home / "server.log"
    environment = {**os.environ, "PREFECT_HOME": str(home), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    environment["PREFECT_UI_ENABLED"] = "0"
    command = [sys.executable, "-m", "infra.services.prefect_server", str(port)]
    with log.open("wb") as out:
        server = subprocess.Popen(
            command, cwd=REPOSITORY, env=environment, stdin=subprocess.PIPE, stdout=out, stderr=out
        )
    wait_until_healthy("Prefect", f"{address}/health", server, log)
    yield address
    server.communicate()
