"""What each candidate comes to, and beside it what ONNX Runtime's own quantisers make of the same student by default.

    python -m benchmarks.compression [--recipes digits vowels] [--candidates '[prune, fp16]'] [--write]

The networks and the files are those of `stillhouse run`, and are made here only where it has not run yet. Accuracy is
that on validation data, on which candidates are chosen; latencies (batch 1) are measured in one run, interleaved.
"""

import argparse
import logging
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import yaml
from numpy.typing import NDArray
from onnxruntime.quantization import quantize_dynamic, quantize_static

from benchmarks.page import replace_table
from flows.recipe_checks import pinned
from infra.services.prefect_server import start_prefect_api
from params.compress import Compress
from params.pipeline import Recipe
from tasks.compress.context import choose_rows
from tasks.compress.latencies import TIE
from tasks.compress.operators import executed_operators, integer_operators
from tasks.compress.quantization.calibration import CalibrationSamples
from tasks.contracts.records import CandidatesRecord, DataRecord, ModelRecord
from tasks.core.environment import prepare_environment
from tasks.core.workspace import project_root
from tasks.kinds.recipes import load_recipe
from tasks.models.export import export_onnx
from tasks.models.weights import load_model
from tasks.runtime.bundle.latency import measure
from tasks.runtime.bundle.session import Session
from tasks.tracking.runs import fetch
from tasks.training.network import PreparedData
from tasks.training.predict import predict, side_by_side

WARMUP, REPEATS = 50, 500
SHIPS, DEFAULT = " (ships)", "ORT "


@dataclass(frozen=True)
class Entry:
    """A file, and the logits of the torch network that it was made of; or their difference, where it is on record."""

    content: bytes
    torch_logits: NDArray[np.float32]
    parity: float | None = None


@dataclass(frozen=True)
class Row:
    """A file and what was measured of it."""

    name: str
    accuracy: float
    size: int
    p50: float
    parity: float
    fused: int

    @property
    def line(self) -> str:
        """Of the table."""
        return (
            f"| {self.name} | {self.accuracy:.4f} | {self.size:,} | {self.p50:.3f} | {self.parity:.1e} | {self.fused} |"
        )


def main(arguments: Sequence[str]) -> None:
    """Measures, prints a table per recipe, and writes them into docs/benchmarks.md if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipes", nargs="+", default=["digits", "vowels"])
    parser.add_argument("--candidates", default="", help="YAML: instead of those of the recipes")
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args(arguments)
    prepare_environment()
    ready = start_prefect_api()
    for name in asked.recipes:
        recipe = pinned(project_root(), load_recipe(project_root() / "params" / f"{name}.yaml"))
        if asked.candidates:
            recipe = _with_candidates(recipe, yaml.safe_load(asked.candidates))
        ready()
        table = _table(recipe, *_made(recipe))
        sys.stdout.write(f"{table}\n\n")
        if asked.write:
            replace_table(f"bench-compression-{name}", table)


def _with_candidates(recipe: Recipe, candidates: object) -> Recipe:
    compress = Compress.model_validate({**recipe.compress.model_dump(), "candidates": candidates})
    return recipe.model_copy(update={"compress": compress})


def _made(recipe: Recipe) -> tuple[ModelRecord, ModelRecord, CandidatesRecord, DataRecord]:
    """Returns teacher, student, candidates and data of a recipe, through Prefect's cache."""
    from prefect import flow

    from flows.retrain import parent_run, teach_student, train_teachers
    from tasks.compress.task import compress_student
    from tasks.data.task import prepare_data

    @flow(name="candidates for a benchmark")
    def candidates(recipe: Recipe) -> tuple[ModelRecord, ModelRecord, CandidatesRecord, DataRecord]:
        with parent_run(recipe):
            data = prepare_data(recipe)
            teachers = train_teachers(recipe, data)
            nearest, student = teach_student(recipe, teachers, data)
            made = compress_student(
                recipe.compress, recipe.student, recipe.distill, nearest, student, data, recipe.seed
            )
            return (teachers or nearest)[0].model, student, made, data

    return candidates(recipe)


