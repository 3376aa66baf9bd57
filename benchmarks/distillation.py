"""Is the teacher worth anything? The student with and without it, several seeds, on the test split of a recipe.

    python -m benchmarks.distillation [--recipe digits] [--seeds 5] [--one-teacher] [--workers 2] [--write]

For every seed baseline and student are trained anew on the same data, and so is the teacher; with `--one-teacher` that
of `stillhouse run` teaches all of them, and is trained here only if that has not run yet. The epoch is picked on
validation, the test split is looked at once. The interval is Student's t over the seeds, of the paired difference
within a seed. Each worker learns with one thread: small networks waste a second one.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from scipy.stats import t

from benchmarks.page import replace_table
from benchmarks.project import with_all_labels
from flows.recipe_checks import pinned
from infra.services.prefect_server import start_prefect_api
from params.pipeline import Recipe
from params.teacher import TrainedTeacher
from tasks.contracts.records import DataRecord, ModelRecord
from tasks.core.environment import prepare_environment
from tasks.core.progress import silent
from tasks.core.workspace import project_root
from tasks.data.versions.versioning import versioned_data
from tasks.distill.baseline import train_alone
from tasks.distill.health import weights_digest
from tasks.distill.student import distill
from tasks.distill.teachers.teachers import LoadedTeacher, Teachers
from tasks.distill.teachers.train import published_teacher, train
from tasks.models.build import Network, count_parameters
from tasks.models.weights import load_model
from tasks.tracking.runs import fetch
from tasks.training.arrays import open_split
from tasks.training.network import PreparedData

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Seed:
    """Test accuracy of the three networks of one seed."""

    teacher: float
    alone: float
    distilled: float


def main(arguments: Sequence[str]) -> None:
    """Measures, prints the table, and writes it into docs/benchmarks.md if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="digits")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--one-teacher", action="store_true", help="that of `stillhouse run`, for all seeds")
    parser.add_argument("--workers", type=int, default=2, help="seeds that are learned at the same time")
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args(arguments)
    prepare_environment()
    project = project_root()
    recipe = pinned(project, with_all_labels(asked.recipe))
    data = PreparedData.open(versioned_data(project, recipe))
    once = teacher_of_the_run(recipe) if asked.one_teacher else None
    started = time.perf_counter()
    pool = ProcessPoolExecutor(asked.workers, get_context("spawn"), torch.set_num_threads, (1,))
    with tempfile.TemporaryDirectory() as store, pool:
        seeds = list(pool.map(partial(_one_seed, recipe, data.directory, once, Path(store)), range(asked.seeds)))
    table = _table(asked.recipe, seeds, time.perf_counter() - started)
    sys.stdout.write(f"{table}\n")
    if asked.write:
        replace_table(f"bench-{asked.recipe}", table)


def taught(recipe: Recipe, data: PreparedData, seed: int) -> Network:
    """Returns the teacher of a recipe for one seed."""
    assert isinstance(recipe.teacher, TrainedTeacher), "the benchmark trains its teachers"
    params = recipe.teacher
    return train(
        params.architecture, recipe.teacher.training, data, seed, silent, nothing, published_teacher(params)
    ).network


def teacher_of_the_run(recipe: Recipe) -> Network:
    """Returns the teacher of `stillhouse run`, trained here only where that has not run yet."""
    ready = start_prefect_api()
    from prefect import flow

    from flows.retrain import parent_run, train_teachers
    from tasks.data.task import prepare_data

    @flow(name="teacher for a benchmark")
    def teacher(recipe: Recipe) -> tuple[ModelRecord, DataRecord]:
        with parent_run(recipe):
            data = prepare_data(recipe)
            return train_teachers(recipe, data)[0].model, data

    ready()
    record, data = teacher(recipe)
    return load_model(record, fetch(record.weights), PreparedData.open(data).card.statistics)


def _one_seed(recipe: Recipe, directory: Path, once: Network | None, store: Path, seed: int) -> Seed:
    data = PreparedData.open_folder(directory)
    teacher = once or taught(recipe, data, seed)
    alone = train_alone(recipe.student, data, seed, silent, nothing)
    teachers = Teachers((LoadedTeacher(teacher, weights_digest(teacher)),), data.data_digest, store)
    distilled = distill(recipe.student, recipe.distill, teachers, data, seed, silent, nothing).trained
    networks = (teacher, alone.network, distilled.network)
    accuracies = [_test_accuracy(network, data) for network in networks]
    sizes = ", ".join(f"{count_parameters(network):,}" for network in networks)
    told = ", ".join(f"{accuracy:.2%}" for accuracy in accuracies)
    sys.stderr.write(f"seed {seed} done: teacher, alone, distilled {told} ({sizes} parameters)\n")
    return Seed(*accuracies)


def _test_accuracy(network: Network, data: PreparedData) -> float:
    test = open_split(data.directory, "test")
    return data.measuring.measure(network, test)[data.measuring.deciding.name]


def _table(recipe: str, seeds: Sequence[Seed], seconds: float) -> str:
    teacher, alone, distilled = (np.array([getattr(s, n) for s in seeds]) for n in ("teacher", "alone", "distilled"))
    rows = [
        f"| `{recipe}`, {len(seeds)} seeds, {seconds:.0f} s | test accuracy, mean | 95 % interval |",
        "| --- | --- | --- |",
        row_of("teacher", teacher),
        row_of("student alone", alone),
        row_of("student distilled", distilled),
        row_of("distilled minus alone, paired", distilled - alone, "+"),
    ]
    return "\n".join(rows)


def row_of(label: str, values: "np.ndarray[tuple[int], np.dtype[np.float64]]", sign: str = "") -> str:
    """Returns a row of a table: the mean over the seeds, and Student's t around it."""
    mean = float(values.mean())
    reach = float(t.ppf((1 + CONFIDENCE) / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
    return (
        f"| {label} | {100 * mean:{sign}.2f} % | {100 * (mean - reach):{sign}.2f} to {100 * (mean + reach):{sign}.2f} |"
    )


def nothing(_epoch: int, _metrics: object) -> None:
    """The benchmark does not look at epochs."""


if __name__ == "__main__":
    main(sys.argv[1:])
