"""The wheel for devices, alone in an environment of its own."""

import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tasks.contracts.records import InputSpec
from tasks.evaluate.report.card import render_card
from tasks.runtime.bundle.bundle import golden_of, write_bundle
from tasks.runtime.bundle.session import Session
from tests.evaluate.report.made import CLASSES, data, evaluation, report
from tests.runtime.conftest import FACTS, mean_model
from tests.runtime.tuf_world import Files, World
from tests.runtime.web_server import web_server
from tests.runtime.wheels import PROJECT, installed

MakeBundle = Callable[..., Files]
Command = list[str | Path]
FORBIDDEN = (
    "torch",
    "prefect",
    "mlflow",
    "pydantic",
    "dvc",
    "onnx",
    "cryptography",
    "starlette",
    "uvicorn",
    "PIL",
    "tasks",
    "flows",
)


@pytest.fixture(scope="module")
def edge(index: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with `python` and `stillhouse-edge`, where nothing but the wheel and what it asks for is installed."""
    return installed(tmp_path_factory.mktemp("wheel"), "", "-c", PROJECT / "requirements.lock")


def said_by(command: Command, folder: Path) -> str:
    """Runs a command in a folder, with one sample on its standard input."""
    said: str = subprocess.check_output(command, cwd=folder, input="[[[[1, 2], [3, 4]]]]", text=True)
    return said


def write_channel(folder: Path, bundle: Files) -> None:
    world = World()
    world.publish(bundle, 1)
    world.write(folder / "edge")
    (folder / "root.json").write_bytes(world.anchor)


def test_nothing_of_the_pipeline_is_installed_on_a_device(edge: Path, tmp_path: Path) -> None:
    code = f"import importlib.util as u; print([name for name in {FORBIDDEN} if u.find_spec(name)])"
    assert said_by([edge / "python", "-c", code], tmp_path) == "[]\n"


def test_serving_without_the_extra_says_what_to_install(edge: Path, tmp_path: Path, make_bundle: MakeBundle) -> None:
    write_channel(tmp_path, make_bundle("one"))
    with web_server(tmp_path) as url:
        options = (f"{url}/edge", "--model", "tiny", "--root", "root.json", "--home", "home")
        said_by([edge / "stillhouse-edge", "init", *options], tmp_path)
    ended = subprocess.run(
        [edge / "stillhouse-edge", "serve", "--home", "home"], check=False, cwd=tmp_path, capture_output=True, text=True
    )
    expected = "`serve`: expected the server's libraries, got no `uvicorn`; install `stillhouse-edge[serve]`\n"
    assert (ended.returncode, ended.stderr) == (2, expected)


def test_wheel_alone_fetches_verifies_and_runs_a_model(edge: Path, tmp_path: Path, make_bundle: MakeBundle) -> None:
    def command(*arguments: str) -> str:
        return said_by([edge / "stillhouse-edge", "--home", "home", *arguments], tmp_path)

    write_channel(tmp_path, make_bundle("one"))
    with web_server(tmp_path) as url:
        command("init", f"{url}/edge", "--model", "tiny", "--root", "root.json")
        assert command("update").startswith("version 1; ")
        assert command("update") == "version 1 runs already; nothing to do\n"
    assert json.loads(command("run"))["label"] == "one 2"
    assert json.loads(command("status", "--json"))["running"]["version"] == 1
    assert json.loads(command("gallery")) == {"names": [], "enrol_again": []}


def test_programs_predict_with_the_device_class(edge: Path, tmp_path: Path, make_bundle: MakeBundle) -> None:
    write_channel(tmp_path, make_bundle("one"))
    program = """
import sys
from pathlib import Path
import numpy as np
from stillhouse_edge.device import Device
from stillhouse_edge.update.settings import Settings
device = Device("home")
device.set_up(Settings(sys.argv[1], "tiny"), Path("root.json"))
device.update()
print(device.predictor().predict({"inputs": np.array([[[[1, 2], [3, 4]]]], np.uint8)})[0]["label"])
"""
    with web_server(tmp_path) as url:
        assert said_by([edge / "python", "-c", program, f"{url}/edge"], tmp_path) == "one 2\n"


SPECS = (
    InputSpec(layout="image", dtype="uint8", shape=(1, 8, 8)),
    InputSpec(layout="sequence", dtype="float32", shape=(29, 12)),
    InputSpec(layout="vector", dtype="float32", shape=(7,)),
)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.layout)
def test_the_code_in_the_model_card_runs_where_the_wheel_alone_is(spec: InputSpec, edge: Path, tmp_path: Path) -> None:
    card = render_card(report(evaluation=evaluation(data=data(input=spec))))
    found = re.search(r"```python\n(.*?)```", card, flags=re.DOTALL)
    assert found
    ones = {"inputs": np.ones((2, *spec.shape), dtype=spec.dtype)}
    targets = {"names": [*CLASSES], "facts": {}}
    facts = replace(FACTS, name="trees", targets=targets, layout=spec.layout)
    write_bundle(tmp_path / "bundle", facts, mean_model(spec), golden_of(Session(mean_model(spec)), ones))
    printed = said_by([edge / "python", "-c", found.group(1)], tmp_path)
    assert printed.startswith("[{'label': 'oak', 'confidence': ")
