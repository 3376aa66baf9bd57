"""Every objective on the same students and teachers: what it is worth, and what an epoch with it takes.

    python -m benchmarks.objectives [--recipes digits vowels] [--seeds 5] [--only kl dkd] [--write]

Each seed has a teacher and a baseline of its own; all objectives of a seed share both, the order of samples and the
initial weights. Every objective has its default weight, beside the recipe's `alpha` and `temperature`; nothing was
tuned for this table. `gain` is paired with the baseline, intervals are Student's t over the seeds, the seconds are the
median epoch without validation. Accuracy is on the test split, of the epoch that was best on validation.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t

from benchmarks.page import replace_table
from benchmarks.project import with_all_labels
from params.distill import Distill
from params.pipeline import Recipe
from params.teacher import TrainedTeacher
from tasks.core.environment import prepare_environment
from tasks.core.progress import silent
from tasks.core.workspace import project_root
from tasks.data.versions.versioning import versioned_data
from tasks.distill.baseline import train_alone
from tasks.distill.student import distill
from tasks.distill.teachers.teachers import LoadedTeacher, Teachers
from tasks.distill.teachers.train import train
from tasks.training.arrays import open_split
from tasks.training.network import PreparedData, Trained

CONFIDENCE = 0.95
SOFT = (
    {"kind": "kl"},
    {"kind": "reverse_kl"},
    {"kind": "symmetric_kl"},
    {"kind": "logit_mse"},
    {"kind": "dkd"},
    {"kind": "dist"},
    {"kind": "kl", "standardise": True},
)
PER_STEP = ({"kind": "kl", "per": "step"},)
FEATURES = ("hint", "attention", "similarity", "relation", "pkt", "vid", "crd", "review")
LAYERS: Mapping[str, list[dict[str, str]]] = {
    "digits": [{"student": "stage1", "teacher": "group2"}, {"student": "stage2", "teacher": "group3"}],
    "vowels": [{"student": "layer1", "teacher": "layer2"}],
}
"""which layer of the student learns from which of the teacher, where an objective wants layers"""


@dataclass(frozen=True)
class Measured:
    """Test accuracy and seconds per epoch of one student."""

    accuracy: float
    seconds: float


def main(arguments: Sequence[str]) -> None:
    """Measures, prints a table per recipe, and writes them into docs/benchmarks.md if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipes", nargs="+", default=["digits", "vowels"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", nargs="+")
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args(arguments)
    prepare_environment()
    for name in asked.recipes:
        started = time.perf_counter()
        wanted = {label: o for label, o in objectives_for(name).items() if not asked.only or label in asked.only}
        results = _measure(name, wanted, asked.seeds)
        table = _table(name, results, asked.seeds, time.perf_counter() - started)
        sys.stdout.write(f"{table}\n\n")
        if asked.write:
            replace_table(f"bench-objectives-{name}", table)


def objectives_for(recipe: str) -> dict[str, dict[str, Any]]:
    """Returns label -> objective as a recipe writes it, each alone beside the hard label."""
    alone = SOFT + (PER_STEP if recipe == "vowels" else ())
    features = [{"kind": kind, "layers": LAYERS[recipe]} for kind in FEATURES]
    return {_label(objective): objective for objective in (*alone, *features)}


def _label(objective: Mapping[str, Any]) -> str:
    extras = ["standardise"] * bool(objective.get("standardise")) + ["per step"] * (objective.get("per") == "step")
    return " ".join([objective["kind"], *extras])


def _measure(name: str, wanted: Mapping[str, dict[str, Any]], seeds: int) -> dict[str, list[Measured]]:
    project = project_root()
    recipe = with_all_labels(name)
    data = PreparedData.open(versioned_data(project, recipe))
    results: dict[str, list[Measured]] = {label: [] for label in ("teacher", "alone", *wanted)}
    for seed in range(seeds):
        with tempfile.TemporaryDirectory() as store:
            for label, measured in _one_seed(recipe, data, wanted, seed, Path(store)):
                results[label].append(measured)
                sys.stderr.write(f"{name} seed {seed} {label}: {measured.accuracy:.4f}\n")
    return results


def _one_seed(
    recipe: Recipe, data: PreparedData, wanted: Mapping[str, dict[str, Any]], seed: int, store: Path
) -> list[tuple[str, Measured]]:
    assert isinstance(recipe.teacher, TrainedTeacher), "each seed trains a teacher of its own"
    teacher = train(recipe.teacher.architecture, recipe.teacher.training, data, seed, silent, _nothing)
    measured = [("teacher", _judged(teacher, data)), ("alone", _judged(_alone(recipe, data, seed), data))]
    teachers = Teachers((LoadedTeacher(teacher.network, f"seed {seed}"),), data.data_digest, store)
    for label, objective in wanted.items():
        params = Distill.model_validate(recipe.distill.model_dump() | {"objectives": [objective]})
        done = distill(recipe.student, params, teachers, data, seed, silent, _nothing)
        measured.append((label, _judged(done.trained, data)))
    return measured


def _alone(recipe: Recipe, data: PreparedData, seed: int) -> Trained:
    return train_alone(recipe.student, data, seed, silent, _nothing)


def _judged(trained: Trained, data: PreparedData) -> Measured:
    test = open_split(data.directory, "test")
    accuracy = data.measuring.measure(trained.network, test)[data.measuring.deciding.name]
    return Measured(accuracy, statistics.median(epoch["train_seconds"] for epoch in trained.fit.history))


def _table(name: str, results: Mapping[str, Sequence[Measured]], seeds: int, seconds: float) -> str:
    alone = _accuracies(results["alone"])
    rows = [
        f"| `{name}`, {seeds} seeds, {seconds / 60:.0f} min | test accuracy | gain over alone | ms per epoch |",
        "| --- | --- | --- | ---: |",
    ]
    for label, measured in results.items():
        accuracies = _accuracies(measured)
        gain = "" if label in ("teacher", "alone") else _interval(accuracies - alone, "+")
        speed = 1000 * statistics.median(m.seconds for m in measured)
        rows.append(f"| {label} | {_interval(accuracies)} | {gain} | {speed:.0f} |")
    return "\n".join(rows)


def _accuracies(measured: Sequence[Measured]) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    return np.array([m.accuracy for m in measured])


def _interval(values: "np.ndarray[tuple[int], np.dtype[np.float64]]", sign: str = "") -> str:
    mean = float(values.mean())
    reach = float(t.ppf((1 + CONFIDENCE) / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
    return f"{100 * mean:{sign}.2f} ({100 * (mean - reach):{sign}.2f} to {100 * (mean + reach):{sign}.2f})"


def _nothing(_epoch: int, _metrics: object) -> None:
    """The benchmark does not look at epochs."""


if __name__ == "__main__":
    main(sys.argv[1:])
