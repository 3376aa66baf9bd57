"""What a teacher costs: an epoch with soft labels against an epoch without, in one process, interleaved.

    python -m benchmarks.cost [--recipes digits vowels fashion] [--epochs 10] [--write]

Per recipe, medians over the epochs (three of them with the live teacher):
- warm: distillation with soft labels from disk, by the recipe's objectives, over plain training of the same student;
- live: distillation with the teacher asked at every step, over the same with soft labels from disk;
- cold: the seconds it takes to compute the soft labels once, and what they take up per sample;
- input: samples per second of a training epoch out of the memory map, over the same steps on one tensor in memory.
An epoch is the whole training split, but at most 6,400 samples of it: of fashion an eighth, in an eighth of the time.
The teacher has random weights: what it costs does not depend on what it knows.
"""

import argparse
import dataclasses
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from benchmarks.page import replace_table
from params.distill import SoftLabelStore
from params.pipeline import Recipe
from params.teacher import TrainedTeacher
from tasks.core.environment import prepare_environment
from tasks.core.progress import silent
from tasks.core.workspace import project_root
from tasks.data.versions.versioning import versioned_data
from tasks.distill.loss import DistillationLoss
from tasks.distill.soft_labels.source import SoftLabelReport
from tasks.distill.teachers.teachers import Lesson, LoadedTeacher, Teachers
from tasks.kinds.recipes import load_recipe
from tasks.training.arrays import SplitArrays
from tasks.training.batches import Batch
from tasks.training.loop import Objective, Trainer
from tasks.training.network import HardLabels, PreparedData
from tasks.training.seeds import seeded

SEED, LIVE_EPOCHS = 0, 3
MOST_SAMPLES = 6_400
SHORT_SECONDS, MORE = 1.0, 6
Epoch = Callable[[int], object]


def main(arguments: Sequence[str]) -> None:
    """Measures, prints the table, and writes it into docs/benchmarks.md if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipes", nargs="+", default=["digits", "vowels", "fashion"])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args(arguments)
    prepare_environment()
    rows = [_row(name, asked.epochs) for name in asked.recipes]
    titles = "recipe | plain epoch | warm / plain | live / warm | cold | bytes per sample | from disk / from memory"
    table = "\n".join([f"| {titles} |", "| --- | ---: | ---: | ---: | ---: | ---: | ---: |", *rows])
    sys.stdout.write(f"{table}\n")
    if asked.write:
        replace_table("bench-cost", table)


def _row(name: str, epochs: int) -> str:
    project = project_root()
    recipe = load_recipe(project / "params" / f"{name}.yaml")
    data = _shortened(PreparedData.open(versioned_data(project, recipe)))
    with tempfile.TemporaryDirectory() as store:
        bench = Bench(recipe, data, Path(store))
        variants = bench.variants()
        started = time.perf_counter()
        variants["plain"](1)
        # A short epoch is a noisy one: more of them.
        rounds = epochs if time.perf_counter() - started > SHORT_SECONDS else MORE * epochs
        seconds = _interleaved(variants, rounds)
        plain, warm, live, memory = (statistics.median(seconds[v]) for v in ("plain", "warm", "live", "memory"))
        (report,) = bench.reports()
        return (
            f"| `{name}` | {plain * 1000:,.0f} ms | {warm / plain:.3f} | {live / warm:.1f} |"
            f" {report.seconds:.2f} s | {report.bytes_per_sample:.0f} | {memory / plain:.3f} |"
        )


class _Beginning(SplitArrays):
    """The first rows of a split; they are in no order of classes."""

    def __len__(self) -> int:
        return min(MOST_SAMPLES, super().__len__())


def _shortened(data: PreparedData) -> PreparedData:
    train = _Beginning(data.directory, data.card, "train")
    return dataclasses.replace(data, splits=dataclasses.replace(data.splits, train=train))


def _interleaved(variants: dict[str, Epoch], epochs: int) -> dict[str, list[float]]:
    """Times one epoch of each in turn, beginning with another one each round; the first round does not count.

    The live teacher is asked in the first rounds only: it may take longer than all others together.
    """
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    order = list(variants.items())
    for round_ in range(epochs + 1):
        order = [*order[1:], order[0]]
        for name, epoch in order:
            if name == "live" and round_ > LIVE_EPOCHS:
                continue
            started = time.perf_counter()
            epoch(round_ + 1)
            if round_:
                seconds[name].append(time.perf_counter() - started)
    return seconds


class Bench:
    """One recipe: the same student in four trainers, and soft labels that are computed once."""

    def __init__(self, recipe: Recipe, data: PreparedData, store: Path) -> None:
        assert isinstance(recipe.teacher, TrainedTeacher), "what a teacher costs is asked of recipes that have one"
        self.recipe, self.data = recipe, data
        # Augmentation costs the same with and without a teacher: it is left out to see the difference.
        self.training = recipe.student.training.model_copy(update={"epochs": 1_000, "augment": None})
        with seeded(SEED):
            self.teacher = data.network(recipe.teacher.architecture)
        self.teachers = Teachers((LoadedTeacher(self.teacher, "random"),), data.data_digest, store).ready()
        self.reports: Callable[[], tuple[SoftLabelReport, ...]] = tuple

    def variants(self) -> dict[str, Epoch]:
        """Returns name -> what runs one epoch."""
        plain = self._trainer(HardLabels(self.data, self.training))
        memory = self._trainer(HardLabels(self.data, self.training))
        whole = Batch.of(
            self.data.splits.train.gather(np.arange(len(self.data.splits.train))), plain.accelerator.device
        )
        warm, live = (self._taught(source) for source in ("cached", "live"))
        return {
            "plain": plain.epoch,
            "warm": warm.epoch,
            "memory": lambda _epoch: _epoch_in_memory(memory, whole),
            "live": live.epoch,
        }

    def _trainer(self, objective: Objective) -> Trainer:
        with seeded(SEED):
            network = self.data.network(self.recipe.student.architecture)
        return Trainer.of(network, self.data.splits.train, objective, self.training, SEED)

    def _taught(self, kept: Literal["cached", "live"]) -> Trainer:
        store = SoftLabelStore(source=kept)
        params = self.recipe.distill.model_copy(update={"soft_labels": store})
        with seeded(SEED):
            network = self.data.network(self.recipe.student.architecture)
        source = self.teachers.soft_labels(Lesson(params, "sequence", self.data, None, self.training.epochs), silent)
        if kept == "cached":
            self.reports = lambda: source.reports
        loss = DistillationLoss(params, self.training, source, network, self.teacher, self.data)
        return Trainer.of(network, self.data.splits.train, loss, self.training, SEED)


def _epoch_in_memory(trainer: Trainer, whole: Batch) -> None:
    """Steps over slices of one shuffled tensor: the least that an input path can cost."""
    trainer.model.train()
    size, samples = trainer.params.batch_size, len(whole)
    for start in range(0, samples - samples % size, size):
        trainer.step(whole.part(slice(start, start + size)))


if __name__ == "__main__":
    main(sys.argv[1:])
