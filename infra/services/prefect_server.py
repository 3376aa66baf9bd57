"""A Prefect server for as long as a command runs, where no other is named.

Prefect can start one by itself, but that one gets the Ctrl-C that was meant for the flow, so that the flow waits for a
server that is gone; and it outlives a flow that is killed. Ours is in a session of its own and watches a pipe: it ends
when the process that started it ends, however that happens, and not before: who stops a service or a container sends
SIGTERM to all its processes at once, and the flow then has still to say that it was stopped. A process that ends well
says so on the pipe, and the server then writes down what it has got; after one that was killed it is gone at once. It
also starts while we import the rest. Without a port, `python -m infra.services.prefect_server` is the server of a team:
it listens where Prefect's settings say, ends on SIGTERM, and watches no parent.
"""

import atexit
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from infra.services.prefect_database import make_database, one_at_a_time
from infra.services.prefect_scheduler_patch import let_scheduler_insert
from tasks.core.errors import StageError
from tasks.core.workspace import state_dir

if TYPE_CHECKING:
    import uvicorn

HOST = "127.0.0.1"
PATIENCE_SECONDS = 180.0
"""a new home has its database made first: seconds, or minutes on a busy machine"""
LAST_LINES = 10
GRACE_SECONDS = 5.0
"""for the server to write down what it has got"""


def start_prefect_api(scheduler: bool = False) -> Callable[[], None]:
    """Gives the flows of this process an API: the one `PREFECT_API_URL` names, else one of our own.

    Ours makes runs of schedules only where `scheduler` is asked for: Prefect's background services take their time.
    Returns a function to call before the first flow: it returns when the server answers. Prefect must not have been
    imported before, since it reads its settings then. The server is not stopped here: when this process exits, Prefect
    first hands in its last logs and events, which is when this module bids the server farewell.
    """
    if os.environ.get("PREFECT_API_URL"):
        return lambda: None
    port, log = free_port(0), state_dir() / "prefect-server.log"
    process = _start(port, log, scheduler)
    atexit.register(_bid_farewell, process)  # before Prefect is imported, so after all that Prefect does at the end
    os.environ["PREFECT_API_URL"] = f"http://{HOST}:{port}/api"
    return lambda: wait_until_healthy("Prefect", f"http://{HOST}:{port}/api/health", process, log)


def wait_until_healthy(
    title: str,
    health: str,
    process: "subprocess.Popen[bytes] | None",
    log: Path,
    ended: threading.Event | None = None,
) -> None:
    """Returns when a server answers, or when `ended` is set: it is not wanted any more.

    Raises:
        StageError: it ended, or did not answer in time.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and (process is None or process.poll() is None):
        if ended is not None and ended.is_set():
            return
        try:
            with urllib.request.urlopen(health, timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    said = "\n".join(log.read_text(errors="replace").splitlines()[-LAST_LINES:]) if log.is_file() else ""
    raise StageError(f"{title}: expected an answer from {health}, got none; `{log}` ends with:\n{said}".rstrip())


def results_folder() -> Path:
    """Returns the folder in which Prefect keeps results of stages."""
    from prefect.settings import get_current_settings

    return Path(get_current_settings().results.local_storage_path)


def free_port(wanted: int) -> int:
    """Returns the port that is wanted, or any free one where that is taken or 0."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise StageError(f"`{HOST}`: expected a free port, got none; close what listens there")


def _start(port: int, log: Path, scheduler: bool) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "PREFECT_UI_ENABLED": "0"} | ({} if scheduler else {"PREFECT__SERVER_EPHEMERAL": "1"})
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "infra.services.prefect_server", str(port)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def _bid_farewell(process: "subprocess.Popen[bytes]") -> None:
    """Tells the server that all is handed in."""
    if process.stdin is not None:
        with suppress(OSError):  # it has ended itself
            process.stdin.write(b".")
            process.stdin.close()


def _server(host: str, port: int) -> "uvicorn.Server":
    """Returns a server of Prefect's API; whether it is an ephemeral one is in the environment by now."""
    import uvicorn
    from prefect.server.api.server import create_app

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            with one_at_a_time():
                await super().startup(sockets)

    make_database()
    let_scheduler_insert()
    return Server(uvicorn.Config(create_app(final=True), host=host, port=port, log_level="error"))


def _serve_parent(port: int) -> None:
    """Serves until the other end of stdin is closed, which gets one byte at most."""
    made: list[uvicorn.Server] = []

    def end_with_parent() -> None:
        if os.read(sys.stdin.fileno(), 1):
            for server in made:
                server.should_exit = True
            time.sleep(GRACE_SECONDS)
        os._exit(1)

    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # Before the imports of the server, in which it may be left alone as well.
    threading.Thread(target=end_with_parent, daemon=True).start()
    made.append(_server(HOST, port))
    made[0].handle_exit = lambda *_: None  # type: ignore[method-assign]  # uvicorn's handler, of SIGTERM and SIGINT
    made[0].run()


def _serve_team() -> None:
    """Serves where Prefect's own settings say (`PREFECT_SERVER_API_HOST`, `..._PORT`), until it is told to end."""
    from prefect.settings import get_current_settings

    api = get_current_settings().server.api
    _server(api.host, api.port).run()


if __name__ == "__main__":
    if len(sys.argv) == 1:
        _serve_team()
    else:
        _serve_parent(int(sys.argv[1]))
