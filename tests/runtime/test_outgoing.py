"""A process with a model of ONNX Runtime's sends nothing, and would without the variable that this project sets.

Nor does a device that updates and serves for a minute, beside what it asks its channel.
"""

import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from infra.services.prefect_server import HOST, free_port
from tasks.contracts.records import InputSpec
from tests.outgoing import living, outgoing, sent, watched
from tests.runtime.conftest import MakeBundle, mean_model
from tests.runtime.tuf_world import World
from tests.runtime.web_server import web_server

PROJECT = Path(__file__).parents[2]
PATIENCE_SECONDS = 60
"""for the first look-up, which comes after five to ten"""
MARGIN_SECONDS = 2
LIVES = """
import sys
from pathlib import Path
from tasks.runtime.bundle.session import Session
session = Session(Path(sys.argv[1]).read_bytes())
sys.stdin.read()
"""
WITHOUT = f"import os, tasks.runtime; del os.environ['ORT_DISABLE_TELEMETRY']{LIVES}"


def test_session_sends_nothing_and_would_without_the_variable(tmp_path: Path) -> None:
    model, quiet, loud = (tmp_path / name for name in ("model.onnx", "quiet", "loud"))
    model.write_bytes(mean_model(InputSpec(layout="image", dtype="float32", shape=(1, 2, 2))))
    processes = [started(code, log, model) for code, log in ((LIVES, quiet), (WITHOUT, loud))]
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and not (loud.is_file() and sent(loud)):
        time.sleep(0.2)
    time.sleep(MARGIN_SECONDS)  # the other one started at the same moment, on the same machine
    for process in processes:
        process.communicate(timeout=30)
    assert [process.returncode for process in processes] == [0, 0]
    assert sent(loud) != []
    assert sent(quiet) == []


@pytest.mark.slow
def test_a_device_that_updates_and_serves_sends_nothing(tmp_path: Path, make_bundle: MakeBundle) -> None:
    world, port, log = World(), free_port(0), tmp_path / "sent"
    world.publish(make_bundle("one"), 1)
    world.write(tmp_path / "edge")
    anchor = tmp_path / "root.json"
    anchor.write_bytes(world.anchor)
    edge = [sys.executable, "-m", "tasks.runtime", "--home", str(tmp_path / "home")]
    with web_server(tmp_path) as url:
        set_up = [*edge, "init", f"{url}/edge", "--model", "tiny", "--root", str(anchor)]
        assert outgoing(set_up, tmp_path / "of init", PROJECT, os.environ) == []
        assert outgoing([*edge, "update"], tmp_path / "of update", PROJECT, os.environ) == []
        with living([*edge, "serve", "--port", str(port)], log, PROJECT, os.environ, lambda _: answers(port)):
            assert answers(port)
    assert sent(log) == []


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/health", timeout=5):
            return True
    except OSError:
        return False


def started(code: str, log: Path, model: Path) -> "subprocess.Popen[bytes]":
    """Starts Python with a model, watched; it lives until its standard input is closed."""
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    command = watched([sys.executable, "-c", code, str(model)], log)
    return subprocess.Popen(command, cwd=PROJECT, env=environment, stdin=subprocess.PIPE)
