"""How long a person waits for a command that has nothing to do: medians of ten, commands interleaved.

    python -m benchmarks.start [--write]

Runs the `digits` recipe first, so that `run` finds nothing changed.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

from benchmarks.page import replace_table

REPEATS = 10
STILLHOUSE = (sys.executable, "-m", "cli.main")
COMMANDS = {
    "stillhouse --help": ("--help",),
    "stillhouse run params/digits.yaml (nothing changed)": ("run", "params/digits.yaml"),
    "stillhouse check params/digits.yaml": ("check", "params/digits.yaml"),
}


def main(arguments: Sequence[str]) -> None:
    """Measures, prints the table, and writes it into docs/benchmarks.md if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args(arguments)
    subprocess.run([*STILLHOUSE, "run", "params/digits.yaml"], check=True, stdout=subprocess.DEVNULL)
    seconds: dict[str, list[float]] = {title: [] for title in COMMANDS}
    for _ in range(REPEATS):
        for title, command in COMMANDS.items():
            seconds[title].append(_seconds(command))
    rows = [f"| `{title}` | {statistics.median(times):.2f} s |" for title, times in seconds.items()]
    table = "\n".join([f"| command | median of {REPEATS} |", "| --- | ---: |", *rows])
    sys.stdout.write(f"{table}\n")
    if asked.write:
        replace_table("bench-start", table)


def _seconds(command: Sequence[str]) -> float:
    started = time.perf_counter()
    subprocess.run([*STILLHOUSE, *command], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


if __name__ == "__main__":
    main(sys.argv[1:])
