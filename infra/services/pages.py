"""MLflow's and Prefect's own pages on the state of this project, served on this machine only."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.services import watchdog
from infra.services.prefect_database import make_database
from infra.services.prefect_server import HOST, free_port, wait_until_healthy
from tasks.core.workspace import state_dir
from tasks.tracking import runs

GRACE_SECONDS = 10


@dataclass(frozen=True)
class Page:
    """A server: what it shows, where, and the process if it is ours."""

    title: str
    url: str
    health: str
    process: subprocess.Popen[bytes] | None

    def wait(self, ended: threading.Event) -> None:
        """Returns when the server answers, or when it is not wanted any more.

        Raises:
            StageError: it did not answer.
        """
        wait_until_healthy(self.title, self.health, self.process, _log(self.title), ended)


@contextmanager
def started_pages() -> Iterator[tuple[Page, ...]]:
    """Starts both servers, which end with the block; servers that a variable names are not started."""
    pages = (_mlflow(), _prefect())
    try:
        yield pages
    finally:
        for page in pages:
            _stop(page)


def _mlflow() -> Page:
    uri = os.environ["MLFLOW_TRACKING_URI"]
    if uri.startswith("http"):
        return Page("MLflow", uri, f"{uri}/health", None)
    runs.client()  # makes the database, which the server would leave in pieces where it is killed meanwhile
    port = free_port(5000)
    # By a variable: everybody on the machine may read a command line, and the address of a database has a password.
    os.environ["MLFLOW_BACKEND_STORE_URI"] = uri
    command = ["mlflow", "server", "--host", HOST, "--port", str(port), "--workers", "1"]
    return Page("MLflow", f"http://{HOST}:{port}", f"http://{HOST}:{port}/health", _start("mlflow", command))


def _prefect() -> Page:
    api = os.environ.get("PREFECT_API_URL")
    if api:
        return Page("Prefect", api.removesuffix("/api"), f"{api}/health", None)
    make_database()  # which two servers on a new one, or one that is killed meanwhile, would spoil
    port = free_port(4200)
    os.environ["PREFECT_UI_API_URL"] = f"http://{HOST}:{port}/api"
    command = ["prefect", "server", "start", "--host", HOST, "--port", str(port)]
    return Page("Prefect", f"http://{HOST}:{port}", f"http://{HOST}:{port}/api/health", _start("prefect", command))


def _start(name: str, command: list[str]) -> subprocess.Popen[bytes]:
    """Starts a server in a process group of its own, so that all its workers end with it, and with this process."""
    with _log(name).open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *command], stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
        )
    watchdog.watch(process.pid)
    return process


def _log(title: str) -> Path:
    return state_dir() / f"{title.lower()}-pages.log"


def _stop(page: Page) -> None:
    if page.process and page.process.poll() is None:
        os.killpg(page.process.pid, signal.SIGTERM)
        try:
            page.process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(page.process.pid, signal.SIGKILL)
        watchdog.forget(page.process.pid)
