"""What one step of training takes in fp32 and in bf16.

    python -m benchmarks.step [--rounds 5]

Per network one thread, its recipe's batch, fresh weights and random pictures; the ways take turns, each time in a fresh
process, since the C library adapts to what was there before; the ratio is that of the medians. bf16 pays on processors
that multiply it themselves.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import torch
from torch.nn.functional import cross_entropy

from params.models import Architecture
from params.teacher import TrainedTeacher
from params.training import Training
from tasks.contracts.records import DataSpec, InputSpec, Statistics
from tasks.contracts.targets import TargetCard
from tasks.core.workspace import project_root
from tasks.kinds.recipes import load_recipe
from tasks.models.build import Network, build_model
from tasks.training.memory_format import prefer_channels_last
from tasks.training.optimizers import build_optimizer
from tasks.training.precision import has_bf16, with_precision

PICTURES = {"fashion": (1, 28, 28), "solar": (1, 224, 224)}
"""the recipes whose trainings take long, and what they look at"""
Picture = tuple[int, int, int]
"""channels, height, width"""
OUTPUTS = 10
WARM_UP, TURN_SECONDS = 3, 2.0
CPU = torch.device("cpu")
PRECISIONS = ("fp32", "bf16")


def main(arguments: Sequence[str]) -> None:
    """Measures, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args(arguments)
    rows = [_row(*network, asked.rounds) for network in _networks()]
    titles = f"one step{'' if has_bf16(CPU) else ' (no bf16 in this processor)'} | fp32 | bf16 / fp32"
    table = "\n".join([f"| {titles} |", "| --- | ---: | ---: |", *rows])
    sys.stdout.write(f"{table}\n")


def _networks() -> Iterator[tuple[str, Architecture, Training, Picture]]:
    for name, picture in PICTURES.items():
        recipe = load_recipe(project_root() / "params" / f"{name}.yaml")
        assert isinstance(recipe.teacher, TrainedTeacher), "both recipes have one"
        for role, one in (("teacher", recipe.teacher), ("student", recipe.student)):
            yield f"`{name}`, {role}", one.architecture, one.training, picture


def _row(name: str, architecture: Architecture, training: Training, picture: Picture, rounds: int) -> str:
    seconds: dict[str, list[float]] = {precision: [] for precision in PRECISIONS}
    for _ in range(rounds):
        for precision in PRECISIONS:
            with ProcessPoolExecutor(1, get_context("spawn")) as pool:
                seconds[precision].append(pool.submit(_seconds, precision, architecture, training, picture).result())
    wide, narrow = (statistics.median(seconds[precision]) for precision in PRECISIONS)
    return f"| {name} | {1000 * wide:,.0f} ms | {narrow / wide:.2f} |"


def _seconds(precision: str, architecture: Architecture, training: Training, picture: Picture) -> float:
    torch.set_num_threads(1)
    network = fresh_network(architecture, picture)
    return seconds_of_steps(step_of(network, training.model_copy(update={"precision": precision}), picture))


def seconds_of_steps(step: Callable[[], None]) -> float:
    """Returns the mean over as many steps as go into a turn, after a few that do not count."""
    for _ in range(WARM_UP):
        step()
    started, count = time.perf_counter(), 0
    while time.perf_counter() - started < TURN_SECONDS:
        step()
        count += 1
    return (time.perf_counter() - started) / count


def fresh_network(architecture: Architecture, picture: Picture) -> Network:
    """Returns a network of random weights that tells ten classes of pictures apart: (channels, height, width)."""
    spec = InputSpec(layout="image", dtype="uint8", shape=picture)
    targets = TargetCard(names=tuple(map(str, range(OUTPUTS))))
    statistics = Statistics(mean=(128.0,), std=(64.0,))
    return build_model(
        architecture, DataSpec(input=spec, task="classification", targets=targets, statistics=statistics)
    )


def step_of(network: Network, training: Training, picture: Picture) -> Callable[[], None]:
    """Returns what takes one step of a training on a batch of random pictures and labels."""
    prefer_channels_last(network)
    learner, optimizer = with_precision(network.train(), training, CPU), build_optimizer(training, [network])
    inputs = {"inputs": torch.randint(0, 256, (training.batch_size, *picture), dtype=torch.uint8)}
    labels = torch.randint(0, OUTPUTS, (training.batch_size,))

    def step() -> None:
        optimizer.zero_grad()
        (logits,) = learner(inputs).values()
        cross_entropy(logits, labels).backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return step


if __name__ == "__main__":
    main(sys.argv[1:])
