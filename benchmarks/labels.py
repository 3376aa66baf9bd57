"""What are samples without labels worth? The student alone, distilled on those with labels, and on all, several seeds.

    python -m benchmarks.labels [--recipe digits] [--keep 0.01 0.05 0.2] [--seeds 5] [--workers 2] [--write]
    python -m benchmarks.labels --front [--seeds 10]

The first command takes the labels of all but a part of the training samples and trains teacher and students on what is
left; the intervals are Student's t over the seeds, of paired differences where it says so. `--front` runs the recipe as
it is and gives the gain of each seed with its own interval, by the paired bootstrap over the test samples that every
evaluation uses. All students of a seed take equally many steps, and so do the teachers of all parts: the fewer labels,
the more epochs. The epoch is picked on validation data.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from math import ceil
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

from benchmarks.distillation import nothing, row_of, taught
from benchmarks.page import replace_table
from params.pipeline import Recipe
from params.teacher import TrainedTeacher
from tasks.contracts.metrics import Interval
from tasks.core.environment import prepare_environment
from tasks.core.progress import silent
from tasks.core.workspace import project_root
from tasks.data.versions.versioning import versioned_data
from tasks.distill.baseline import train_alone
from tasks.distill.health import weights_digest
from tasks.distill.student import distill
from tasks.distill.teachers.teachers import LoadedTeacher, Teachers
from tasks.evaluate.intervals import gains, resample
from tasks.kinds.recipes import load_recipe
from tasks.models.build import Network
from tasks.training.arrays import open_split
from tasks.training.network import PreparedData

NAMES = ("teacher", "alone", "labelled", "all")
TITLES = {
    "teacher": "teacher",
    "alone": "student alone",
    "labelled": "distilled on samples with labels",
    "all": "distilled on all samples",
}


@dataclass(frozen=True)
class Seed:
    """Test accuracy of the networks of one seed, and what all samples are worth over the student alone."""

    scores: dict[str, float]
    gain: Interval


def main(arguments: Sequence[str]) -> None:
    """Measures, prints the table, and writes it into docs/benchmarks.md if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="digits")
    parser.add_argument("--keep", type=float, nargs="*", default=[0.01, 0.05, 0.2])
    parser.add_argument("--front", action="store_true", help="the recipe as it is, each seed by itself")
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--workers", type=int, default=2, help="seeds that are learned at the same time")
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args(arguments)
    prepare_environment()
    started = time.perf_counter()
    if asked.front:
        seeds = measured(asked.recipe, [], asked.seeds or 10, asked.workers)
        table, name = _front(asked.recipe, seeds), f"bench-front-{asked.recipe}"
    else:
        parts = {keep: measured(asked.recipe, _few(keep), asked.seeds or 5, asked.workers) for keep in asked.keep}
        table, name = _table(asked.recipe, parts, time.perf_counter() - started), f"bench-labels-{asked.recipe}"
    sys.stdout.write(f"{table}\n")
    if asked.write:
        replace_table(name, table)


def _few(keep: float) -> list[str]:
    return [f"data.labels.keep={keep}"]


def measured(name: str, overrides: Sequence[str], seeds: int, workers: int) -> list[Seed]:
    """Returns the seeds of a recipe, learned side by side with one thread each."""
    project = project_root()
    recipe = load_recipe(project / "params" / f"{name}.yaml", overrides)
    data = PreparedData.open(versioned_data(project, recipe))
    if overrides:
        recipe = _with_equal_steps(recipe, len(data.splits.train), as_it_is(project, name))
    pool = ProcessPoolExecutor(workers, get_context("spawn"), torch.set_num_threads, (1,))
    with tempfile.TemporaryDirectory() as store, pool:
        return list(pool.map(partial(_one_seed, recipe, data.directory, Path(store)), range(seeds)))


def as_it_is(project: Path, name: str) -> int:
    """Returns how many training samples of a recipe have labels."""
    recipe = load_recipe(project / "params" / f"{name}.yaml")
    return versioned_data(project, recipe).samples["train"]


