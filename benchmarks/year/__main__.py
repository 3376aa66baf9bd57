"""Is all still right after a year in which data arrived every week and the schedule retrained where that was due?

    python -m benchmarks.year [--weeks 52] [--split hashed] [--write] [--keep FOLDER]

A project of its own in a temporary folder, the 1,797 real digits of scikit-learn as pictures that come a few each week,
and a clock that is moved (`clock.py`), which Prefect's server, DVC and all else that runs go by. Every Monday
runs what the schedule runs. Afterwards (SIGINT: after the week that goes on) ledger, registry, lineage, quarantine,
channel and disk are looked at.
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
from benchmarks.year.year import COUNTS, PICTURE, live

TOOLS = ("PREFECT_", "MLFLOW_", "DVC_", "STILLHOUSE_", "OPENLINEAGE_")


def main(arguments: Sequence[str]) -> int:
    """Makes the project, lets the year go by in a process with a clock of its own, and looks for what it left."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weeks", type=int, default=52)
    parser.add_argument("--split", choices=("hashed", "stratified"), default="hashed")
    parser.add_argument("--write", action="store_true", help="the picture and the counts of docs/benchmarks.md")
    parser.add_argument("--keep", type=Path, help="a new folder for the project, which stays")
    parser.add_argument("--inside", action="store_true", help="used by itself: the clock is moved already")
    asked = parser.parse_args(arguments)
    if asked.inside:
        return live(asked.weeks, asked.split)
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.keep.resolve() if asked.keep else Path(scratch)
        code = _outside(folder, arguments)
        if asked.write and code == 0:
            _write(folder)
        return code


def _outside(folder: Path, arguments: Sequence[str]) -> int:
    root = folder / "project"
    clone_into(root)
    settings = {name: value for name, value in os.environ.items() if not name.startswith(TOOLS)}
    settings |= moved(folder) | {"PYTHONPATH": str(root), "COLUMNS": "200"}
    started = time.monotonic()
    command = [sys.executable, "-m", "benchmarks.year", *arguments, "--inside"]
    signal.signal(signal.SIGINT, lambda *_: None)  # the process inside gets it, too
    code = subprocess.run(command, cwd=root, env=settings, check=False).returncode
    left = _left(folder)
    sys.stdout.write(f"{(time.monotonic() - started) / 60:.0f} minutes; {len(left)} processes left\n")
    return int(bool(code or left))


def _write(folder: Path) -> None:
    """Puts the picture and the counts where docs/benchmarks.md shows them."""
    picture = REPOSITORY / "docs" / PICTURE
    picture.parent.mkdir(exist_ok=True)
    shutil.copyfile(folder / PICTURE, picture)
    replace_table("year", (folder / COUNTS).read_text())


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
