"""MLflow's database on this machine: there whole, or not there.

MLflow makes a new one by some sixty migrations, whose steps SQLite commits one by one. A process that is killed between
two of them leaves a file that no later one can open ("table _alembic_tmp_tags already exists").
"""

import os
from pathlib import Path

SQLITE = "sqlite:///"


def make_database() -> None:
    """Makes the SQLite database that `MLFLOW_TRACKING_URI` names, if it is not there; others make theirs themselves.

    To be called by one process at a time.
    """
    path = _file()
    if path is None or path.exists():
        return
    from mlflow import MlflowClient

    new = path.with_name(f"{path.name}.new")
    for left in (new, new.with_name(f"{new.name}-journal")):
        left.unlink(missing_ok=True)  # of a process that was killed here
    MlflowClient(f"{SQLITE}{new}").search_experiments(max_results=1)
    new.replace(path)


def _file() -> Path | None:
    uri = os.environ.get("MLFLOW_TRACKING_URI", "")
    return Path(uri.removeprefix(SQLITE)) if uri.startswith(SQLITE) else None
