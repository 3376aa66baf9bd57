"""MLflow's database is made whole: whoever makes it is killed at moments all over its migrations."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

OPEN = """
from tasks.core.environment import prepare_environment
prepare_environment()
from tasks.tracking import runs
runs.client()
"""


def _started(home: Path, **variables: str) -> "subprocess.Popen[bytes]":
    environment = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    return subprocess.Popen([sys.executable, "-c", OPEN], env=environment | {"STILLHOUSE_HOME": str(home)} | variables)


@pytest.mark.parametrize(
    "migrations", [pytest.param(1, marks=pytest.mark.slow), 20, pytest.param(50, marks=pytest.mark.slow)]
)
def test_a_process_killed_while_it_makes_the_database_leaves_none_and_the_next_one_makes_it(
    tmp_path: Path, migrations: int
) -> None:
    made, new = tmp_path / "mlflow.db", tmp_path / "mlflow.db.new"
    first = _started(tmp_path)
    try:
        _wait_for(new, migrations, first)
    finally:
        first.send_signal(signal.SIGKILL)
        first.wait()
    assert not made.exists()
    assert new.exists()
    assert _started(tmp_path).wait() == 0
    assert made.exists()
    assert [path.name for path in tmp_path.glob("mlflow.db.*")] == []


def test_an_address_may_have_settings_behind_the_file(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/elsewhere.db?timeout=20"
    assert _started(tmp_path, MLFLOW_TRACKING_URI=address).wait() == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "elsewhere.db",
        "mlflow.lock",
        "places.json",
        "places.json.lock",
    ]


def _wait_for(path: Path, changes: int, process: "subprocess.Popen[bytes]") -> None:
    """Returns when the database has been changed so many times since it was empty, and not before."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if path.is_file() and path.stat().st_size and _schema_version(path) >= changes:
            return
        time.sleep(0.001)
    raise AssertionError(f"the database was never {changes} changes old; exit code {process.poll()}")


def _schema_version(path: Path) -> int:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        try:
            return int(connection.execute("pragma schema_version").fetchone()[0])
        except sqlite3.OperationalError:  # it is being written to
            return 0
