"""What a sweep saves: students that share teacher and soft labels, and a second worker.

    python -m benchmarks.sweep [--workers 2] [--students 8] [--engines processes dask ray] [--set FIELD=VALUE] [--write]

Everything is typed as a person types it, on the eight students of `params/digits.yaml`, each process with one thread:
- one sweep from nothing, on two workers and on one;
- eight runs, each from nothing: its own state, so its own teacher and its own soft labels;
- eight runs that share the teacher, while soft labels are removed between them;
- with everything but the students there already, the same eight on one worker and on two, by the engine: what counts
  there is the time of the students alone, which the sweep prints.
Runs show their releases to no gate. The clone's own state is not touched.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any

from benchmarks.page import replace_table
from flows.sweep.search_space import SearchSpace
from params.sweep import Grid
from tasks.core.workspace import project_root

RECIPE = Path("params/digits.yaml")
QUIET = ("--set", "promote.staging.approval=manual")
ENGINES = ("processes", "dask", "ray")
LONGER = ("--set", "student.training.epochs=180", "--set", "compress.candidates=[static_int8]")
"""students that train long enough to see a second worker behind the start of its process"""


def main(arguments: Sequence[str]) -> None:
    """Measures, prints the table, and writes it into docs/benchmarks.md if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--students", type=int, default=8, help="only the first so many of the recipe's")
    parser.add_argument("--set", dest="settings", action="append", default=[], help="for every command: a quick look")
    parser.add_argument("--engines", nargs="+", default=list(ENGINES), choices=ENGINES)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), asked.workers, asked.students, asked.settings)
        rows = [*bench.shared(), *bench.engines(asked.engines)]
    table = "\n".join(["| what | seconds | |", "| --- | ---: | --- |", *rows])
    sys.stdout.write(f"{table}\n")
    if asked.write:
        replace_table("bench-sweep", table)


def shortened(grid: Grid, students: int) -> dict[str, list[Any]]:
    """Returns the fields of a grid with fewer values, the last field's first, until there are no more students."""
    fields = {field: list(values) for field, values in grid.fields.items()}
    for values in reversed(fields.values()):
        while len(values) > 1 and prod(map(len, fields.values())) > students:
            values.pop()
    return fields


class Bench:
    """The students of the recipe, and a folder for states."""

    def __init__(self, folder: Path, workers: int, students: int, settings: Sequence[str]) -> None:
        self.folder, self.workers = folder, workers
        self.settings = [word for one in settings for word in ("--set", one)]
        space = SearchSpace.open(project_root(), RECIPE, ())
        assert isinstance(space.sweep, Grid)
        fields = shortened(space.sweep, students)
        self.grid = ("--set", f"sweep.fields={json.dumps(fields)}")
        asked = SearchSpace.open(project_root(), RECIPE, [self.grid[1]])
        self.students = [asked.variant(values).settings for values in asked.search().ask()]

    def shared(self) -> list[str]:
        """Returns the rows about what a sweep shares."""
        count = len(self.students)
        sweep, _ = self._sweep("swept", "processes", self.workers)
        slow, _ = self._sweep("swept-by-one", "processes", 1)
        alone = sum(self._run(f"alone-{place}", settings) for place, settings in enumerate(self.students))
        teacher = sum(self._run("taught", settings, forgets=True) for settings in self.students)
        longer = " times as long |"
        return [
            f"| one sweep of {count} students, {self.workers} workers | {sweep:.0f} | |",
            f"| the same on one worker | {slow:.0f} | {slow / sweep:.1f}{longer}",
            f"| {count} runs, each from nothing | {alone:.0f} | {alone / sweep:.1f}{longer}",
            f"| {count} runs, one teacher, soft labels of their own | {teacher:.0f} | {teacher / sweep:.1f}{longer}",
        ]

    def engines(self, engines: Sequence[str]) -> list[str]:
        """Returns a row per engine: its students on one worker, and on several."""
        rows = []
        self._run("prepared", self.students[0], *LONGER)
        for engine in engines:
            one, several = (self._students_alone(engine, workers) for workers in (1, self.workers))
            what = f"the students on {self.workers} workers of {engine}, against one"
            rows.append(f"| {what} | {several:.0f} | {one:.0f}: {one / several:.2f} times as fast |")
        return rows

    def _students_alone(self, engine: str, workers: int) -> float:
        """Returns the seconds of the students; teacher, soft labels and data were there, the students were not."""
        state = f"{engine}-{workers}"
        shutil.copytree(self.folder / "prepared", self.folder / state)
        return self._sweep(state, engine, workers, *LONGER, *ANEW)[1]

    def _sweep(self, state: str, engine: str, workers: int, *more: str) -> tuple[float, float]:
        """Returns the seconds of the command, and those of the students that it prints."""
        started = time.perf_counter()
        said = self._typed(state, "sweep", "--runner", engine, "--workers", str(workers), *self.grid, *more)
        seconds = time.perf_counter() - started
        found = re.search(r"students in ([\d.]+) s on", said)
        assert found is not None, said
        return seconds, float(found.group(1))

    def _run(self, state: str, settings: Sequence[str], *more: str, forgets: bool = False) -> float:
        """Returns the seconds of a run with some settings; one that forgets leaves no soft labels behind."""
        started = time.perf_counter()
        self._typed(state, "run", *(word for one in settings for word in ("--set", one)), *QUIET, *more)
        seconds = time.perf_counter() - started
        if forgets:
            shutil.rmtree(self.folder / state / "soft-labels")
        return seconds

    def _typed(self, state: str, verb: str, *words: str) -> str:
        environment = os.environ | {"STILLHOUSE_HOME": str(self.folder / state), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "cli.main", verb, str(RECIPE), *words, *self.settings]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"`{' '.join(command)}` ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        sys.stderr.write(f"{verb} in {state}: done\n")
        return done.stdout


ANEW = ("--set", "student.training.weight_decay=0.0002")
"""none of the students that was made before is like these"""

if __name__ == "__main__":
    main(sys.argv[1:])
