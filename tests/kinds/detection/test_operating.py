"""The score from which on a device tells boxes: found on validation, judged on test, and in the bundle."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from params.compress import Target
from params.evaluate import Evaluate, Latency
from params.models import Separable
from tasks.contracts.thresholds import OperatingPoint
from tasks.core.errors import RecipeError
from tasks.core.progress import silent
from tasks.evaluate.evaluate import Evaluation, evaluate
from tasks.evaluate.fresh import score_fresh
from tasks.evaluate.illustrate import illustrate
from tasks.evaluate.model_under_test import ModelUnderTest, export_model
from tasks.kinds.detection.matching import FALSE, RIGHT
from tasks.kinds.detection.metrics import PART, Matched
from tasks.models.build import build_model
from tasks.runtime.bundle.bundle import Facts, golden_of, write_bundle
from tasks.runtime.bundle.manifest import Processor
from tasks.runtime.bundle.predictor import Predictor
from tasks.runtime.bundle.session import Session
from tasks.training.arrays import open_split
from tasks.training.network import PreparedData, Trained
from tests.kinds.detection.conftest import SEPARABLE

ASKED = Evaluate(operate={"false_positives": 1.0}, resamples=100, latency=Latency(warmup=0, repeats=10, batch_size=2))
LEAST = 0.2
"""of the recipe"""
Judged = tuple[Evaluation, ModelUnderTest]


def seen(teacher: Trained, blobs: PreparedData, split: str) -> Matched:
    evidence: Matched = blobs.measuring.seen_by(teacher.network, open_split(blobs.directory, split)).evidence
    return evidence


def at(evidence: Matched, threshold: float) -> dict[str, float]:
    ones = np.ones((1, len(evidence.loss)), dtype=np.int64)
    return {name: float(value[0]) for name, value in PART.tally(replace(evidence, least_score=threshold), ones).items()}


def test_a_curve_is_what_the_metrics_are_at_each_score(teacher: Trained, blobs: PreparedData) -> None:
    evidence = seen(teacher, blobs, "validation")
    curve = PART.operating(evidence)
    assert len(curve.thresholds) > 50
    assert (np.diff(curve.thresholds) > 0).all()
    for place in np.linspace(0, len(curve.thresholds) - 1, 25).astype(int):
        found = at(evidence, float(curve.thresholds[place]))
        assert {name: found[name] for name in curve.values} == pytest.approx(
            {name: values[place] for name, values in curve.values.items()}, abs=1e-12
        )
    assert [float(values[-1]) for values in curve.values.values()] == [0, 0, 0]  # above all: nothing is told


@pytest.fixture(scope="module")
def judged(teacher: Trained, blobs: PreparedData, tmp_path_factory: pytest.TempPathFactory) -> Judged:
    """A good and an untrained network, judged where at most one box in a picture is false."""
    folder = tmp_path_factory.mktemp("operating")
    good = export_model(teacher.network, folder / "good.onnx", 0)
    weak = export_model(build_model(Separable.model_validate(SEPARABLE), blobs.card.spec), folder / "weak.onnx", 0)
    models = {"teacher": good, "baseline": weak, "student": good}
    return evaluate(ASKED, models, blobs, Target(), 0, silent), good


def test_each_model_works_where_validation_data_keeps_the_limit(
    judged: Judged, teacher: Trained, blobs: PreparedData
) -> None:
    points, validation = judged[0].points, seen(teacher, blobs, "validation")
    point = points["student"]
    assert point.threshold is not None
    assert at(validation, point.threshold)["false_positives"] == point.value
    assert 0.9 < point.value <= 1.0
    lower = validation.scores[validation.scores < point.threshold].max()
    assert at(validation, float(lower))["false_positives"] > 1.0  # one box more is too many
    assert points["teacher"] == point != points["baseline"]
    shipped, test = judged[0].scores[-1], at(seen(teacher, blobs, "test"), point.threshold)
    for name in ("recall", "precision", "false_positives"):
        assert shipped.metrics[name].value == pytest.approx(test[name])
    assert test["recall"] != at(seen(teacher, blobs, "test"), LEAST)["recall"]


def test_tables_and_pictures_are_of_that_score(judged: Judged, blobs: PreparedData) -> None:
    found, model = judged
    tables, _ = illustrate(found, "student", blobs, {}, model.open(1))
    assert f"from a score of {found.points['student'].threshold:g} on" in tables[0].title


def bundle_of(model: ModelUnderTest, blobs: PreparedData, point: OperatingPoint | None, folder: Path) -> Path:
    card = blobs.card.targets if point is None else point.told(blobs.card.targets)
    facts = Facts(
        "blobs", "detection", card.model_dump(mode="json"), {"kind": "arrays"}, "image", Processor("x86-vnni", 1),
        "v", "f" * 64, "2026-11-01T00:00:00+00:00", 1e-3,
    )  # fmt: skip
    content, samples = model.path.read_bytes(), open_split(blobs.directory, "test").gather(np.arange(2))
    write_bundle(folder, facts, content, golden_of(Session(content), samples.inputs))
    return folder


def test_a_device_tells_boxes_from_the_score_in_its_bundle(judged: Judged, blobs: PreparedData, tmp_path: Path) -> None:
    found, model = judged
    point = found.points["student"]
    device = Predictor.from_bundle(bundle_of(model, blobs, point, tmp_path / "bundle"))
    split = open_split(blobs.directory, "test")
    samples = split.gather(np.arange(len(split)))
    assert point.threshold is not None
    boxes = [box for answer in device.predict(samples.inputs) for box in answer["boxes"]]
    of = found.evidence["student"].of[found.evidence["student"].scores >= point.threshold, 0, 0]
    assert len(boxes) == len(of)
    assert min(box["score"] for box in boxes) >= point.threshold - 1e-4
    false, right = found.scores[-1].values["false_positives"], found.scores[-1].values["precision"]
    assert (of == FALSE).sum() == pytest.approx(false * len(split))
    assert (of == RIGHT).sum() == pytest.approx(right * ((of == RIGHT) | (of == FALSE)).sum())


def test_a_bundle_is_judged_on_fresh_samples_by_its_own_score(
    judged: Judged, blobs: PreparedData, tmp_path: Path
) -> None:
    found, model = judged
    split = open_split(blobs.directory, "test")
    batches = [(batch.inputs, batch.targets) for batch in split.batches()]
    fresh = {}
    for name, point in (("own", found.points["student"]), ("recipe", None)):
        score = score_fresh(bundle_of(model, blobs, point, tmp_path / name), blobs.card, batches)
        assert score is not None
        fresh[name] = score.metrics["recall"]
    assert fresh["own"] == pytest.approx(found.scores[-1].values["recall"])
    assert fresh["own"] != fresh["recipe"]


def test_a_metric_that_no_score_decides_is_refused_where_no_recipe_was_read(
    judged: Judged, blobs: PreparedData
) -> None:
    models = dict.fromkeys(("teacher", "baseline", "student"), judged[1])
    with pytest.raises(
        RecipeError, match=r"`evaluate\.operate`: expected a metric that a threshold of the answers decides"
    ):
        evaluate(ASKED.model_copy(update={"operate": {"ap50": 0.5}}), models, blobs, Target(), 0, silent)
