"""A PostgreSQL of one's own: a private cluster in a temporary folder, on a free port of this machine."""

import getpass
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier

from infra.services.postgresql import installed
from infra.services.prefect_server import HOST, free_port
from tests.debian import required

OWNER = "stillhouse"


class Cluster:
    """A running server; every database on it is empty when it is asked for."""

    def __init__(self, port: int) -> None:
        self._port = port

    def database(self, name: str) -> str:
        """Makes an empty database and returns its SQLAlchemy URL."""
        with psycopg.connect(host=HOST, port=self._port, user=OWNER, dbname="postgres", autocommit=True) as connection:
            connection.execute(SQL("create database {}").format(Identifier(name)))
        return f"postgresql+psycopg://{OWNER}@{HOST}:{self._port}/{name}"


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """Starts a server and stops it afterwards; skips the test where there is none and none can be installed."""
    programs = required(installed, "postgresql")
    folder = Path(tempfile.mkdtemp(prefix="stillhouse-postgresql-"))
    user = _ordinary_user()
    shutil.chown(folder, user)
    data, port = folder / "data", free_port(0)
    try:
        _call(user, [programs / "initdb", "-D", data, "-U", OWNER, "-A", "trust", "-E", "UTF8", "--no-sync"])
        options = f"-h {HOST} -p {port} -k {folder} -c fsync=off"
        _call(user, [programs / "pg_ctl", "-D", data, "-l", folder / "log", "-o", options, "-w", "start"])
        try:
            yield Cluster(port)
        finally:
            _call(user, [programs / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _ordinary_user() -> str:
    """Returns who runs the server: it refuses to run as root."""
    return "postgres" if os.geteuid() == 0 else getpass.getuser()


def _call(user: str, command: Sequence[str | Path]) -> None:
    """Runs a program as a user; `pg_ctl` leaves a server behind, which must not hold our pipes."""
    become = ["runuser", "-u", user, "--"] if os.geteuid() == 0 else []
    with tempfile.TemporaryFile() as said:
        done = subprocess.run([*become, *command], stdout=said, stderr=said, cwd="/", check=False)
        said.seek(0)
        assert done.returncode == 0, said.read().decode(errors="replace")
