"""Prefect's database is made whole, by one of several that want it at once."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from infra.services.prefect_server import HOST, free_port, wait_until_healthy

MAKE = "from infra.services.prefect_database import make_database; make_database()"


def _started(home: Path) -> "subprocess.Popen[bytes]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return subprocess.Popen([sys.executable, "-c", MAKE], env=environment | {"PREFECT_HOME": str(home)})


def test_of_two_that_make_it_at_once_one_makes_it_even_where_another_was_killed_before(tmp_path: Path) -> None:
    killed, new = _started(tmp_path), tmp_path / "prefect.db.new"
    deadline = time.monotonic() + 120
    while not (new.is_file() and new.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert new.exists()
    assert not (tmp_path / "prefect.db").exists()
    both = [_started(tmp_path), _started(tmp_path)]
    assert [one.wait() for one in both] == [0, 0]
    with closing(sqlite3.connect(tmp_path / "prefect.db")) as connection:
        assert connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'flow_run'").fetchone()
    assert tables == 1
    assert sorted(path.name for path in tmp_path.glob("prefect.db*")) == ["prefect.db", "prefect.db.lock"]


@pytest.mark.slow
def test_eight_servers_at_once_on_a_new_home_all_answer(tmp_path: Path) -> None:
    ports = [free_port(0) for _ in range(8)]
    log = tmp_path / "server.log"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    environment |= {"PREFECT_HOME": str(tmp_path), "PREFECT_UI_ENABLED": "0", "PREFECT__SERVER_EPHEMERAL": "1"}
    with log.open("ab") as output:
        command = [sys.executable, "-m", "infra.services.prefect_server"]
        servers = [
            subprocess.Popen(
                [*command, str(port)], env=environment, stdin=subprocess.PIPE, stdout=output, stderr=output
            )
            for port in ports
        ]
    for port, server in zip(ports, servers, strict=True):
        wait_until_healthy("Prefect", f"http://{HOST}:{port}/api/health", server, log)
    for server in servers:
        server.communicate(b".")