def _with_equal_steps(recipe: Recipe, labelled: int, before: int) -> Recipe:
    """Returns the recipe with as many epochs of its teacher as give the steps that the file asks for."""
    assert isinstance(recipe.teacher, TrainedTeacher), "the benchmark trains its teachers"
    training = recipe.teacher.training
    steps = [ceil(count / training.batch_size) for count in (before, labelled)]
    longer = training.model_copy(update={"epochs": ceil(training.epochs * steps[0] / steps[1])})
    return recipe.model_copy(update={"teacher": recipe.teacher.model_copy(update={"training": longer})})


def _one_seed(recipe: Recipe, directory: Path, store: Path, seed: int) -> Seed:
    data = PreparedData.open_folder(directory)
    teacher = taught(recipe, data, seed)
    teachers = Teachers((LoadedTeacher(teacher, weights_digest(teacher)),), data.data_digest, store)

    def distilled(share: float) -> Network:
        how = recipe.distill.model_copy(update={"unlabelled_share": share})
        return distill(recipe.student, how, teachers, data, seed, silent, nothing).trained.network

    networks = {
        "teacher": teacher,
        "alone": train_alone(recipe.student, data, seed, silent, nothing).network,
        "labelled": distilled(0.0),
        "all": distilled(recipe.distill.unlabelled_share),
    }
    found = _seed(recipe, data, networks, seed)
    told = ", ".join(f"{name} {score:.2%}" for name, score in found.scores.items())
    sys.stderr.write(f"seed {seed} done: {told}\n")
    return found


def _seed(recipe: Recipe, data: PreparedData, networks: dict[str, Network], seed: int) -> Seed:
    test, measuring = open_split(data.directory, "test"), data.measuring
    seen = {name: measuring.seen_by(network, test) for name, network in networks.items()}
    tallies = {name: partial(measuring.part.tally, one.evidence) for name, one in seen.items()}
    drawn = resample(tallies, len(test), recipe.evaluate, seed)
    metric = measuring.deciding
    gain = gains(drawn["all"], drawn["alone"], {metric.name: metric}, len(test), recipe.evaluate)[metric.name]
    return Seed({name: one.values[metric.name] for name, one in drawn.items()}, gain)


def _front(recipe: str, seeds: Sequence[Seed]) -> str:
    rows = [
        f"| {number} | {' | '.join(f'{100 * seed.scores[name]:.1f}' for name in NAMES)} |"
        f" {100 * seed.gain.value:+.1f} ({100 * seed.gain.low:+.1f} to {100 * seed.gain.high:+.1f}) |"
        for number, seed in enumerate(seeds)
    ]
    certain = sum(seed.gain.low > 0 for seed in seeds)
    return "\n".join(
        [
            f"| `{recipe}`, seed | {' | '.join(TITLES[name] for name in NAMES)} | all samples over alone |",
            f"| --- |{' ---: |' * len(NAMES)} --- |",
            *rows,
            f"| above zero | {' |' * len(NAMES)} {certain} of {len(seeds)} |",
        ]
    )


def _table(recipe: str, parts: dict[float, list[Seed]], seconds: float) -> str:
    count = len(next(iter(parts.values())))
    rows = [
        f"| `{recipe}`, {count} seeds, {seconds:.0f} s | test accuracy, mean | 95 % interval |",
        "| --- | --- | --- |",
    ]
    for keep, seeds in parts.items():
        values = {name: np.array([seed.scores[name] for seed in seeds]) for name in NAMES}
        rows += [row_of(f"{keep:.0%} of the labels: {TITLES[name]}", values[name]) for name in NAMES]
        rows.append(row_of(f"{keep:.0%}: all samples minus alone, paired", values["all"] - values["alone"], "+"))
        rows.append(row_of(f"{keep:.0%}: all minus with labels, paired", values["all"] - values["labelled"], "+"))
    return "\n".join(rows)


if __name__ == "__main__":
    main(sys.argv[1:])
