"""A second after a command was killed, no server that it had started is alive."""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from infra.services import postgresql
from tests.debian import required
from tests.flows.conftest import Project, make_project
from tests.flows.test_team import without_tools

pytestmark = pytest.mark.slow
PATIENCE_SECONDS = 400.0
WORKS = {
    "run": (["params/digits.yaml"], "done    data"),
    "schedule": (["params/digits.yaml", "--cron", "0 2 * * 1"], "Ctrl-C ends it."),
    "ui": (["--no-browser"], "Ctrl-C ends them."),
    "team": (["--workers", "1"], "Ctrl-C ends them."),
}
"""command -> what else to type, and what it prints when its servers answer"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_project(tmp_path_factory.mktemp("killed"))


@pytest.fixture
def home() -> Iterator[Path]:
    """A state folder on the way to which nothing is closed to the account of PostgreSQL."""
    folder = Path(tempfile.mkdtemp(prefix="stillhouse-killed-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("command", WORKS)
def test_a_second_after_a_kill_no_server_is_alive(command: str, place: Project, home: Path) -> None:
    if command == "team":
        required(postgresql.installed, "postgresql")
    process, said = started(command, place, home)
    started_by_it = psutil.Process(process.pid).children(recursive=True)
    assert started_by_it != [], said.read_text()
    process.kill()
    process.wait()
    time.sleep(1)
    assert [one.cmdline() for one in started_by_it if alive(one)] == []


def started(command: str, place: Project, home: Path) -> tuple["subprocess.Popen[bytes]", Path]:
    """Returns a command whose servers answer, and what it has printed."""
    words, works = WORKS[command]
    said, deadline = home.with_suffix(".log"), time.monotonic() + PATIENCE_SECONDS
    typed = [sys.executable, "-u", "-m", "cli.main", command, *words]
    variables = without_tools() | {"STILLHOUSE_HOME": str(home)}
    with said.open("wb") as out:
        process = subprocess.Popen(typed, cwd=place.root, env=variables, stdout=out, stderr=out)
    while works not in said.read_text():
        assert process.poll() is None, said.read_text()
        assert time.monotonic() < deadline, said.read_text()
        time.sleep(0.2)
    return process, said


def alive(process: psutil.Process) -> bool:
    return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
