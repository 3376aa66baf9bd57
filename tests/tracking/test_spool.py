"""Metrics survive that MLflow is away: they wait in a file, and whoever hands them in does not."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.services.prefect_server import free_port, wait_until_healthy
from tasks.core.workspace import state_dir
from tasks.tracking import runs
from tasks.tracking.spool import Measured, Spool, spooled

SECONDS = 0.5
"""that nobody may wait who hands metrics in"""


class Receiver:
    """Takes metrics, unless it is away."""

    def __init__(self) -> None:
        self.away, self.got = False, list[Measured]()

    def __call__(self, measured: Sequence[Measured]) -> None:
        if self.away:
            raise ConnectionError("away")
        self.got += measured


def test_what_could_not_be_delivered_is_delivered_later_in_order_and_once(tmp_path: Path) -> None:
    receiver = Receiver()
    spool = Spool(tmp_path / "run.jsonl", receiver, every=60)
    receiver.away = True
    spool.add(1, {"loss": 0.1 + 0.2, "rate": float("inf")})
    with pytest.raises(ConnectionError):
        spool.deliver()
    spool.add(2, {"loss": 0.5})
    assert [*spooled(tmp_path)] == [tmp_path / "run.jsonl"]
    receiver.away = False
    Spool(tmp_path / "run.jsonl", receiver, every=60).deliver()
    assert [(one.name, one.value, one.step) for one in receiver.got] == [
        ("loss", 0.1 + 0.2, 1),
        ("rate", float("inf"), 1),
        ("loss", 0.5, 2),
    ]
    assert not [*spooled(tmp_path)]


def test_a_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    receiver = Receiver()
    spool = Spool(tmp_path / "run.jsonl", receiver, every=60)
    spool.add(1, {"loss": 1.0, "rate": 2.0})
    path = tmp_path / "run.jsonl"
    path.write_text(path.read_text()[:-9])
    spool.deliver()
    assert [one.name for one in receiver.got] == ["loss"]


@dataclass
class Server:
    """A real MLflow server on one port and one database, which can be away."""

    folder: Path
    port: int
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        command = ["server", "--host=127.0.0.1", f"--port={self.port}", "--workers=1"]
        store = [f"--backend-store-uri=sqlite:///{self.folder / 'server.db'}", "--artifacts-destination=artifacts"]
        with (self.folder / "server.log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mlflow", *command, *store],
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
            )
        address = f"http://127.0.0.1:{self.port}/health"
        wait_until_healthy("MLflow", address, self.process, self.folder / "server.log")

    def stop(self) -> None:
        if self.process:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process = None


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    server = Server(tmp_path, free_port(0))
    monkeypatch.setenv("STILLHOUSE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{server.port}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    monkeypatch.setattr(runs, "FLUSH_SECONDS", 0.2)
    for cached in (runs.client, runs.parent_of):
        cached.cache_clear()
    (tmp_path / "state").mkdir()
    server.start()
    yield server
    server.stop()
    runs.client.cache_clear()


def test_training_goes_on_while_mlflow_is_away_and_no_metric_is_lost(server: Server) -> None:
    waits: list[float] = []

    def measure(run: runs.StageRun, steps: range) -> None:
        for step in steps:
            begun = time.monotonic()
            run.metrics(step, {"loss": 1 / step})
            waits.append(time.monotonic() - begun)
            time.sleep(0.05)

    with runs.flow_run("product", "retrain", "flow", {}) as run:
        leave_behind(run.id, "killed")
        measure(run, range(1, 10))
        server.stop()
        measure(run, range(10, 30))
        with pytest.raises(Exception, match="Max retries"):
            runs.deliver_left("killed")
        server.start()
        measure(run, range(30, 40))
        assert runs.deliver_left("killed") == 1
    assert runs.history(run.id, "loss") == tuple(1 / step for step in range(1, 40))
    assert runs.history(run.id, "left") == (0.5,)
    assert runs.deliver_left("killed") == 0
    assert max(waits) < SECONDS


def leave_behind(run_id: str, owner: str) -> None:
    """Writes the metric `left` as a process does that is killed before it can deliver it."""
    Spool(state_dir() / "spool" / owner / f"{run_id}.jsonl", Receiver(), every=60).add(1, {"left": 0.5})
