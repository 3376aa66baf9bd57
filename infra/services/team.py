"""A team's stack on one machine, without containers: PostgreSQL, MLflow, Prefect, workers, and the schedules deployed.

It is a command of ours and no shell script, because what it takes is here already, typed and tested: free ports,
waiting until a server is healthy, ending process groups, one message where something is missing.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from infra.services import postgresql, watchdog
from infra.services import run as services
from infra.services.postgresql import Cluster
from infra.services.prefect_server import HOST, LAST_LINES, free_port, wait_until_healthy
from tasks.core.errors import BusyError, InputError, StageError, mismatch
from tasks.core.workspace import project_root, state_dir

DATABASES = "infra/databases.sql"
GRACE_SECONDS = 20.0
"""for a service to end; workers close the runs that go on, which takes a request to Prefect"""
LOOK_SECONDS = 0.5


@dataclass
class Stack:
    """What was started, in that order; each in a process group of its own, with a log."""

    folder: Path
    environment: Mapping[str, str]
    ended: threading.Event
    """set by Ctrl-C and SIGTERM, which only this process gets"""
    started: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def log(self, name: str) -> Path:
        """Returns the log of a service."""
        return self.folder / f"{name}.log"

    def start(self, name: str, command: Sequence[str], variables: Mapping[str, str], **account: Any) -> None:
        """Starts a service with variables of its own beside those of all."""
        with self.log(name).open("wb") as log:
            self.started[name] = subprocess.Popen(
                command,
                env={**self.environment, **variables},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **account,
            )
        watchdog.watch(self.started[name].pid)

    def wait(self, name: str, kind: str, port: str) -> None:
        """Returns when a service is healthy, or when the stack is ended."""
        health = f"http://{HOST}:{port}{services.HEALTH[kind]}"
        wait_until_healthy(name, health, self.started[name], self.log(name), self.ended)

    def finish(self, name: str) -> None:
        """Returns when a service that ends by itself has done so, or when the stack is ended.

        Raises:
            StageError: it failed.
        """
        process = self.started[name]
        while process.poll() is None and not self.ended.wait(LOOK_SECONDS):
            pass
        if process.poll() is not None:
            del self.started[name]
            watchdog.forget(process.pid)
        if process.returncode and not self.ended.is_set():
            raise self._died(name, process.returncode)

    def watch(self) -> None:
        """Returns when the stack is ended.

        Raises:
            StageError: a service ended by itself.
        """
        while not self.ended.wait(LOOK_SECONDS):
            for name, process in self.started.items():
                if process.poll() is not None:
                    raise self._died(name, process.returncode)

    def end(self) -> None:
        """Ends all services, workers first, who tell Prefect, and the database last; nothing of them is left."""
        servers = [name for name in ("prefect", "mlflow") if name in self.started]
        others = [name for name in self.started if name not in ("postgresql", *servers)]
        for names in (others, servers, ["postgresql"] if "postgresql" in self.started else []):
            for name in names:
                # On SIGTERM, PostgreSQL would wait for its clients; on SIGINT, it hangs up on them.
                self.started[name].send_signal(signal.SIGINT if name == "postgresql" else signal.SIGTERM)
            for name in names:
                _end_group(self.started[name])

    def _died(self, name: str, code: int) -> StageError:
        said = "\n".join(self.log(name).read_text(errors="replace").splitlines()[-LAST_LINES:])
        return StageError(f"{name}: ended with exit code {code}; `{self.log(name)}` ends with:\n{said}".rstrip())


def _end_group(process: "subprocess.Popen[bytes]") -> None:
    """Waits for a process that was told to end, then kills what is left of its group."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(GRACE_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    watchdog.forget(process.pid)


