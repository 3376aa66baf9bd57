"""MLflow's and Prefect's own pages on the state of this project, served on this machine only."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import webbrowser
from dataclasses import dataclass

from flows.console import console
from tasks.errors import StageError
from tasks.workspace import prepare_environment, state_dir

HOST = "127.0.0.1"
PATIENCE_SECONDS = 120


@dataclass(frozen=True)
class Page:
    """A server: what it shows, where, and the process if it is ours."""

    title: str
    url: str
    health: str
    process: subprocess.Popen[bytes] | None


def serve_pages(browser: bool) -> None:
    """Starts both servers, says where they are, and serves until Ctrl-C; servers named by a variable are not started.

    Raises:
        StageError: a server did not answer.
    """
    prepare_environment()
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    pages = [_mlflow(), _prefect()]
    try:
        for page in pages:
            _wait(page, ended)
            console.print(f"{page.title:<8} {page.url}")
            if browser:
                webbrowser.open(page.url)
        console.print("Ctrl-C ends them.")
        ended.wait()
    finally:
        for page in pages:
            _stop(page)


def _mlflow() -> Page:
    uri = os.environ["MLFLOW_TRACKING_URI"]
    if uri.startswith("http"):
        return Page("MLflow", uri, f"{uri}/health", None)
    port = _free_port(5000)
    command = ["mlflow", "server", "--backend-store-uri", uri, "--host", HOST, "--port", str(port), "--workers", "1"]
    return Page("MLflow", f"http://{HOST}:{port}", f"http://{HOST}:{port}/health", _start("mlflow", command))


def _prefect() -> Page:
    api = os.environ.get("PREFECT_API_URL")
    if api:
        return Page("Prefect", api.removesuffix("/api"), f"{api}/health", None)
    port = _free_port(4200)
    os.environ["PREFECT_UI_API_URL"] = f"http://{HOST}:{port}/api"
    command = ["prefect", "server", "start", "--host", HOST, "--port", str(port)]
    return Page("Prefect", f"http://{HOST}:{port}", f"http://{HOST}:{port}/api/health", _start("prefect", command))


def _start(name: str, command: list[str]) -> subprocess.Popen[bytes]:
    """Starts a server in a process group of its own, so that all its workers end with it."""
    log = (state_dir() / f"{name}-server.log").open("ab")
    return subprocess.Popen(
        [sys.executable, "-m", *command], stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
    )


def _wait(page: Page, ended: threading.Event) -> None:
    """Returns when the page answers, or when it is not wanted any more."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and not (page.process and page.process.poll() is not None):
        if ended.is_set():
            return
        try:
            with urllib.request.urlopen(page.health, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    log = state_dir() / f"{page.title.lower()}-server.log"
    raise StageError(
        f"{page.title}: expected an answer from {page.health}, got none; the reason is at the end of {log}"
    )


def _stop(page: Page) -> None:
    if page.process and page.process.poll() is None:
        os.killpg(page.process.pid, signal.SIGTERM)
        try:
            page.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(page.process.pid, signal.SIGKILL)


def _free_port(wanted: int) -> int:
    """Returns the usual port of a server, or any free one where that is taken."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    return wanted
