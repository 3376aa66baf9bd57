"""The stages of `stillhouse run` as plain functions in one process: no Prefect, no MLflow, no DVC.

    python -m benchmarks.bare --folder DIR [--set FIELD=VALUE ...]

Data, teacher, student alone, student, compression, evaluation with its pictures, and the bundle with its self-test, by
the functions behind the doors of the rooms. What it leaves out besides is the page of the release, which is made of
records. Nothing is kept to be reused.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from params.pipeline import Recipe
from params.teacher import TrainedTeacher
from tasks.compress.compress import Compressed, compress
from tasks.compress.context import CompressionContext
from tasks.compress.recovery import Recoverer
from tasks.contracts.scores import BASELINE, STUDENT, TEACHER
from tasks.core.progress import silent
from tasks.data.fetch import fetch
from tasks.data.prepared.prepare import prepare
from tasks.distill.baseline import train_alone
from tasks.distill.health import weights_digest
from tasks.distill.student import distill
from tasks.distill.teachers.teachers import LoadedTeacher, Teachers
from tasks.distill.teachers.train import train
from tasks.evaluate.evaluate import Evaluation, evaluate
from tasks.evaluate.illustrate import illustrate
from tasks.evaluate.model_under_test import ModelUnderTest, export_model
from tasks.evaluate.numbers import write_numbers
from tasks.kinds.limits import deciding
from tasks.kinds.recipes import load_recipe
from tasks.models.build import count_parameters
from tasks.runtime.bundle.bundle import Facts, golden_of, self_test, write_bundle
from tasks.runtime.bundle.manifest import Processor
from tasks.runtime.bundle.session import Session
from tasks.training.arrays import open_split
from tasks.training.network import PreparedData, Trained

RECIPE = "digits"
TOLERANCE = 1e-3


def main(arguments: Sequence[str]) -> None:
    """Makes a student of the recipe in the working directory's project and prints what it came to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="for all that is made; must be there")
    parser.add_argument("--set", dest="overrides", action="append", default=[], metavar="FIELD=VALUE")
    asked = parser.parse_args(arguments)
    recipe = load_recipe(Path("params", f"{RECIPE}.yaml"), asked.overrides)
    judged, chosen = make(recipe, asked.folder)
    heavy = sorted({"prefect", "mlflow", "dvc"} & sys.modules.keys())
    if heavy:
        raise ImportError(f"expected a bare process, got {', '.join(heavy)} imported")
    name = deciding(recipe.data.task).name
    told = ", ".join(f"{score.name} {score.metrics[name].value:.4f}" for score in judged.scores)
    sys.stdout.write(f"{chosen} ships; {told}\n")


def make(recipe: Recipe, folder: Path) -> tuple[Evaluation, str]:
    """Goes through all stages below a folder; returns the evaluation and the name of the candidate that ships."""
    fetch(recipe, folder)
    prepare(recipe, folder)
    data = PreparedData.open_folder(folder / "data" / recipe.name / "prepared")
    teacher = _teacher(recipe, data)
    alone = train_alone(recipe.student, data, recipe.seed, silent, _unheard, folder)
    teachers = Teachers(
        (LoadedTeacher(teacher.network, weights_digest(teacher.network)),), data.data_digest, folder / "soft"
    )
    student = distill(recipe.student, recipe.distill, teachers, data, recipe.seed, silent, _unheard, folder).trained
    recover = Recoverer(recipe.student.training, recipe.distill, teachers, data, recipe.seed, _unheard)
    context = CompressionContext(recipe.compress, student.network, data, folder, recipe.seed, recover)
    done = compress(context, silent)
    trained = {TEACHER: teacher, BASELINE: alone, STUDENT: student}
    judged = _judged(recipe, data, trained, done, folder)
    _bundle(recipe, data, done, folder)
    return judged, done.chosen


def _teacher(recipe: Recipe, data: PreparedData) -> Trained:
    assert isinstance(recipe.teacher, TrainedTeacher), "the benchmark trains its teacher"
    return train(recipe.teacher.architecture, recipe.teacher.training, data, recipe.seed, silent, _unheard)


def _judged(
    recipe: Recipe, data: PreparedData, trained: Mapping[str, Trained], done: Compressed, folder: Path
) -> Evaluation:
    """Judges all models on the test split, and draws what there is to see."""
    exported = {name: export_model(one.network, folder / f"{name}.onnx", recipe.seed) for name, one in trained.items()}
    candidates = {
        one.name: ModelUnderTest(
            done.built[one.name].path, one.onnx, count_parameters(done.built[one.name].network), one.parity
        )
        for one in done.candidates
    }
    target = recipe.compress.target
    judged = evaluate(recipe.evaluate, exported | candidates, data, target, recipe.seed, silent)
    write_numbers(judged, done.chosen, folder)
    metric = f"validation_{data.measuring.deciding.name}"
    curves = {name: np.array([epoch[metric] for epoch in one.fit.history]) for name, one in trained.items()}
    shipped = candidates[done.chosen].open(target.threads)
    for drawing in illustrate(judged, done.chosen, data, curves, shipped)[1]:
        (folder / f"{drawing.name}.svg").write_bytes(drawing.svg)
    return judged


def _bundle(recipe: Recipe, data: PreparedData, done: Compressed, folder: Path) -> None:
    """Writes the bundle of the file that ships, and lets it pass its self-test."""
    model, target = done.built[done.chosen].path.read_bytes(), recipe.compress.target
    session, test = Session(model, target.threads), open_split(data.directory, "test")
    samples = test.gather(test.few())
    golden = golden_of(session, samples.inputs)
    facts = Facts(
        name=recipe.name,
        task=recipe.data.task,
        targets=data.card.targets.model_dump(mode="json"),
        preprocessing=data.card.preprocessing,
        layout=data.card.input.layout,
        target=Processor(target.isa, target.threads),
        data_version=data.data_digest,
        fingerprint="0" * 64,
        created=datetime.now(UTC).isoformat(),
        tolerance=TOLERANCE * max(1.0, float(np.abs(golden.outputs["logits"]).max())),
    )
    write_bundle(folder / "bundle", facts, model, golden)
    self_test(folder / "bundle")


def _unheard(_epoch: int, _metrics: object) -> None:
    """Nobody asks for the metrics of an epoch."""


if __name__ == "__main__":
    main(sys.argv[1:])
