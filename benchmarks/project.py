"""Commands in a clone of this repository, with nothing of the caller's settings."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

TOOLS = ("PREFECT_", "MLFLOW_", "DVC_", "STILLHOUSE_", "OPENLINEAGE_", "PYTHONDONTWRITE")


def run_command(recipe: str, overrides: Sequence[str]) -> list[str]:
    """Returns `stillhouse run` with overrides, for a process whose working directory is a clone."""
    chosen = [word for override in overrides for word in ("--set", override)]
    return [sys.executable, "-m", "cli.main", "run", f"params/{recipe}.yaml", *chosen]


def environment_in(root: Path) -> dict[str, str]:
    """Returns the environment for commands in a clone: one thread, as small networks like it, and the clone's code."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(TOOLS)}
    return kept | {"PYTHONPATH": str(root), "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"}
