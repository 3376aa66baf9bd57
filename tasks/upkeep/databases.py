"""SQLite databases: whole, and open to be written."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from tasks.upkeep.finding import Finding

PATIENCE_SECONDS = 5.0
"""that somebody else may be writing"""


def sqlite_databases(state: Path) -> Iterator[Finding]:
    """Yields the databases of the state folder that are damaged or cannot be written to."""
    for path in (state / "mlflow.db", state / "ledger.db", state / "prefect" / "prefect.db"):
        if path.is_file() and (problem := _problem(path)):
            yield Finding(f"`{path}`: expected a database to write to, got {problem}", _mend(path, problem))


def _problem(path: Path) -> str:
    if not os.access(path, os.W_OK) or not os.access(path.parent, os.W_OK):
        return "one that may only be read"
    try:
        with closing(sqlite3.connect(path, timeout=PATIENCE_SECONDS, isolation_level=None)) as opened:
            (said,) = opened.execute("PRAGMA quick_check(1)").fetchone()
            opened.execute("BEGIN IMMEDIATE")
            opened.execute("ROLLBACK")
    except sqlite3.Error as error:
        return str(error)
    return "" if said == "ok" else str(said).replace("\n", " ")


def _mend(path: Path, problem: str) -> str:
    if "only be read" in problem:
        return f"chmod u+w {path} {path.parent}"
    if "locked" in problem:
        return f"fuser {path}   (ends with whoever writes)"
    return f"sqlite3 {path} .recover | sqlite3 {path}.new && mv {path}.new {path}   (or put back a copy)"
