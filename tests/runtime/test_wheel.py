"""The wheel for devices, alone in an environment of its own."""

import json
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.runtime.tuf_world import Files, World
from tests.runtime.web_server import web_server

MakeBundle = Callable[..., Files]
PROJECT = Path(__file__).parents[2]
FORBIDDEN = ("torch", "prefect", "mlflow", "pydantic", "dvc", "onnx", "cryptography", "tasks", "flows")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def edge(index: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with `python` and `stillhouse-edge`, where nothing but the wheel and what it asks for is installed."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", folder, PROJECT / "infra" / "device"], check=True)
    wheel = next(folder.glob("stillhouse_edge-*.whl"))
    venv.create(folder / "environment")
    python = folder / "environment" / "bin" / "python"
    asked = ["--python", python, "install", "-c", PROJECT / "requirements.lock", wheel]
    subprocess.run([*pip, *asked], check=True)
    return python.parent


def test_nothing_of_the_pipeline_is_installed_on_a_device(edge: Path, tmp_path: Path) -> None:
    code = f"import importlib.util as u; print([name for name in {FORBIDDEN} if u.find_spec(name)])"
    ended = subprocess.run([edge / "python", "-c", code], check=True, capture_output=True, text=True, cwd=tmp_path)
    assert ended.stdout == "[]\n"


def test_wheel_alone_fetches_verifies_and_runs_a_model(edge: Path, tmp_path: Path, make_bundle: MakeBundle) -> None:
    world = World()
    world.publish(make_bundle("one"), 1)
    world.write(tmp_path / "edge")
    (tmp_path / "root.json").write_bytes(world.anchor)

    def command(*arguments: str) -> str:
        asked = [edge / "stillhouse-edge", "--home", "home", *arguments]
        ended = subprocess.run(
            asked, check=True, capture_output=True, text=True, cwd=tmp_path, input="[[[[1, 2], [3, 4]]]]"
        )
        return ended.stdout

    with web_server(tmp_path) as url:
        command("init", f"{url}/edge", "--model", "tiny", "--root", "root.json")
        assert command("update").startswith("version 1; ")
        assert command("update") == "version 1 runs already; nothing to do\n"
    assert json.loads(command("run"))["label"] == "one 2"
    assert json.loads(command("status", "--json"))["running"]["version"] == 1


def test_programs_predict_with_the_device_class(edge: Path, tmp_path: Path, make_bundle: MakeBundle) -> None:
    world = World()
    world.publish(make_bundle("one"), 1)
    world.write(tmp_path / "edge")
    (tmp_path / "root.json").write_bytes(world.anchor)
    program = """
import sys
from pathlib import Path
import numpy as np
from stillhouse_edge.device import Device
from stillhouse_edge.settings import Settings
device = Device("home")
device.set_up(Settings(sys.argv[1], "tiny"), Path("root.json"))
device.update()
print(device.predictor().predict(np.array([[[[1, 2], [3, 4]]]], np.uint8))[0].label)
"""
    with web_server(tmp_path) as url:
        asked = [edge / "python", "-c", program, f"{url}/edge"]
        ended = subprocess.run(asked, check=True, capture_output=True, text=True, cwd=tmp_path)
    assert ended.stdout == "one 2\n"
