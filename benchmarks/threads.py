"""From which size on is a step of training worth sharing? One step with one thread and with all, over sizes.

    python -m benchmarks.threads [--rounds 5] [--busy]

Networks of three architectures, each narrow and wide and with small and large batches, on random pictures. Per network
one thread and as many as there are cores take turns, each time in a fresh process with the settings of `stillhouse`:
threads sleep while they wait. The ratio is that of the medians. Multiplications are those that the rule counts
(`tasks/training/distributed/threads.py`); the last lines say which limit the measurement would set, beside the one that
is set. `--busy` keeps every core busy meanwhile.

It prints and writes nothing: its numbers are those of a machine on which nothing else goes on.
"""

import argparse
import os
import statistics
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
import torch

from benchmarks.side_by_side import busy_cores
from benchmarks.step import Picture, fresh_network, seconds_of_steps, step_of
from params.models import Architecture, Cnn, Mlp, ResNet
from params.training import Training
from tasks.core.environment import prepare_environment
from tasks.training.distributed.threads import SHARED_STEP, multiplications

WORTH = 0.8
"""of the time with one thread: a step is worth sharing where it takes at most that"""
NONE = "none of the sizes tried"
BATCHES = (16, 64, 256)
NETWORKS: dict[str, tuple[Architecture, Picture]] = {
    "cnn [8, 16] on 8 x 8": (Cnn(kind="cnn", channels=(8, 16)), (1, 8, 8)),
    "cnn [16, 32] on 28 x 28": (Cnn(kind="cnn", channels=(16, 32)), (1, 28, 28)),
    "cnn [32, 64, 128] on 28 x 28": (Cnn(kind="cnn", channels=(32, 64, 128)), (1, 28, 28)),
    "resnet [16, 32] on 8 x 8": (ResNet(kind="resnet", widths=(16, 32)), (1, 8, 8)),
    "resnet [32, 64, 128] on 8 x 8": (ResNet(kind="resnet", widths=(32, 64, 128)), (1, 8, 8)),
    "resnet [24, 96, 192] on 28 x 28": (ResNet(kind="resnet", widths=(24, 96, 192)), (1, 28, 28)),
    "mlp [256] on 28 x 28": (Mlp(kind="mlp", hidden=(256,)), (1, 28, 28)),
    "mlp [1024, 1024] on 28 x 28": (Mlp(kind="mlp", hidden=(1024, 1024)), (1, 28, 28)),
}


@dataclass(frozen=True)
class SharedStep:
    """One network and batch: multiplications of a forward pass, and seconds of a step with one thread and with all."""

    title: str
    multiplications: int
    one: float
    all: float

    @property
    def ratio(self) -> float:
        """Of the time with all threads to that with one."""
        return self.all / self.one


def main(arguments: Sequence[str]) -> None:
    """Measures, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--busy", action="store_true", help="keeps every core busy meanwhile")
    asked = parser.parse_args(arguments)
    prepare_environment()
    threads = len(os.sched_getaffinity(0))
    with busy_cores() if asked.busy else nullcontext():
        steps = sorted(_measured(threads, asked.rounds), key=lambda step: step.multiplications)
    sys.stdout.write(f"{table(steps, threads)}\n\n{limit_in_words(steps)}\n")


def table(steps: Sequence[SharedStep], threads: int) -> str:
    """Returns a row per network and batch, the smallest step first; no line is wider than a terminal of 80 columns."""
    titles = ("network, batch", "million", "ms", f"{threads} threads")
    rows = [
        (step.title, f"{step.multiplications / 1e6:,.1f}", f"{1000 * step.one:,.2f}", f"{step.ratio:.2f}")
        for step in steps
    ]
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    lines = ["| " + " | ".join(_aligned(row, widths)) + " |" for row in (titles, rule, *rows)]
    return "\n".join(
        [
            "million: multiplications of a forward pass; ms: a step with one thread;",
            f"{threads} threads: how many times as long it takes with them.",
            "",
            *lines,
        ]
    )


def _aligned(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Returns the cells as wide as their columns, the first to the left and numbers to the right."""
    return [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]


def limit_in_words(steps: Sequence[SharedStep]) -> str:
    """Returns which limit the steps would set: the one that the least time is lost by, over all of them.

    A step below the limit takes one thread, another one all of them; what is lost is how many times as long it takes
    as the faster of the two, as a geometric mean.
    """
    limits = [0.0, *sorted(float(step.multiplications) for step in steps), float("inf")]
    best = min(limits, key=lambda limit: lost_by(limit, steps))
    worth = [step.multiplications for step in steps if step.ratio <= WORTH]
    least = _million(min(worth)) if worth else NONE
    return "\n".join(
        [
            f"Smallest step that all threads make in {WORTH:.0%} of the time: {least}.",
            f"Shared, so that the least is lost: {_shared(best)}; {lost_by(best, steps) - 1:.1%} lost.",
            f"With the limit that is set, {_shared(SHARED_STEP)}: {lost_by(SHARED_STEP, steps) - 1:.1%} lost.",
        ]
    )


def _shared(limit: float) -> str:
    """Says which steps are shared by a limit."""
    if limit == float("inf"):
        return NONE
    return f"from {_million(limit)} on" if limit else "all of the sizes tried"


def _million(count: float) -> str:
    return f"{count / 1e6:,.0f} million"


def lost_by(limit: float, steps: Sequence[SharedStep]) -> float:
    """Returns how many times as long a step takes by a limit as by the better choice; a geometric mean over steps."""
    logs = [
        np.log((step.one if step.multiplications < limit else step.all) / min(step.one, step.all)) for step in steps
    ]
    return float(np.exp(np.mean(logs)))


def _measured(threads: int, rounds: int) -> Iterator[SharedStep]:
    for name, (architecture, picture) in NETWORKS.items():
        network = fresh_network(architecture, picture)
        once = multiplications(network, {"inputs": np.zeros((1, *picture), np.uint8)})
        for batch in BATCHES:
            seconds: dict[int, list[float]] = {1: [], threads: []}
            for _ in range(rounds):
                for count, found in seconds.items():
                    found.append(_in_a_process(architecture, picture, batch, count))
            one, shared = (statistics.median(found) for found in (seconds[1], seconds[threads]))
            step = SharedStep(f"{name}, {batch}", once * batch, one, shared)
            sys.stderr.write(f"{step.title}: {1000 * one:.2f} ms, {step.ratio:.2f}\n")
            yield step


def _in_a_process(architecture: Architecture, picture: Picture, batch: int, threads: int) -> float:
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(seconds_of, architecture, picture, batch, threads).result()


def seconds_of(architecture: Architecture, picture: Picture, batch: int, threads: int) -> float:
    """Returns how long a step takes with so many threads, in this process."""
    torch.set_num_threads(threads)
    return seconds_of_steps(
        step_of(fresh_network(architecture, picture), Training(epochs=1, batch_size=batch), picture)
    )


if __name__ == "__main__":
    main(sys.argv[1:])
