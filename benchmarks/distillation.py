"""Is the teacher worth anything? The student with and without it, several seeds, on the test split of a recipe.

    python -m benchmarks.distillation [--recipe digits] [--seeds 5] [--one-teacher] [--write]

For every seed baseline and student are trained anew on the same data, and so is the teacher, unless one is to teach all
of them; the epoch is picked on validation, the test split is looked at once. The interval is Student's t over the
seeds, of the paired difference within a seed.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import t

from benchmarks.readme import replace_table
from params.pipeline import Recipe
from tasks.data.versioning import versioned_data
from tasks.distill.health import weights_digest
from tasks.distill.student import distill, train_alone
from tasks.distill.teaching import Teacher, Teaching
from tasks.models.build import Network, count_parameters
from tasks.progress import silent
from tasks.recipes import load_recipe
from tasks.teacher.train import train
from tasks.training.arrays import open_split
from tasks.training.network import PreparedData, Trained
from tasks.training.predict import predict_logits
from tasks.workspace import prepare_environment, project_root

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Seed:
    """Test accuracy of the three networks of one seed."""

    teacher: float
    alone: float
    distilled: float


def main(arguments: Sequence[str]) -> None:
    """Measures, prints the table, and writes it into the README if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="digits")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument(
        "--one-teacher", action="store_true", help="that of the first seed, where training it takes long"
    )
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args(arguments)
    prepare_environment()
    project = project_root()
    recipe = load_recipe(project / "params" / f"{asked.recipe}.yaml")
    data = PreparedData.open(versioned_data(project, recipe))
    started = time.perf_counter()
    seeds: list[Seed] = []
    with tempfile.TemporaryDirectory() as store:
        teacher = _taught(recipe, data, 0)
        for seed in range(asked.seeds):
            teacher = teacher if asked.one_teacher or seed == 0 else _taught(recipe, data, seed)
            seeds.append(_one_seed(recipe, data, teacher, seed, Path(store)))
    table = _table(asked.recipe, seeds, time.perf_counter() - started)
    sys.stdout.write(f"{table}\n")
    if asked.write:
        replace_table(f"bench-{asked.recipe}", table)


def _taught(recipe: Recipe, data: PreparedData, seed: int) -> Trained:
    assert recipe.teacher is not None, "the benchmark asks what a teacher is worth"
    assert recipe.teacher.training is not None, "the benchmark trains its teachers"
    params = recipe.teacher
    return train(params.architecture, recipe.teacher.training, data, seed, silent, _nothing, params.init)


def _one_seed(recipe: Recipe, data: PreparedData, teacher: Trained, seed: int, store: Path) -> Seed:
    alone = train_alone(recipe.student, data, seed, silent, _nothing)
    digest = weights_digest(teacher.network)
    teaching = Teaching((Teacher(teacher.network, digest),), data.data_digest, store)
    distilled = distill(recipe.student, recipe.distill, teaching, data, seed, silent, _nothing).trained
    _say(seed, teacher, alone, distilled)
    return Seed(*(_test_accuracy(trained.network, data) for trained in (teacher, alone, distilled)))


def _test_accuracy(network: Network, data: PreparedData) -> float:
    test = open_split(data.directory, "test")
    return data.kind.quick_scores(predict_logits(network, test), test.labels())["accuracy"]


def _table(recipe: str, seeds: Sequence[Seed], seconds: float) -> str:
    teacher, alone, distilled = (np.array([getattr(s, n) for s in seeds]) for n in ("teacher", "alone", "distilled"))
    rows = [
        f"| `{recipe}`, {len(seeds)} seeds, {seconds:.0f} s | test accuracy, mean | 95 % interval |",
        "| --- | --- | --- |",
        _row("teacher", teacher),
        _row("student alone", alone),
        _row("student distilled", distilled),
        _row("distilled minus alone, paired", distilled - alone, "+"),
    ]
    return "\n".join(rows)


def _row(label: str, values: "np.ndarray[tuple[int], np.dtype[np.float64]]", sign: str = "") -> str:
    mean = float(values.mean())
    reach = float(t.ppf((1 + CONFIDENCE) / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
    return (
        f"| {label} | {100 * mean:{sign}.2f} % | {100 * (mean - reach):{sign}.2f} to {100 * (mean + reach):{sign}.2f} |"
    )


def _say(seed: int, *trained: Trained) -> None:
    sizes = ", ".join(f"{count_parameters(one.network):,}" for one in trained)
    sys.stderr.write(f"seed {seed} done ({sizes} parameters)\n")


def _nothing(_epoch: int, _metrics: object) -> None:
    """The benchmark does not look at epochs."""


if __name__ == "__main__":
    main(sys.argv[1:])
