"""A copy of this repository to run commands in, with nothing of the caller's settings."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
TOOLS = ("PREFECT_", "MLFLOW_", "DVC_", "STILLHOUSE_", "OPENLINEAGE_", "PYTHONDONTWRITE")


def copy_repository(root: Path) -> None:
    """Copies what git would clone of the pipeline, with uncommitted changes, and commits it."""
    asked = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(asked, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (REPOSITORY / name).is_file() and not name.startswith(("tests/", "benchmarks/")):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, root / name)
    author = ["-c", "user.name=benchmark", "-c", "user.email=benchmark@localhost"]
    for arguments in (["init", "-q"], ["add", "-A"], [*author, "commit", "-qm", "as it is"]):
        subprocess.run(["git", *arguments], cwd=root, check=True)


def run_command(recipe: str, overrides: Sequence[str]) -> list[str]:
    """Returns `stillhouse run` with overrides, for a process whose working directory is a copy."""
    chosen = [word for override in overrides for word in ("--set", override)]
    return [sys.executable, "-m", "flows.cli", "run", f"params/{recipe}.yaml", *chosen]


def environment_in(root: Path) -> dict[str, str]:
    """Returns the environment for commands in a copy: one thread, as small networks like it, and the copy's code."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(TOOLS)}
    return kept | {"PYTHONPATH": str(root), "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"}
