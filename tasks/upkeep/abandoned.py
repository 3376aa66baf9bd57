"""What a killed process left: runs that MLflow calls running, scratch folders, checkpoints that were never resumed."""

import time
from collections.abc import Iterator

from tasks.core.workspace import state_dir
from tasks.tracking import runs
from tasks.upkeep.garbage import discard
from tasks.upkeep.mlflow_runs import PAGE, Run, run_of

LONGEST_DAYS = 30
"""that the checkpoints of a killed stage wait for the stage to start again"""


def open_runs(owner: str) -> tuple[Run, ...]:
    """Returns the runs of an owner that MLflow calls running, parents last."""
    experiments = [experiment.experiment_id for experiment in runs.client().search_experiments()]
    wanted = f"attributes.status = 'RUNNING' and tags.`{runs.OWNER}` = '{owner}'"
    found = runs.client().search_runs(experiments, wanted, max_results=PAGE)
    return tuple(map(run_of, sorted(found, key=lambda run: runs.PARENT not in run.data.tags)))


def close(run: Run) -> None:
    """Closes a run as KILLED and removes its scratch; its process must have ended."""
    discard(state_dir() / "work" / run.id)
    runs.client().set_terminated(run.id, "KILLED")


def forget_checkpoints() -> Iterator[str]:
    """Removes the checkpoints that were not resumed for a month; yields their names."""
    oldest = time.time() - LONGEST_DAYS * 24 * 3600
    for folder in sorted((state_dir() / "checkpoints").glob("*")):
        if max((path.stat().st_mtime for path in (folder, *folder.iterdir())), default=0) < oldest:
            discard(folder)
            yield folder.name
