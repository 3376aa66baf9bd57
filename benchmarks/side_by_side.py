"""What a run costs beside others: alone, two at once, and two at once while every core is busy with something else.

    python -m benchmarks.side_by_side [--recipe digits] [--rounds 5]

Each run is `stillhouse run` in a clone of its own of this repository in which nothing ever ran, timed from the start
of the process to its end. A round makes all three arrangements one after the other and begins with another one than the
last, so that a machine that gets slower is the same for all. What counts are ratios of medians, over each run of two
that go on at once. The goal: each at most 2.2 times as long as alone, and at most 4 times beside the busy cores.

It prints and writes nothing: its numbers are those of a machine on which nothing else goes on.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.clone import clone_into
from benchmarks.project import environment_in, run_command

ROUNDS = 5
BUSY = (sys.executable, "-c", "while True: pass")


@dataclass(frozen=True)
class Arrangement:
    """So many runs at once, on quiet cores or on busy ones, and how many times as long as alone each may take."""

    title: str
    runs: int
    busy: bool = False
    most: float | None = None


ARRANGEMENTS = (
    Arrangement("alone", 1),
    Arrangement("two at once", 2, most=2.2),
    Arrangement("two at once, every core busy", 2, busy=True, most=4.0),
)


def main(arguments: Sequence[str]) -> None:
    """Measures, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="digits")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    asked = parser.parse_args(arguments)
    seconds = interleaved(asked.rounds, lambda arrangement: _measured(asked.recipe, arrangement))
    sys.stdout.write(f"{table(asked.recipe, seconds)}\n")


def interleaved(rounds: int, measure: Callable[[Arrangement], Sequence[float]]) -> dict[Arrangement, tuple[float, ...]]:
    """Returns the seconds of every run of each arrangement; each round begins with another arrangement."""
    seconds: dict[Arrangement, tuple[float, ...]] = dict.fromkeys(ARRANGEMENTS, ())
    for number in range(rounds):
        first = number % len(ARRANGEMENTS)
        for arrangement in (*ARRANGEMENTS[first:], *ARRANGEMENTS[:first]):
            found = tuple(measure(arrangement))
            seconds[arrangement] += found
            told = ", ".join(f"{each:.1f} s" for each in found)
            sys.stderr.write(f"round {number + 1} of {rounds}, {arrangement.title}: {told}\n")
    return seconds


def table(recipe: str, seconds: Mapping[Arrangement, Sequence[float]]) -> str:
    """Returns the medians, and how many times as long as alone they are."""
    alone = statistics.median(seconds[ARRANGEMENTS[0]])
    rows = [f"| `{recipe}` | median | range | times alone | at most |", "| --- | ---: | ---: | ---: | ---: |"]
    for arrangement, each in seconds.items():
        median = statistics.median(each)
        most = "" if arrangement.most is None else f"{arrangement.most:.1f}"
        ends = f"{min(each):.1f} to {max(each):.1f} s"
        rows.append(f"| {arrangement.title} | {median:.1f} s | {ends} | {median / alone:.2f} | {most} |")
    return "\n".join(rows)


def seconds_at_once(commands: Sequence[tuple[Sequence[str], Path, Mapping[str, str]]]) -> list[float]:
    """Returns how long each command takes, all of them started at once: words, working directory and environment.

    Raises:
        ChildProcessError: one of them fails.
    """
    with ThreadPoolExecutor(len(commands)) as pool:
        return list(pool.map(lambda command: _seconds(*command), commands))


@contextmanager
def busy_cores() -> Iterator[None]:
    """Keeps every core busy that this process may use, with a process each."""
    with ExitStack() as stack:
        for _ in os.sched_getaffinity(0):
            process = stack.enter_context(subprocess.Popen(BUSY))
            stack.callback(process.kill)
        yield


def _measured(recipe: str, arrangement: Arrangement) -> list[float]:
    with ExitStack() as stack:
        commands = []
        for _ in range(arrangement.runs):
            root = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)), "project")
            clone_into(root)
            commands.append((run_command(recipe, ()), root, _as_a_person_has_it(root)))
        if arrangement.busy:
            stack.enter_context(busy_cores())
        return seconds_at_once(commands)


def _as_a_person_has_it(root: Path) -> dict[str, str]:
    """Returns the environment of a clone without a number of threads, which is left to the rule that is measured."""
    return {name: value for name, value in environment_in(root).items() if name != "OMP_NUM_THREADS"}


def _seconds(command: Sequence[str], root: Path, environment: Mapping[str, str]) -> float:
    started = time.perf_counter()
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode:
        raise ChildProcessError(f"`{' '.join(command)}` ended with exit code {done.returncode}:\n{done.stderr}")
    return seconds


if __name__ == "__main__":
    main(sys.argv[1:])
