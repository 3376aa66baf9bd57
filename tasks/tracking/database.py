"""MLflow's database on this machine: there whole, or not there.

MLflow makes a new one by some sixty migrations, whose steps SQLite commits one by one. A process that is killed between
two of them leaves a file that no later one can open ("table _alembic_tmp_tags already exists").
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import URL, make_url

from tasks.core.environment import former_places, here
from tasks.core.errors import InputError, mismatch

PATHS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
    ("logged_models", "artifact_location"),
)
"""table, column: where MLflow holds the absolute place of something"""
SQLITE = b"SQLite format 3\x00"
"""what a database begins with"""
PATIENCE_SECONDS = 60.0
"""for another process that writes"""


def make_database() -> None:
    """Makes the SQLite database that `MLFLOW_TRACKING_URI` names, if it is not there; others make theirs themselves.

    Where the state was moved, the paths in it are made those of its present place. To be called by one process at a
    time.
    """
    url = _of_a_file(os.environ.get("MLFLOW_TRACKING_URI", ""))
    if url is None:
        return
    if (path := Path(url.database or "")).exists():
        _require_database(path)
        _bring_along(path)
        return
    from mlflow import MlflowClient

    new = path.with_name(f"{path.name}.new")
    for left in (new, new.with_name(f"{new.name}-journal")):
        left.unlink(missing_ok=True)  # of a process that was killed here
    MlflowClient(str(url.set(database=str(new)))).search_experiments(max_results=1)
    new.replace(path)


def _require_database(path: Path) -> None:
    """Refuses a file that is no database: SQLite would say so in words of its own, from deep within MLflow."""
    with path.open("rb") as stream:
        begins = stream.read(len(SQLITE))
    if begins not in (b"", SQLITE):
        do = "correct the variable, or unset it to keep that state on this machine"
        raise InputError(mismatch("MLFLOW_TRACKING_URI", "", "an SQLite database", f"`{path}`, another file", do))


def _bring_along(path: Path) -> None:
    """Rewrites paths into former places of the state: MLflow hands them out as they are."""
    former = [place for one in former_places() for place in (one.as_uri(), str(one))]
    if not former:
        return
    with closing(sqlite3.connect(path, timeout=PATIENCE_SECONDS)) as connection, connection:
        there = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        for table, column in ((table, column) for table, column in PATHS if table in there):
            for old in former:
                now = here(old)
                moved = f"UPDATE {table} SET {column} = ? || substr({column}, ?)"
                # The second condition: a folder may have been moved into one that is called as it was.
                where = f"substr({column} || '/', 1, ?) = ? AND substr({column} || '/', 1, ?) <> ?"
                values = (now, len(old) + 1, len(old) + 1, f"{old}/", len(now) + 1, f"{now}/")
                connection.execute(f"{moved} WHERE {where}", values)


def _of_a_file(address: str) -> URL | None:
    """Returns the address of an SQLite database in a file; None for others, and for SQLite's own `file:` addresses."""
    url = make_url(address) if address.startswith("sqlite") else None
    return url if url and url.database and not url.database.startswith((":", "file:")) else None
