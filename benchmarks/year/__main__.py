"""Is all still right after a year in which data arrived every week and the schedule retrained where that was due?

    python -m benchmarks.year [--weeks 52] [--split hashed] [--modes fresh warm] [--write] [--keep FOLDER]

A project of its own in a temporary folder, the 1,797 real digits of scikit-learn as pictures that come a few each week,
and a clock that is moved (`clock.py`), which Prefect's server, DVC and all else that runs go by. Every Monday
runs what the schedule runs. Afterwards (SIGINT: after the week that goes on) ledger, registry, lineage, quarantine,
channel and disk are looked at.

The year is lived once with releases that begin from nothing and once with such that begin with the champion, on the
same data and seeds; at the end both are compared.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.clone import REPOSITORY, clone_into
from benchmarks.page import replace_table
from benchmarks.year.clock import moved
from benchmarks.year.compare import compared, draw_both, weeks_in
from benchmarks.year.year import COUNTS, PICTURE, live

FRESH, WARM_MODE = MODES = ("fresh", "warm")
COMPARED, FLIPS_PICTURE = "compared.txt", "year-warm.svg"
TOOLS = ("PREFECT_", "MLFLOW_", "DVC_", "STILLHOUSE_", "OPENLINEAGE_")


def main(arguments: Sequence[str]) -> int:
    """Makes the project, lets the year go by in a process with a clock of its own, and looks for what it left."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weeks", type=int, default=52)
    parser.add_argument("--split", choices=("hashed", "stratified"), default="hashed")
    parser.add_argument("--modes", nargs="+", choices=MODES, default=MODES, help="what releases begin from")
    parser.add_argument("--write", action="store_true", help="the pictures and the counts of docs/benchmarks.md")
    parser.add_argument("--keep", type=Path, help="a new folder for the project, which stays")
    parser.add_argument("--inside", choices=MODES, help="used by itself: the clock is moved already")
    asked = parser.parse_args(arguments)
    if asked.inside:
        return live(asked.weeks, asked.split, asked.inside == WARM_MODE)
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.keep.resolve() if asked.keep else Path(scratch)
        codes = [_outside(folder / mode, mode, arguments) for mode in asked.modes]
        if {*asked.modes} == {*MODES}:
            _compare(folder)
        if asked.write and not any(codes):
            _write(folder, asked.modes)
        return max(codes)


def _compare(folder: Path) -> None:
    """Prints what the two years have cost and changed, and draws it."""
    fresh, warm = (weeks_in(folder / mode) for mode in MODES)
    text = compared(fresh, warm)
    sys.stdout.write(f"{text}\n")
    (folder / COMPARED).write_text(f"{text}\n")
    (folder / FLIPS_PICTURE).write_bytes(draw_both(fresh, warm))


def _outside(folder: Path, mode: str, arguments: Sequence[str]) -> int:
    sys.stdout.write(f"{mode}:\n")
    sys.stdout.flush()
    root = folder / "project"
    clone_into(root)
    settings = {name: value for name, value in os.environ.items() if not name.startswith(TOOLS)}
    settings |= moved(folder) | {"PYTHONPATH": str(root), "COLUMNS": "200"}
    started = time.monotonic()
    command = [sys.executable, "-m", "benchmarks.year", *arguments, "--inside", mode]
    signal.signal(signal.SIGINT, lambda *_: None)  # the process inside gets it, too
    code = subprocess.run(command, cwd=root, env=settings, check=False).returncode
    left = _left(folder)
    sys.stdout.write(f"{(time.monotonic() - started) / 60:.0f} minutes; {len(left)} processes left\n")
    return int(bool(code or left))


def _write(folder: Path, modes: Sequence[str]) -> None:
    """Puts the pictures and the counts where docs/benchmarks.md shows them."""
    docs = REPOSITORY / "docs"
    if FRESH in modes:
        shutil.copyfile(folder / FRESH / PICTURE, docs / PICTURE)
        replace_table("year", (folder / FRESH / COUNTS).read_text().strip())
    if {*modes} == {*MODES}:
        shutil.copyfile(folder / FLIPS_PICTURE, docs / FLIPS_PICTURE)
        replace_table("year-warm", (folder / COMPARED).read_text().strip())


def _left(folder: Path, patience: float = 15) -> list[str]:
    """Returns the processes that still work in a folder after a while."""
    deadline = time.monotonic() + patience
    while (found := [*map(str, _working_in(folder))]) and time.monotonic() < deadline:
        time.sleep(0.5)
    return found


def _working_in(folder: Path) -> list[Path]:
    found = []
    for place in Path("/proc").glob("[0-9]*/cwd"):
        try:
            found += [place] if place.readlink().is_relative_to(folder) else []
        except OSError:  # ended meanwhile, or somebody else's
            continue
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
