"""From the registry to a device: what is promoted is what answers there, over a real web server."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tests import killed
from tests.registry import interrupted

ENVIRONMENT = "staging"
Edge = Callable[..., str]


@pytest.fixture
def world(tmp_path: Path) -> Path:
    killed.preload(interrupted.__name__, *interrupted.STORES)
    home = tmp_path / "state"
    home.mkdir()
    killed.in_a_process(home, interrupted.build)
    return home


@pytest.fixture
def address(world: Path) -> Iterator[str]:
    command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"]
    with subprocess.Popen(command, cwd=world / "channel", stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        port = server.stdout.readline().partition("port ")[2].split()[0]
        yield f"http://127.0.0.1:{port}/{ENVIRONMENT}"
        server.terminate()


@pytest.fixture
def edge(tmp_path: Path, world: Path, address: str) -> Edge:
    def run(*arguments: str, code: int = 0) -> str:
        command = [sys.executable, "-m", "tasks.runtime", "--home", str(tmp_path / "device"), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    anchor = world / "channel" / ENVIRONMENT / "metadata" / "1.root.json"
    run("init", address, "--model", interrupted.MODEL, "--root", str(anchor))
    return run


def test_a_device_follows_promotions_and_rollbacks_and_a_rotated_key(world: Path, edge: Edge, tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", np.zeros((1, 1, 2, 2), np.uint8))
    edge("update")
    assert running(edge) == 1
    answer = json.loads(edge("run", str(tmp_path / "one.npy")))
    assert answer["label"] in ("oak", "pine", "willow")
    killed.in_a_process(world, interrupted.promote)
    edge("update")
    assert running(edge) == 2
    killed.in_a_process(world, interrupted.step_back)
    killed.in_a_process(world, interrupted.rotate_targets)
    edge("update")
    assert running(edge) == 1
    assert "nothing to do" in edge("update")


def test_a_device_keeps_its_model_when_the_channel_was_tampered_with(world: Path, edge: Edge, tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", np.zeros((1, 1, 2, 2), np.uint8))
    edge("update")
    killed.in_a_process(world, interrupted.promote)
    for path in (world / "channel" / ENVIRONMENT / "targets" / interrupted.MODEL).glob("*.model.onnx"):
        path.write_bytes(path.read_bytes()[:-1] + b"!")
    said = edge("update", code=1)
    assert "Traceback" not in said
    assert running(edge) == 1
    assert json.loads(edge("run", str(tmp_path / "one.npy")))["label"]
    assert any("expected sha256" in finding.text for finding in killed.in_a_process(world, interrupted.wrong))


def running(edge: Edge) -> int:
    return int(json.loads(edge("status", "--json"))["running"]["version"])
