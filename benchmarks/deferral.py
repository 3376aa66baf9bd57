"""Does a student that defers keep the accuracy that its threshold promises, and how many samples does it answer?

    python -m benchmarks.deferral [--recipes digits fashion solar] [--accuracy 0.95 0.99] [--splits 200] [--whole]
                                  [--write]

Per recipe one student is trained, and answers the samples of validation and test. They are split at random in two
halves, 200 times: in one half the project's own search (`tasks/evaluate/thresholds/defer.py`) finds the threshold, the
other half judges it. A promise is broken where fewer of the answers at or above the threshold are right than was
promised.

The judging half is a draw as well, so a threshold that is right exactly as often as promised is found broken every
second time. The promise itself is about all samples that may come: in the second column of breaks the finding half is
drawn from all samples with replacement, and all samples judge it.

The student of `digits` learns from its teacher, the others alone and, without `--whole`, for a few epochs: whether the
promise is kept is asked, and it is one for any student.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.distillation import nothing, taught
from benchmarks.page import replace_table
from flows.recipe_checks import pinned
from params.evaluate import Evaluate
from params.pipeline import Recipe
from tasks.core.environment import prepare_environment
from tasks.core.progress import silent
from tasks.core.workspace import project_root
from tasks.data.versions.versioning import versioned_data
from tasks.distill.baseline import train_alone
from tasks.distill.health import weights_digest
from tasks.distill.student import distill
from tasks.distill.teachers.teachers import LoadedTeacher, Teachers
from tasks.evaluate.thresholds.defer import Booleans, Floats, answered, find_threshold
from tasks.kinds.recipes import load_recipe
from tasks.models.build import Network
from tasks.models.export import export_onnx
from tasks.runtime.bundle.session import Session
from tasks.training.arrays import open_split
from tasks.training.network import PreparedData

RISK: float = Evaluate.model_fields["defer_risk"].default
SHORT = {
    "fashion": ("student.training.epochs=4", "student.training.augment=null"),
    "solar": ("student.init=random", "student.training.epochs=12"),
}
"""recipe whose student learns alone -> what makes a training of minutes of it"""


@dataclass(frozen=True)
class Kept:
    """How one threshold did: None where the search found none, and every sample is deferred."""

    accuracy: float | None
    coverage: float

    def breaks(self, promised: float) -> bool:
        """Returns whether fewer of the answers are right than was promised."""
        return self.accuracy is not None and self.accuracy < promised


def main(arguments: Sequence[str]) -> None:
    """Measures, prints the table, and writes it into docs/benchmarks.md if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipes", nargs="+", default=["digits", "fashion", "solar"])
    parser.add_argument("--accuracy", nargs="+", type=float, default=[0.95, 0.99])
    parser.add_argument("--splits", type=int, default=200)
    parser.add_argument("--whole", action="store_true", help="trains as long as the recipes say")
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args(arguments)
    prepare_environment()
    rows = [
        row
        for name in asked.recipes
        for row in _rows(name, () if asked.whole else SHORT.get(name, ()), asked.accuracy, asked.splits)
    ]
    titles = f"recipe, student | right | promised | may break | broken, of {asked.splits} | of what may come | coverage"
    table = "\n".join([f"| {titles} |", "| --- | ---: | ---: | ---: | ---: | ---: | --- |", *rows])
    sys.stdout.write(f"{table}\n")
    if asked.write:
        replace_table("bench-deferral", table)


def splits(sure: Floats, right: Booleans, promised: float, risk: float, count: int) -> Iterator[Kept]:
    """Yields how the threshold that a random half of the samples gives does on the other half.

    Args:
        sure: (n,) the confidence in each answer.
        right: (n,) whether it is right.
        promised: the accuracy that the threshold is to keep.
        risk: how likely it may not.
        count: of splits.
    """
    draws = np.random.default_rng(0)
    for _ in range(count):
        finds, judges = np.array_split(draws.permutation(len(sure)), 2)
        yield _judged(find_threshold(sure[finds], right[finds], promised, risk), sure[judges], right[judges])


def redrawn(sure: Floats, right: Booleans, promised: float, risk: float, count: int) -> Iterator[Kept]:
    """Yields how the threshold that a draw of half as many samples gives does on all of them; see `splits`."""
    draws = np.random.default_rng(0)
    for _ in range(count):
        finds = draws.integers(0, len(sure), len(sure) // 2)
        yield _judged(find_threshold(sure[finds], right[finds], promised, risk), sure, right)


def _judged(threshold: float | None, sure: Floats, right: Booleans) -> Kept:
    if threshold is None:
        return Kept(None, 0.0)
    taken = sure >= threshold
    return Kept(float(right[taken].mean()) if taken.any() else None, float(taken.mean()))


def _rows(name: str, changed: Sequence[str], promises: Sequence[float], count: int) -> Iterator[str]:
    project = project_root()
    recipe = pinned(project, load_recipe(project / "params" / f"{name}.yaml", changed))
    data = PreparedData.open(versioned_data(project, recipe))
    alone = name in SHORT
    network = (
        train_alone(recipe.student, data, recipe.seed, silent, nothing).network if alone else _taught(recipe, data)
    )
    sure, right = _answers(network, data)
    budget = f"{recipe.student.training.epochs} epochs, " if changed else ""
    label = f"`{name}`, {'alone' if alone else 'distilled'}, {budget}{len(sure):,} samples"
    for promised in promises:
        yield row_of(label, sure, right, promised, count)


def row_of(label: str, sure: Floats, right: Booleans, promised: float, count: int) -> str:
    """Returns a row of the table: one student, and one accuracy that is promised."""
    kept = list(splits(sure, right, promised, RISK, count))
    all_that_come = list(redrawn(sure, right, promised, RISK, count))
    broken, of_all = (sum(one.breaks(promised) for one in some) for some in (kept, all_that_come))
    coverage = np.array([one.coverage for one in kept])
    return (
        f"| {label} | {right.mean():.1%} | {promised:.0%} | {RISK:.0%} | {broken} ({broken / count:.1%}) |"
        f" {of_all} ({of_all / count:.1%}) | {coverage.mean():.1%} ({coverage.min():.1%} to {coverage.max():.1%}) |"
    )


def _taught(recipe: Recipe, data: PreparedData) -> Network:
    teacher = taught(recipe, data, recipe.seed)
    with tempfile.TemporaryDirectory() as store:
        teachers = Teachers((LoadedTeacher(teacher, weights_digest(teacher)),), data.data_digest, Path(store))
        return distill(recipe.student, recipe.distill, teachers, data, recipe.seed, silent, nothing).trained.network


def _answers(network: Network, data: PreparedData) -> tuple[Floats, Booleans]:
    """Returns what a device would say of the samples of validation and test."""
    with tempfile.TemporaryDirectory() as folder:
        export_onnx(network, path := Path(folder) / "model.onnx")
        session = Session(path.read_bytes())
    parts = [answered(session, data, open_split(data.directory, name)) for name in ("validation", "test")]
    return np.concatenate([sure for sure, _ in parts]), np.concatenate([right for _, right in parts])


if __name__ == "__main__":
    main(sys.argv[1:])
