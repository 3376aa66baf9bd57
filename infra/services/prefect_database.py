"""Prefect's database on this machine: there whole, or not there; and what several servers do to it, one after another.

Prefect makes a new one by more than a hundred migrations. Two servers that do so at once on one empty file end in
"index already exists", and one that is killed meanwhile leaves a file that no later one can open. So one process makes
it under a lock, under another name, and renames it.
"""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from filelock import FileLock
from sqlalchemy import URL, make_url


def make_database() -> None:
    """Makes the SQLite database of Prefect's settings, if it is not there; waits for another process that does."""
    url = _address()
    path = _file_of(url) if url else None
    if url is None or path is None:
        return
    with one_at_a_time():
        if not path.exists():
            _make(url, path)


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Keeps other servers on the same SQLite database waiting; does nothing for other databases.

    A server that starts brings the tables up to date and registers Prefect's types of blocks. Two at once on a new
    database both find a type missing, and the second to insert it ends in "UNIQUE constraint failed".
    """
    url = _address()
    path = _file_of(url) if url else None
    if path is None:
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f"{path.name}.lock")):
        yield


def _address() -> URL | None:
    from prefect.settings import get_current_settings

    secret = get_current_settings().server.database.connection_url
    return make_url(secret.get_secret_value()) if secret else None


def _file_of(url: URL) -> Path | None:
    """Returns the file of a database; None for one in memory, and for other kinds, which take their own locks."""
    name = url.database or ""
    return Path(name) if url.get_backend_name() == "sqlite" and name and not name.startswith((":", "file:")) else None


def _make(url: URL, path: Path) -> None:
    from prefect.server.database.configurations import AioSqliteConfiguration
    from prefect.server.database.dependencies import provide_database_interface, temporary_database_config

    new = path.with_name(f"{path.name}.new")
    for ending in ("", "-wal", "-shm", "-journal"):  # of a process that was killed here
        new.with_name(f"{new.name}{ending}").unlink(missing_ok=True)
    config = AioSqliteConfiguration(url.set(database=str(new)).render_as_string(hide_password=False))
    with temporary_database_config(config):
        asyncio.run(provide_database_interface().create_db())
    with closing(sqlite3.connect(new)) as connection:  # what is in its log comes into the file, the log goes
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    new.replace(path)
