"""A minute of each command that works: no packet to another machine, no look-up of a name.

Not Python's own connections are watched but system calls, of every process that a command starts;
`tests/runtime/test_outgoing.py` does the same with a device, and sees the watch find something.
"""

import os
import sys
from pathlib import Path

import pytest

from benchmarks.soak.world import QUICK
from tests.flows.conftest import TOOLS, Project, make_project
from tests.outgoing import living, outgoing, sent

pytestmark = pytest.mark.slow
SET = [word for override in QUICK for word in ("--set", override)]
SWEEP = "sweep={search: grid, fields: {student.architecture.channels: [[4, 8], [8, 12]]}}"
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith((*TOOLS, "ORT_"))}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A clone in which nothing ever ran."""
    return make_project(tmp_path_factory.mktemp("outgoing"))


def stillhouse(*words: str) -> list[str]:
    return [sys.executable, "-u", "-m", "cli.main", *words]


def test_a_whole_run_sends_nothing(place: Project, tmp_path: Path) -> None:
    command = stillhouse("run", "params/digits.yaml", *SET)
    assert outgoing(command, tmp_path / "sent", place.root, ENVIRONMENT) == []


def test_a_sweep_sends_nothing(place: Project, tmp_path: Path) -> None:
    command = stillhouse("sweep", "params/digits.yaml", *SET, "--set", SWEEP)
    assert outgoing(command, tmp_path / "sent", place.root, ENVIRONMENT) == []


def test_a_tick_of_a_schedule_sends_nothing(place: Project, tmp_path: Path) -> None:
    command, log = stillhouse("schedule", "params/digits.yaml", "--cron", "* * * * *"), tmp_path / "sent"
    with living(command, log, place.root, ENVIRONMENT, lambda said: "digits: " in said.partition("ends it.")[2]):
        pass
    assert sent(log) == []


def test_pages_send_nothing(place: Project, tmp_path: Path) -> None:
    command, log = stillhouse("ui", "--no-browser"), tmp_path / "sent"
    with living(command, log, place.root, ENVIRONMENT, lambda said: "Ctrl-C ends them." in said):
        pass
    assert sent(log) == []
