"""Recipes that benchmarks share, and commands in a clone of this repository with nothing of the caller's settings."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from params.pipeline import Recipe
from tasks.core.workspace import project_root
from tasks.kinds.recipes import load_recipe

TOOLS = ("PREFECT_", "MLFLOW_", "DVC_", "STILLHOUSE_", "OPENLINEAGE_", "PYTHONDONTWRITE")


ALL_LABELS = {
    "digits": (
        "data.labels=all",
        "data.split.validation=0.2",
        "data.split.test=0.2",
        "teacher.training.epochs=30",
        "teacher.training.augment=null",
        "student.training.epochs=60",
    )
}
"""recipe that keeps few labels -> what makes it a case in which every sample has one, for comparisons of methods"""


def with_all_labels(name: str) -> Recipe:
    """Returns a recipe of the project, on samples all of which have labels."""
    return load_recipe(project_root() / "params" / f"{name}.yaml", ALL_LABELS.get(name, ()))


def run_command(recipe: str, overrides: Sequence[str]) -> list[str]:
    """Returns `stillhouse run` with overrides, for a process whose working directory is a clone."""
    chosen = [word for override in overrides for word in ("--set", override)]
    return [sys.executable, "-m", "cli.main", "run", f"params/{recipe}.yaml", *chosen]


def environment_in(root: Path) -> dict[str, str]:
    """Returns the environment for commands in a clone: one thread, as small networks like it, and the clone's code."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(TOOLS)}
    return kept | {"PYTHONPATH": str(root), "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"}