def _table(
    recipe: Recipe, teacher: ModelRecord, student: ModelRecord, made: CandidatesRecord, record: DataRecord
) -> str:
    data = PreparedData.open(record)
    with tempfile.TemporaryDirectory() as folder:
        entries = _entries(recipe, teacher, student, made, data, Path(folder))
    threads = recipe.compress.target.threads
    sessions = {name: Session(entry.content, threads) for name, entry in entries.items()}
    first = data.splits.validation.gather(np.arange(1))
    times = measure(sessions, first.inputs, WARMUP, REPEATS)
    rows = [
        _measured(name, entry, sessions[name], float(np.median(times[name])), data) for name, entry in entries.items()
    ]
    titles = f"`{recipe.name}` | accuracy | bytes | p50 ms | parity | in integers"
    head = [f"| {titles} |", "| --- | ---: | ---: | ---: | ---: | ---: |"]
    return "\n".join([*head, *(row.line for row in rows), "", _verdicts(rows)])


def _verdicts(rows: Sequence[Row]) -> str:
    """Says how what ships compares with the teacher, and with the fastest default of ONNX Runtime as accurate."""
    ours, teacher = next(row for row in rows if row.name.endswith(SHIPS)), rows[0]
    faster, smaller = teacher.p50 / ours.p50, teacher.size / ours.size
    points = 100 * (ours.accuracy - teacher.accuracy)
    said = f"{ours.name}: {faster:.1f} times as fast as the teacher, {smaller:.1f} times smaller, {points:+.2f} points."
    return f"{said} {_against_defaults(ours, rows)}"


def _against_defaults(ours: Row, rows: Sequence[Row]) -> str:
    rivals = [row for row in rows if row.name.startswith(DEFAULT) and row.accuracy >= ours.accuracy]
    if not rivals:
        return "No default of ONNX Runtime is as accurate."
    best = min(rivals, key=lambda row: row.p50)
    ratio = ours.p50 / best.p50
    verdict = "slower than" if ratio > TIE else "as fast as" if ratio > 1 / TIE else "faster than"
    return f"It is {verdict} {best.name}, the fastest default that is as accurate: {ratio:.2f} of its median latency."


def _entries(
    recipe: Recipe, teacher: ModelRecord, student: ModelRecord, made: CandidatesRecord, data: PreparedData, folder: Path
) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    for role, record in (("teacher", teacher), ("student", student)):
        network = load_model(record, fetch(record.weights), data.card.statistics)
        export_onnx(network, folder / f"{role}.onnx")
        logits = side_by_side(predict(network, data.splits.validation))
        entries[role] = Entry((folder / f"{role}.onnx").read_bytes(), logits)
    plain = entries["student"].torch_logits
    for candidate in made.candidates:
        chosen = SHIPS if candidate.name == made.chosen else ""
        entries[f"`{candidate.name}`{chosen}"] = Entry(fetch(candidate.onnx).read_bytes(), plain, candidate.parity)
    for name, content in _by_default(recipe, data, folder / "student.onnx").items():
        entries[name] = Entry(content, plain)
    return entries


def _by_default(recipe: Recipe, data: PreparedData, exported: Path) -> dict[str, bytes]:
    """Returns what a person gets who calls the quantisers with a model, and samples where they are needed."""
    made: dict[str, bytes] = {}
    logging.disable(logging.WARNING)
    train = data.splits.train
    rows = choose_rows(train.groups(), recipe.compress.calibration.samples, recipe.seed)
    samples = CalibrationSamples(train, rows, _inputs(exported))
    static, dynamic = exported.with_name("static.onnx"), exported.with_name("dynamic.onnx")
    try:
        quantize_static(exported, static, samples)
        made[f"{DEFAULT}`quantize_static`"] = static.read_bytes()
        quantize_dynamic(exported, dynamic)
        made[f"{DEFAULT}`quantize_dynamic`"] = dynamic.read_bytes()
    finally:
        logging.disable(logging.NOTSET)
    return made


def _inputs(exported: Path) -> list[str]:
    return [tensor.name for tensor in onnx.load(exported).graph.input]


def _measured(name: str, entry: Entry, session: Session, p50: float, data: PreparedData) -> Row:
    validation = data.splits.validation
    logits = np.concatenate([side_by_side(session.predict(b.inputs)) for b in validation.batches()])
    seen = data.measuring.seen((session.predict(b.inputs), b.targets) for b in validation.batches())
    accuracy = data.measuring.values(seen)[data.measuring.deciding.name]
    parity = float(np.abs(logits - entry.torch_logits).max()) if entry.parity is None else entry.parity
    fused = integer_operators(executed_operators(entry.content))
    return Row(name, accuracy, len(entry.content), p50, parity, fused)


if __name__ == "__main__":
    main(sys.argv[1:])
