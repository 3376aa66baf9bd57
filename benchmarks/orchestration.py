"""What orchestration costs: `stillhouse run` against the same stages called in one bare process (`benchmarks.bare`).

    python -m benchmarks.orchestration [--short] [--write]

Each round makes both, one after the other and the other way round in the next, in a copy of this repository in which
nothing ever ran: once with `digits` as it is, and once with more epochs of its teacher, which takes about five minutes.
Both processes are timed from their start to their end, imports and all. The median of three rounds counts; `--short`
makes one, and `--only cold` or `--only long` one of the two.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.bare import RECIPE
from benchmarks.clone import clone_into
from benchmarks.page import replace_table
from benchmarks.project import environment_in, run_command

ROUNDS = 3
LENGTHS = {"cold": (), "long": ("teacher.training.epochs=660",)}
"""name -> overrides of the recipe"""
TITLES = {"cold": f"`{RECIPE}`", "long": f"`{RECIPE}`, 660 epochs of the teacher"}
LIMITS = {"cold": "25 s", "long": "10 %"}


@dataclass
class Measured:
    """Seconds of each round."""

    bare: list[float] = field(default_factory=list)
    run: list[float] = field(default_factory=list)

    @property
    def medians(self) -> tuple[float, float]:
        """Of the bare process, and of the command."""
        return statistics.median(self.bare), statistics.median(self.run)


def main(arguments: Sequence[str]) -> None:
    """Measures, prints the table, and writes it into docs/benchmarks.md if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="one round")
    parser.add_argument("--only", choices=sorted(LENGTHS))
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args(arguments)
    rounds = 1 if asked.short else ROUNDS
    names = [name for name in LENGTHS if asked.only in (None, name)]
    table = _table({name: measure(LENGTHS[name], rounds) for name in names}, rounds)
    sys.stdout.write(f"{table}\n")
    if asked.write:
        replace_table("bench-orchestration", table)


def measure(overrides: Sequence[str], rounds: int) -> Measured:
    """Returns how long both take, the first of the two changing from round to round."""
    measured = Measured()
    for number in range(rounds):
        for kind in ("bare", "run") if number % 2 == 0 else ("run", "bare"):
            seconds = _seconds(kind, overrides)
            getattr(measured, kind).append(seconds)
            sys.stderr.write(f"{kind}: {seconds:.1f} s\n")
    return measured


def _seconds(kind: str, overrides: Sequence[str]) -> float:
    """Returns how long one of them takes in a project of its own in which nothing ever ran."""
    with tempfile.TemporaryDirectory() as folder:
        root, made = Path(folder, "project"), Path(folder, "made")
        clone_into(root)
        made.mkdir()
        command = run_command(RECIPE, overrides) if kind == "run" else _bare_command(made, overrides)
        started = time.perf_counter()
        done = subprocess.run(command, cwd=root, env=environment_in(root), capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - started
    if done.returncode:
        raise ChildProcessError(f"`{' '.join(command)}` ended with exit code {done.returncode}:\n{done.stderr}")
    return seconds


def _bare_command(made: Path, overrides: Sequence[str]) -> list[str]:
    chosen = [word for override in overrides for word in ("--set", override)]
    return [sys.executable, "-m", "benchmarks.bare", "--folder", str(made), *chosen]


def _table(measured: dict[str, Measured], rounds: int) -> str:
    rows = [
        f"| cold state, medians of {rounds} | bare | `stillhouse run` | more | at most |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, times in measured.items():
        bare, run = times.medians
        more = f"{run - bare:.1f} s ({run / bare - 1:+.1%})"
        rows.append(f"| {TITLES[name]} | {bare:.1f} s | {run:.1f} s | {more} | {LIMITS[name]} |")
    return "\n".join(rows)


if __name__ == "__main__":
    main(sys.argv[1:])
