"""The distribution's PostgreSQL as a team's stack on one machine needs it: its own data, its own port, loopback only.

The password is in a file that its owner alone can read (`PGPASSFILE`, which all drivers know), and in no address.
"""

import importlib.util
import os
import re
import secrets
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.services.prefect_server import HOST, LAST_LINES
from tasks.core.errors import InputError, StageError, mismatch
from tasks.core.workspace import state_dir

OWNER = "stillhouse"
SERVER_ACCOUNT = "postgres"
"""of the distribution's package; the server refuses to run as root"""
PROGRAMS = Path("/usr/lib/postgresql")
"""where Debian puts each version"""
INSTALL = "apt-get update && apt-get install -y postgresql"
DRIVER = "pip install -c requirements.lock -e '.[postgresql]'"
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Cluster:
    """One server: the folder of its data and its password file, and the port it listens on."""

    folder: Path
    port: int

    @property
    def pass_file(self) -> Path:
        """The file with the password, in libpq's format."""
        return self.folder / "pgpass"

    def address(self, driver: str, database: str) -> str:
        """Returns the SQLAlchemy URL of a database; without the password."""
        return f"postgresql+{driver}://{OWNER}@{HOST}:{self.port}/{database}"

    def command(self) -> list[str]:
        """Returns the command of the server; no socket, since other users of the machine would reach that, too."""
        options = ["-h", HOST, "-p", str(self.port), "-c", "unix_socket_directories="]
        return [str(programs() / "postgres"), "-D", str(self.folder / "data"), *options]


def programs() -> Path:
    """Returns the folder with `initdb` and `postgres`.

    Raises:
        InputError: there is none on this machine, or nothing to speak to it with.
    """
    if importlib.util.find_spec("psycopg") is None:
        raise InputError(mismatch("stillhouse team", "psycopg", "the extra `postgresql`", "none", f"run {DRIVER}"))
    found = installed()
    if found is None:
        do = f"install it: {INSTALL}"
        raise InputError(mismatch("stillhouse team", "PostgreSQL", "`initdb` and `postgres`", "neither", do))
    return found


def installed() -> Path | None:
    """Returns the folder with PostgreSQL's programs: that on the path, else Debian's newest."""
    on_path = shutil.which("initdb")
    if on_path and Path(on_path).with_name("postgres").is_file():
        return Path(on_path).parent
    versions = sorted(PROGRAMS.glob("*/bin/initdb"), key=lambda path: float(path.parents[1].name))
    return versions[-1].parent if versions else None


def account() -> Mapping[str, Any]:
    """Returns the arguments of `subprocess` that run a program as a user whom the server accepts."""
    return {"user": SERVER_ACCOUNT, "group": SERVER_ACCOUNT, "extra_groups": []} if os.geteuid() == 0 else {}


def make(cluster: Cluster) -> None:
    """Makes data and password, where they are not there.

    Raises:
        InputError: the account of the server cannot reach the folder.
        StageError: `initdb` failed.
    """
    data, begun = cluster.folder / "data", cluster.folder / "data.begun"
    cluster.folder.mkdir(parents=True, exist_ok=True)
    _let_pass(cluster.folder)
    _require_reachable(cluster.folder)
    password = _password(cluster)
    if data.is_dir():
        return
    shutil.rmtree(begun, ignore_errors=True)
    begun.mkdir(mode=0o700)
    given = cluster.folder / "password.begun"
    given.unlink(missing_ok=True)
    given.touch(mode=0o600)
    given.write_text(password)
    if os.geteuid() == 0:
        for path in (begun, given):
            shutil.chown(path, SERVER_ACCOUNT, SERVER_ACCOUNT)
    options = ["-U", OWNER, "-A", "scram-sha-256", "--pwfile", str(given), "-E", "UTF8", "--no-locale"]
    _call([str(programs() / "initdb"), "-D", str(begun), *options])
    given.unlink()
    begun.rename(data)


def make_databases(cluster: Cluster, file: Path, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Makes the databases that a file of SQL names and that are not there, as soon as the server answers.

    Raises:
        StageError: it ended, or did not answer in time.
    """
    from sqlalchemy import create_engine, text
    from sqlalchemy.exc import OperationalError

    opened = create_engine(cluster.address("psycopg", "postgres"), isolation_level="AUTOCOMMIT")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with opened.connect() as connection:
                there = set(connection.scalars(text("select datname from pg_database")))
                for name in re.findall(r"^create database (\w+);", file.read_text(), re.MULTILINE):
                    if name not in there:
                        connection.execute(text(f"create database {name}"))
            break
        except OperationalError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                said = "\n".join(log.read_text(errors="replace").splitlines()[-LAST_LINES:])
                raise StageError(f"PostgreSQL: expected an answer, got {error.orig}; `{log}` ends:\n{said}") from None
            time.sleep(0.1)
    opened.dispose()


def _password(cluster: Cluster) -> str:
    """Returns the password, drawn when it is first asked for."""
    if cluster.pass_file.is_file():
        return cluster.pass_file.read_text().strip().rpartition(":")[2]
    password = secrets.token_urlsafe(32)
    cluster.pass_file.touch(mode=0o600)
    cluster.pass_file.write_text(f"{HOST}:*:*:{OWNER}:{password}\n")
    return password


def _let_pass(folder: Path) -> None:
    """Lets the account of the server pass through what is ours on the way to its data; nothing there may be read."""
    if os.geteuid() == 0:
        for ours in (folder, *(one for one in folder.parents if one.is_relative_to(state_dir()))):
            ours.chmod(ours.stat().st_mode | 0o011)


def _require_reachable(folder: Path) -> None:
    """Says where a folder on the way is closed to the account of the server, which happens below `/root`."""
    if os.geteuid() != 0 or subprocess.run(["test", "-x", folder], check=False, **account()).returncode == 0:
        return
    closed = next(path for path in reversed([folder, *folder.parents]) if not path.stat().st_mode & 0o001)
    do = "run as an ordinary user, or point STILLHOUSE_HOME at a folder that it can reach"
    expected = f"folders that `{SERVER_ACCOUNT}`, who runs PostgreSQL for root, can pass through"
    raise InputError(mismatch(str(folder), "", expected, f"`{closed}`, closed to it", do))


def _call(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False, **account())
    if done.returncode:
        raise StageError(f"`{command[0]}`: expected exit code 0, got {done.returncode}:\n{done.stderr.strip()}")
