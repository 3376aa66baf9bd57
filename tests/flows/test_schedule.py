"""A schedule served for real: Prefect's own scheduler and runner on a clone in which nothing changed."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import psutil
import pytest
from filelock import FileLock
from urllib3 import PoolManager, Retry

from tasks.registry.ledger.checks import checks
from tasks.registry.ledger.database import VERSION_TABLE
from tests.flows.conftest import TOOLS, Project

PATIENCE_SECONDS = 120.0
MONDAYS = "0 2 * * 1"
# 503 is "try again": SQLite was busy for too long, and nothing was made. Prefect's own clients do the same.
AGAIN = Retry(8, status_forcelist=[HTTPStatus.SERVICE_UNAVAILABLE], allowed_methods=None, backoff_factor=0.5)
API = PoolManager(timeout=30, retries=AGAIN)


class Served:
    """A schedule that goes on: its process, what it prints, and the API of its server."""

    def __init__(self, root: Path, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self.process, self._log = process, log
        self._database = root / ".stillhouse/prefect/prefect.db"
        until(lambda: "Ctrl-C ends it." in self.said and self.rows("select id from deployment") != [])
        server = next(child for child in self.children() if "infra.services.prefect_server" in child.cmdline())
        self.api = f"http://127.0.0.1:{server.cmdline()[-1]}/api"

    @property
    def said(self) -> str:
        """What it has printed by now."""
        return self._log.read_text()

    def children(self) -> list[psutil.Process]:
        """Returns every process that it started, and that those started."""
        found: list[psutil.Process] = psutil.Process(self.process.pid).children(recursive=True)
        return found

    def ask(self) -> str:
        """Asks for a run beside the clock and returns its id."""
        (deployment,) = self.rows("select id from deployment")
        run = API.request("POST", f"{self.api}/deployments/{deployment[0]}/create_flow_run", json={})
        return str(run.json()["id"])

    def state(self, run: str) -> str:
        """Returns the name of the state that a run is in."""
        return str(API.request("GET", f"{self.api}/flow_runs/{run}").json()["state"]["name"])

    def rows(self, query: str) -> list[Any]:
        """Returns what Prefect's database says."""
        with sqlite3.connect(self._database) as connection:
            found: list[Any] = connection.execute(query).fetchall()
        return found

    def end(self) -> None:
        """Ends it as a service manager does, and waits until every process is gone."""
        started = self.children()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) == 0
        _, left = psutil.wait_procs(started, timeout=30)
        assert left == []


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)


@contextmanager
def serving(project: Project, *options: str) -> Iterator[Served]:
    """Serves the schedule of `digits` as a person does, looked at every second."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(TOOLS)}
    command = [sys.executable, "-u", "-m", "cli.main", "schedule", "params/digits.yaml", "--cron", MONDAYS, *options]
    log = project.root.parent / "schedule.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=project.root,
            env={**environment, "PREFECT_RUNNER_POLL_FREQUENCY": "1", "COLUMNS": "200"},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Served(project.root, process, log)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def test_a_schedule_looks_records_that_nothing_changed_and_leaves_out_what_overlaps(quiet: Project) -> None:
    with serving(quiet, "--timezone", "Europe/Berlin") as schedule:
        until(lambda: len(planned(schedule)) >= 3)
        assert {(time.weekday(), time.hour) for time in planned(schedule)} <= {(0, 0), (0, 1)}  # 2:00 in Berlin
        with tables_being_made(quiet):
            first = schedule.ask()
            until(lambda: schedule.state(first) == "Running")
            second = schedule.ask()
            until(lambda: schedule.state(second) == "Cancelled")
        until(lambda: schedule.state(first) == "Nothing to do")
        assert len(re.findall("digits: nothing changed since", schedule.said)) == 1
        assert schedule.rows("select name from flow where name = 'retrain'") == []
        schedule.end()
    assert [kept.asked for kept in checks("digits")] == ["schedule"]


def planned(schedule: Served) -> list[datetime]:
    """Returns when the clock will ask, in UTC."""
    found = schedule.rows("select expected_start_time from flow_run where state_name = 'Scheduled' and auto_scheduled")
    return [datetime.fromisoformat(time) for (time,) in found]


@contextmanager
def tables_being_made(project: Project) -> Iterator[None]:
    """Has everyone who opens the ledger wait, as while another process makes its tables."""
    ledger = project.root / ".stillhouse/ledger.db"
    with FileLock(project.root / ".stillhouse/ledger.lock"):
        with closing(sqlite3.connect(ledger)) as connection, connection:
            (revision,) = connection.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchone()
            connection.execute(f"DELETE FROM {VERSION_TABLE}")
        yield
        with closing(sqlite3.connect(ledger)) as connection, connection:
            connection.execute(f"INSERT INTO {VERSION_TABLE} VALUES (?)", (revision,))


@pytest.mark.slow
def test_a_run_that_replaces_ends_the_one_that_goes_on(quiet: Project) -> None:
    with serving(quiet, "--overlap", "replace") as schedule:
        with tables_being_made(quiet):
            first = schedule.ask()
            until(lambda: schedule.state(first) == "Running")
            second = schedule.ask()
            until(lambda: schedule.state(first) == "Cancelled")
        until(lambda: schedule.state(second) == "Nothing to do")
        schedule.end()


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("--cron", "every monday", "a cron line"),
        ("--timezone", "Europe/Bonn", "an IANA timezone"),
        ("--overlap", "both", "skip, queue or replace"),
    ],
)
def test_a_schedule_that_cannot_be_is_one_message(typed: Any, option: str, value: str, expected: str) -> None:
    options = {"--cron": MONDAYS} | {option: value}
    said = typed("schedule", "params/digits.yaml", *[word for pair in options.items() for word in pair])
    assert said.code == 2
    assert f"`{option}`: expected {expected}, got {value}" in said.err
    assert "Traceback" not in said.err + said.out
