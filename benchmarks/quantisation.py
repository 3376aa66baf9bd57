"""Is training on the grid of integers worth it? `qat_int8` against `static_int8` with fewer and fewer bits for weights.

    python -m benchmarks.quantisation [--recipe digits] [--seeds 5] [--bits 8 4 3 2] [--write]

The teacher is that of `stillhouse run`; each seed has a student of its own, of which both passes make their files. The
epoch is picked on validation, the test split is looked at once, in ONNX Runtime. Intervals are Student's t over the
seeds, of the paired difference within a seed.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from benchmarks.distillation import nothing, teacher_of_the_run
from benchmarks.page import replace_table
from benchmarks.project import with_all_labels
from flows.recipe_checks import pinned
from params.compress import Compress
from params.pipeline import Recipe
from tasks.compress.context import CompressionContext
from tasks.compress.passes import CandidateBuilder
from tasks.compress.recovery import Recoverer
from tasks.core.environment import prepare_environment
from tasks.core.progress import silent
from tasks.core.workspace import project_root
from tasks.data.versions.versioning import versioned_data
from tasks.distill.health import weights_digest
from tasks.distill.student import distill
from tasks.distill.teachers.teachers import LoadedTeacher, Teachers
from tasks.runtime.bundle.session import Session
from tasks.training.arrays import open_split
from tasks.training.network import PreparedData

CONFIDENCE = 0.95
AFTER, AWARE = "static_int8", "qat_int8"
Scores = dict[str, float]
"""candidate -> accuracy on test"""


def main(arguments: Sequence[str]) -> None:
    """Measures, prints the table, and writes it into docs/benchmarks.md if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="digits")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--bits", type=int, nargs="+", default=[8, 4, 3, 2])
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args(arguments)
    prepare_environment()
    project = project_root()
    recipe = pinned(project, with_all_labels(asked.recipe))
    data = PreparedData.open(versioned_data(project, recipe))
    network = teacher_of_the_run(recipe)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        teachers = Teachers((LoadedTeacher(network, weights_digest(network)),), data.data_digest, Path(folder))
        seeds = [_one_seed(recipe, data, teachers, asked.bits, Path(folder), seed) for seed in range(asked.seeds)]
    table = _table(asked.recipe, asked.bits, seeds, time.perf_counter() - started)
    sys.stdout.write(f"{table}\n")
    if asked.write:
        replace_table("context-quantisation", table)


def _one_seed(
    recipe: Recipe, data: PreparedData, teachers: Teachers, bits: Sequence[int], folder: Path, seed: int
) -> Scores:
    passes = [{"kind": kind, "weight_bits": number} for number in bits for kind in (AFTER, AWARE)]
    params = Compress.model_validate({"target": recipe.compress.target.model_dump(), "candidates": passes})
    student = distill(recipe.student, recipe.distill, teachers, data, seed, silent, nothing).trained.network
    recover = Recoverer(recipe.student.training, recipe.distill, teachers, data, seed, nothing)
    builder = CandidateBuilder(CompressionContext(params, student, data, folder, seed, recover))
    test, measuring = open_split(data.directory, "test"), data.measuring
    scores = {}
    for candidate in params.candidates:
        session = Session(builder.build(candidate).path.read_bytes())
        seen = measuring.seen((session.predict(some.inputs), some.targets) for some in test.batches())
        scores[candidate.called] = measuring.values(seen)[measuring.deciding.name]
    told = ", ".join(f"{name} {score:.2%}" for name, score in scores.items())
    sys.stderr.write(f"seed {seed} done: {told}\n")
    return scores


def _table(recipe: str, bits: Sequence[int], seeds: Sequence[Scores], seconds: float) -> str:
    plain = _mean(np.array([scores["fp32"] for scores in seeds]))
    head = (
        f"| `{recipe}`, {len(seeds)} seeds, {seconds:.0f} s; fp32 {plain} | `{AFTER}` | `{AWARE}` | trained minus not |"
    )
    return "\n".join([head, "| --- | ---: | ---: | --- |", *(_row(number, seeds) for number in bits)])


def _row(bits: int, seeds: Sequence[Scores]) -> str:
    suffix = "" if bits == 8 else f"_w{bits}"
    after, aware = (np.array([scores[f"{kind}{suffix}"] for scores in seeds]) for kind in (AFTER, AWARE))
    gain = 100 * (aware - after)
    reach = float(t.ppf((1 + CONFIDENCE) / 2, len(gain) - 1) * gain.std(ddof=1) / np.sqrt(len(gain)))
    interval = f"{gain.mean():+.2f} ({gain.mean() - reach:+.2f} to {gain.mean() + reach:+.2f})"
    return f"| weights of {bits} bits | {_mean(after)} | {_mean(aware)} | {interval} |"


def _mean(values: NDArray[np.float64]) -> str:
    return f"{100 * float(values.mean()):.2f} %"


if __name__ == "__main__":
    main(sys.argv[1:])
