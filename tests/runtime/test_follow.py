"""What the containers of a staging server run: one follows a channel, the other answers with what is installed."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.runtime.devices import PICTURE
from tests.runtime.tuf_world import Files, World
from tests.runtime.web_server import web_server

MakeBundle = Callable[..., Files]
REPOSITORY = Path(__file__).parents[2]
SCRIPT = REPOSITORY / "infra/images/follow.sh"
PATIENCE_SECONDS = 60.0


@contextmanager
def followed(folder: Path, variables: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """Runs the script as the image does; its command is the runtime of this clone."""
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    (programs / "python").unlink(missing_ok=True)
    (programs / "python").symlink_to(sys.executable)
    command = programs / "stillhouse-edge"
    command.write_text(f'#!/bin/sh\nPYTHONPATH={REPOSITORY} exec {sys.executable} -m tasks.runtime "$@"\n')
    command.chmod(0o755)
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "EVERY": "0.2", **variables}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(["sh", SCRIPT], env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_staging_server_answers_with_what_leads_the_channel_and_ends_at_once(
    tmp_path: Path, make_bundle: MakeBundle
) -> None:
    world, home, log = World(), tmp_path / "home", tmp_path / "log"
    world.publish(make_bundle("one"), 1)
    world.write(tmp_path / "served/staging")
    digest = hashlib.sha256(world.anchor).hexdigest()
    with web_server(tmp_path / "served") as url:
        variables = {"CHANNEL_URL": f"{url}/staging", "MODEL": "tiny", "STILLHOUSE_EDGE_HOME": str(home)}
        with followed(tmp_path, variables | {"ROOT_SHA256": "0" * 64}):
            until(lambda: "sha256" in log.read_text())
        assert not (home / "device.json").exists()
        with followed(tmp_path, variables | {"ROOT_SHA256": digest}) as process:
            until((home / "current").is_symlink)
            with served(home) as address:
                assert label(address) == "one 2"
                world.publish(make_bundle("two"), 2)
                world.write(tmp_path / "served/staging")
                until(lambda: label(address) == "two 2")
            process.send_signal(signal.SIGTERM)
            assert process.wait(5) == 0


@contextmanager
def served(home: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "tasks.runtime", "--home", str(home), "serve", "--port", "0"]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[-1]
        finally:
            process.send_signal(signal.SIGTERM)


def label(address: str) -> str:
    body = json.dumps({"inputs": PICTURE.tolist()}).encode()
    request = urllib.request.Request(f"{address}/predict", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as response:
        return str(json.load(response)["predictions"][0]["label"])


@pytest.mark.parametrize("missing", ["CHANNEL_URL", "MODEL", "ROOT_SHA256"])
def test_a_container_that_was_not_told_what_to_follow_says_what_it_lacks(tmp_path: Path, missing: str) -> None:
    variables = dict.fromkeys(("CHANNEL_URL", "MODEL", "ROOT_SHA256"), "x") | {missing: ""}
    with followed(tmp_path, {**variables, "STILLHOUSE_EDGE_HOME": str(tmp_path / "home")}) as process:
        assert process.wait(20) == 2
    assert f"{missing}: expected" in (tmp_path / "log").read_text()
