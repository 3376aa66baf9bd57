"""A process that opens runs in MLflow and then is killed, or goes on."""

import os
import signal
import time
from pathlib import Path

from tasks.core.environment import prepare_environment
from tasks.core.process_lease import owner
from tasks.tracking import runs


def open_in(world: Path, name: str) -> None:
    """Opens a parent run, a child run with something in its scratch, and stays there."""
    at_home(world)
    with runs.flow_run(name, name, name, {}), runs.stage_run("teacher", name) as run:
        (run.scratch / "half").write_text("a file")
        (world / name).touch()
        time.sleep(120)


def begin_and_be_killed(world: Path) -> None:
    """Owns something, and is killed before it is open anywhere."""
    at_home(world)
    owner()
    os.kill(os.getpid(), signal.SIGKILL)


def at_home(world: Path) -> None:
    """Makes a world the state folder of this process."""
    os.environ["STILLHOUSE_HOME"] = str(world)
    prepare_environment()
