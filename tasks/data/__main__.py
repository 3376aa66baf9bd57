"""The command of the DVC stages: `python -m tasks.data fetch|prepare|code NAME`, in the project's folder."""

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from params.pipeline import Recipe
from tasks.core.errors import InputError, StillhouseError
from tasks.data.fetch import fetch
from tasks.data.prepared.prepare import prepare
from tasks.data.versions.code import write_code
from tasks.data.versions.repro import MESSAGE_FILE
from tasks.kinds.recipes import load_recipe


def write_digests(recipe: Recipe, root: Path) -> None:
    """Writes what DVC watches of the code; `stillhouse run` does it by itself."""
    write_code(root, recipe)


STAGES: dict[str, Callable[[Recipe, Path], None]] = {"fetch": fetch, "prepare": prepare, "code": write_digests}


def main(arguments: Sequence[str]) -> int:
    """Runs one stage and returns the exit code; a problem is told in its message, without a traceback."""
    if len(arguments) != 2 or arguments[0] not in STAGES:
        return _tell("usage: python -m tasks.data fetch|prepare|code NAME", 2)
    stage, name = arguments
    try:
        recipe = load_recipe(Path("params") / f"{name}.yaml")
        _clear_leftovers(Path("data") / name)
        STAGES[stage](recipe, Path.cwd())
    except InputError as problem:
        if path := os.environ.get(MESSAGE_FILE):
            Path(path).write_text(str(problem), encoding="utf-8")
        return _tell(str(problem), problem.exit_code)
    except StillhouseError as problem:
        return _tell(str(problem), problem.exit_code)
    return 0


def _clear_leftovers(folder: Path) -> None:
    """Removes what a killed stage left under a temporary name; DVC lets only one stage of a recipe run."""
    for path in (*folder.glob(".raw.*"), *folder.glob(".prepared.*")):
        shutil.rmtree(path, ignore_errors=True)


def _tell(message: str, code: int) -> int:
    sys.stderr.write(f"{message}\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