def serve_team(workers: int, ended: threading.Event, started: Callable[[Stack], None]) -> None:
    """Starts the stack, deploys, and serves until `ended` is set.

    Args:
        workers: how many runs may go on at once.
        ended: set by Ctrl-C and SIGTERM.
        started: called when everything answers.

    Raises:
        InputError: something that it needs is missing on this machine.
        BusyError: it runs already.
        StageError: a service did not answer, or ended.
    """
    project = project_root()
    postgresql.programs()
    if not (project / DATABASES).is_file():
        raise InputError(mismatch(str(project / DATABASES), "", "the databases", "none", "change into a clone"))
    services.prepare_services()
    folder = state_dir() / "team"
    folder.mkdir(exist_ok=True)
    with _alone(folder):
        os.chdir(project)
        cluster = Cluster(folder / "postgresql", free_port(5432))
        stack = Stack(folder, _environment(project, cluster), ended)
        try:
            _start_database(stack, cluster, project)
            _start_servers(stack, cluster)
            _start_workers(stack, workers)
            if not ended.is_set():
                started(stack)
            stack.watch()
        finally:
            stack.end()


def _start_database(stack: Stack, cluster: Cluster, project: Path) -> None:
    postgresql.make(cluster)
    os.environ["PGPASSFILE"] = str(cluster.pass_file)
    stack.start("postgresql", cluster.command(), {}, cwd="/", **postgresql.account())
    log = stack.log("postgresql")
    postgresql.make_databases(cluster, project / DATABASES, stack.started["postgresql"], log)


def _start_servers(stack: Stack, cluster: Cluster) -> None:
    """Starts MLflow and Prefect side by side: each makes its tables first."""
    mlflow, prefect = (stack.environment[name].rsplit(":")[-1] for name in ("MLFLOW_TRACKING_URI", "PREFECT_UI_URL"))
    stack.start("mlflow", _command("mlflow"), _mlflow(stack, cluster, mlflow))
    stack.start("prefect", _command("prefect"), _prefect(cluster, prefect))
    stack.wait("mlflow", "mlflow", mlflow)
    stack.wait("prefect", "prefect", prefect)


def _start_workers(stack: Stack, workers: int) -> None:
    """Deploys, then starts the workers: the pool is made with the first deployment."""
    if stack.ended.is_set():
        return
    stack.start("deploy", _command("deploy"), {})
    stack.finish("deploy")
    ports = [str(free_port(0)) for _ in range(workers)]
    for number, port in enumerate(ports, 1):
        listens = {"PREFECT_WORKER_WEBSERVER_HOST": HOST, "PREFECT_WORKER_WEBSERVER_PORT": port}
        stack.start(f"worker-{number}", _command("worker"), listens)
    for number, port in enumerate(ports, 1):
        stack.wait(f"worker-{number}", "worker", port)


def _environment(project: Path, cluster: Cluster) -> dict[str, str]:
    """Returns the variables of all services; `EXPORTED` are those that a person needs, too."""
    page = f"http://{HOST}:{free_port(4200)}"
    return {
        **os.environ,
        "PGPASSFILE": str(cluster.pass_file),
        "PREFECT_API_URL": f"{page}/api",
        "PREFECT_UI_URL": page,
        "MLFLOW_TRACKING_URI": f"http://{HOST}:{free_port(5000)}",
        "STILLHOUSE_LEDGER_URI": cluster.address("psycopg", "ledger"),
        "STILLHOUSE_PROJECT": str(project),
    }


EXPORTED = ("PREFECT_API_URL", "MLFLOW_TRACKING_URI", "STILLHOUSE_LEDGER_URI", "PGPASSFILE")


def _mlflow(stack: Stack, cluster: Cluster, port: str) -> dict[str, str]:
    return {
        "MLFLOW_BACKEND_STORE_URI": cluster.address("psycopg", "mlflow"),
        "MLFLOW_ARTIFACTS_DESTINATION": str(stack.folder / "artifacts"),
        "MLFLOW_HOST": HOST,
        "MLFLOW_PORT": port,
        "MLFLOW_WORKERS": "1",
    }


def _prefect(cluster: Cluster, port: str) -> dict[str, str]:
    return {
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": cluster.address("asyncpg", "prefect"),
        "PREFECT_SERVER_API_HOST": HOST,
        "PREFECT_SERVER_API_PORT": port,
    }


def _command(service: str) -> list[str]:
    return [sys.executable, "-m", "infra.services.run", service]


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    lock = FileLock(folder / "team.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        do = "end the other one, or give STILLHOUSE_HOME another folder"
        raise BusyError(mismatch(str(folder), "", "no other `stillhouse team` here", "one", do)) from None
    try:
        yield
    finally:
        lock.release()
