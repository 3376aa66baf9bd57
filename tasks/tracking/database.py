"""MLflow's database on this machine: there whole, or not there.

MLflow makes a new one by some sixty migrations, whose steps SQLite commits one by one. A process that is killed between
two of them leaves a file that no later one can open ("table _alembic_tmp_tags already exists").
"""

import os
from pathlib import Path

from sqlalchemy import URL, make_url


def make_database() -> None:
    """Makes the SQLite database that `MLFLOW_TRACKING_URI` names, if it is not there; others make theirs themselves.

    To be called by one process at a time.
    """
    url = _of_a_file(os.environ.get("MLFLOW_TRACKING_URI", ""))
    if url is None or (path := Path(url.database or "")).exists():
        return
    from mlflow import MlflowClient

    new = path.with_name(f"{path.name}.new")
    for left in (new, new.with_name(f"{new.name}-journal")):
        left.unlink(missing_ok=True)  # of a process that was killed here
    MlflowClient(str(url.set(database=str(new)))).search_experiments(max_results=1)
    new.replace(path)


def _of_a_file(address: str) -> URL | None:
    """Returns the address of an SQLite database in a file; None for others, and for SQLite's own `file:` addresses."""
    url = make_url(address) if address.startswith("sqlite") else None
    return url if url and url.database and not url.database.startswith((":", "file:")) else None
