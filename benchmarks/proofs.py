"""Does what ships answer on an emulated arm64 as it does here, and how long does it take to know?

    python -m benchmarks.proofs [RECIPE ...] [--part 0.1] [--keep FOLDER] [--write]

Per recipe `stillhouse run` with a part of its epochs (two at least), in a clone of this repository, makes a release;
then `stillhouse prove` is timed. Whether a kernel rounds alike, and how long that takes, is a matter of the layers and
not of how well they have learned. A recipe that has a release in FOLDER already is not run again. Recipes whose data is
on no machine of the package index take it from where their `source` says. The goal: less than five minutes for each.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.clone import REPOSITORY, clone_into
from benchmarks.page import replace_table
from benchmarks.project import environment_in, run_command
from params.pipeline import Recipe
from params.student import Student
from params.teacher import TrainedTeacher
from tasks.kinds.recipes import load_recipe

FEWEST = 2
"""epochs"""
TITLES = "| recipe | seconds | what was found |\n| --- | ---: | --- |"


def main(arguments: Sequence[str]) -> None:
    """Makes releases, proves them, and prints a row for each."""
    names = sorted(path.stem for path in (REPOSITORY / "params").glob("*.yaml"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="*", default=names, metavar="RECIPE", help=", ".join(names))
    parser.add_argument("--part", type=float, default=0.1, help="of the epochs of each recipe")
    parser.add_argument("--keep", type=Path, help="a folder for the clone, which stays")
    parser.add_argument("--write", action="store_true", help="the table of docs/benchmarks.md")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        root = (asked.keep or Path(scratch)).resolve() / "project"
        if not root.is_dir():
            clone_into(root)
        rows = [TITLES]
        sys.stdout.write(f"{TITLES}\n")
        for name in asked.recipes:
            rows.append(_row(root, name, asked.part))
            sys.stdout.write(f"{rows[-1]}\n")
            sys.stdout.flush()
    if asked.write:
        replace_table("bench-proofs", "\n".join(rows))


def shortened(recipe: Recipe, part: float) -> Iterator[str]:
    """Yields what makes a short run of a recipe, whatever its gates say of what comes out."""
    sections: dict[str, Student | TrainedTeacher] = {"student": recipe.student}
    sections |= {"teacher": recipe.teacher} if isinstance(recipe.teacher, TrainedTeacher) else {}
    for name, section in sections.items():
        yield f"{name}.training.epochs={max(FEWEST, round(part * section.training.epochs))}"
    yield "evaluate.resamples=100"


def _row(root: Path, name: str, part: float) -> str:
    if not _has_release(root, name):
        recipe = load_recipe(root / "params" / f"{name}.yaml")
        made = _called(root, run_command(name, [*shortened(recipe, part)]))
        if not _has_release(root, name):
            return f"| `{name}` | | no release: {_last_line(made)} |"
    started = time.monotonic()
    found = _called(root, [sys.executable, "-m", "cli.main", "prove", name])
    return f"| `{name}` | {time.monotonic() - started:.0f} | {_last_line(found)} |"


def _has_release(root: Path, name: str) -> bool:
    return '"version"' in _called(root, [sys.executable, "-m", "cli.main", "history", name, "--json"]).stdout


def _called(root: Path, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=root, env=environment_in(root), capture_output=True, text=True, check=False)


def _last_line(found: subprocess.CompletedProcess[str]) -> str:
    """Returns what a command says it came to; of one that failed, its complaint."""
    lines = [
        line.strip() for line in (found.stdout if not found.returncode else found.stderr or found.stdout).splitlines()
    ]
    return next((line for line in reversed(lines) if line), f"exit code {found.returncode}")


if __name__ == "__main__":
    main(sys.argv[1:])
