"""Is the teacher worth anything? The student with and without it, several seeds, on the test split of a recipe.

    python -m benchmarks.distillation [--recipe digits] [--seeds 5] [--write]

For every seed teacher, baseline and student are trained anew on the same data; the epoch is picked on validation, the
test split is looked at once. The interval is Student's t over the seeds, of the paired difference within a seed.
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
from tasks.distill.student import Teaching, distill, train_alone
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
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args(arguments)
    prepare_environment()
    project = project_root()
    recipe = load_recipe(project / "params" / f"{asked.recipe}.yaml")
    data = PreparedData.open(versioned_data(project, recipe))
    started = time.perf_counter()
    seeds = [_one_seed(recipe, data, seed) for seed in range(asked.seeds)]
    table = _table(asked.recipe, seeds, time.perf_counter() - started)
    sys.stdout.write(f"{table}\n")
    if asked.write:
        replace_table(f"bench-{asked.recipe}", table)


def _one_seed(recipe: Recipe, data: PreparedData, seed: int) -> Seed:
    assert recipe.teacher.training is not None, "the benchmark trains its teachers"
    teacher = train(recipe.teacher.architecture, recipe.teacher.training, data, seed, silent, _nothing)
    alone = train_alone(recipe.student, data, seed, silent, _nothing)
    with tempfile.TemporaryDirectory() as store:
        teaching = Teaching(teacher.network, {"seed": str(seed)}, Path(store))
        distilled = distill(recipe.student, recipe.distill, teaching, data, seed, silent, _nothing)
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
