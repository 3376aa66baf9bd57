"""Is a flow that is killed at random moments always finished by the next start, with the same result, once?

    python -m benchmarks.soak [--kills 100] [--minutes N] [--seed N] [--only team] [--folder DIR]

A cut-down `digits` recipe runs in a copy of this repository. Undisturbed first: that takes D seconds. Then it is made
again from the same state, killed after a time that is uniform between 0 and D, up to five times, and started again
until it is done. One kill goes to the command alone, the next to all its processes; four in five are SIGKILL, one is
SIGTERM. Afterwards versions, champions, decisions, weights, ONNX file, bundle and metrics must be those of the
undisturbed run, audit and lineage must find nothing, no process may be left, and no run may be called running.

Three settings take turns: `team` (a Prefect server that outlives the command, and a champion to replace), `alone`
(each start brings its own server, and the teacher trains for longer than the time between two checkpoints), `first`
(nothing ever ran).
"""

import argparse
import math
import os
import secrets
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmarks.soak.soak import Soak, Tally
from benchmarks.soak.world import SETTINGS, prefect_server


def main(arguments: Sequence[str]) -> None:
    """Soaks, prints the counts, and exits with 1 where anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=math.inf, help="no release is begun after them")
    parser.add_argument("--seed", type=int, default=None, help="of the kills; drawn and printed by default")
    parser.add_argument("--only", choices=sorted({setting.name for setting in SETTINGS}))
    parser.add_argument("--folder", type=Path, default=None, help="for the worlds; by default one that goes again")
    asked = parser.parse_args(arguments)
    seed = secrets.randbelow(2**31) if asked.seed is None else asked.seed
    folder = Path(tempfile.mkdtemp(prefix="soak-", dir=asked.folder))
    settings = [setting for setting in SETTINGS if asked.only in (None, setting.name)]
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    _say(f"seed {seed}, {asked.kills} kills, in {folder}")
    began = time.monotonic()
    with prefect_server(folder / "prefect") as server:
        tally = Soak(folder, server, seed, _say).until(asked.kills, settings, 60 * asked.minutes)
    sys.stdout.write(told(tally, seed, time.monotonic() - began))
    if tally.faults:
        sys.stdout.write(f"the worlds in which something was wrong are in {folder}\n")
        sys.exit(1)
    shutil.rmtree(folder)


def told(tally: Tally, seed: int, seconds: float) -> str:
    """Returns the counts of a soak in lines."""
    wrong = {kind: len(lines) for kind, lines in tally.wrong.items()}
    undisturbed = ", ".join(f"{name} {taken:.1f} s" for name, taken in tally.seconds.items())
    lines = [
        f"seed {seed}: {tally.killed} kills in {seconds / 60:.0f} min; undisturbed: {undisturbed}",
        f"releases   {tally.releases.total()}: {_counts(tally.releases)}",
        f"kills      {_counts(tally.kills)}",
        f"in stage   {_counts(tally.stages)}",
        f"starts     {tally.starts}, of which {tally.too_late} were done before they were to be killed",
        f"wrong      {', '.join(f'{kind} {count}' for kind, count in wrong.items())}",
    ]
    return "\n".join([*lines, *(f"  {fault}" for fault in tally.faults), ""])


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counter.most_common())


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
