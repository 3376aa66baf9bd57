"""The wheel for devices with the oldest libraries that it claims to run with."""

import io
import re
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.runtime.devices import PICTURE, set_up
from tests.runtime.serving import BODY, JSON, serving
from tests.runtime.tuf_world import Files, World
from tests.runtime.wheels import PROJECT, installed

pytestmark = pytest.mark.slow
EXTRAS = ("serve", "images")


def oldest() -> list[str]:
    """Returns what the wheel asks for, each in the oldest version that is allowed."""
    project = tomllib.loads((PROJECT / "infra/device/pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *(one for extra in EXTRAS for one in project["optional-dependencies"][extra])]
    return [re.sub(r">=([\d.]+).*", r"==\1", one) for one in asked]


@pytest.fixture(scope="module")
def edge(index: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed(tmp_path_factory.mktemp("oldest"), f"[{','.join(EXTRAS)}]", *oldest())


def test_the_oldest_libraries_verify_run_and_serve_a_bundle(
    edge: Path, tmp_path: Path, make_bundle: Callable[..., Files]
) -> None:
    world = World()
    world.publish(make_bundle("one"), 1)
    device = set_up(tmp_path / "home", world)
    device.update()
    command, home = str(edge / "stillhouse-edge"), str(device.home.path)
    np.save(tmp_path / "one.npy", PICTURE)
    printed = subprocess.check_output([command, "run", tmp_path / "one.npy", "--home", home], text=True)
    assert '"label": "one 2"' in printed
    with serving(device, program=[command]) as served:
        assert served.ask("GET", "/health")[2]["status"] == "ok"
        answer = served.ask("POST", "/predict", BODY, **JSON)[2]
        form = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n%s\r\n--b--\r\n'
        stream = io.BytesIO()
        np.save(stream, PICTURE)
        kind = {"Content-Type": "multipart/form-data; boundary=b"}
        assert served.ask("POST", "/predict", form % stream.getvalue(), **kind)[2] == answer
        assert served.ask("GET", "/v2/models/tiny/ready")[0] == 200
        assert served.ask("GET", "/nothing")[0] == 404
