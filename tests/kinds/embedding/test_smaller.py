"""Files of embeddings: quantised, compared, judged and shown as a run does it."""

from pathlib import Path

import numpy as np
import pytest

from params.compress import Compress, Target
from params.evaluate import Evaluate, Latency, Verify
from params.models import Separable
from params.training import Training
from tasks.compress.compress import compress
from tasks.compress.context import CompressionContext
from tasks.contracts.scores import BASELINE, STUDENT, TEACHER
from tasks.core.progress import silent
from tasks.evaluate.evaluate import evaluate
from tasks.evaluate.illustrate import illustrate
from tasks.evaluate.model_under_test import ModelUnderTest, export_model
from tasks.evaluate.thresholds.verify import verification
from tasks.kinds.embedding.decode import PART as DECODER
from tasks.kinds.embedding.names import EMBEDDING
from tasks.training.network import HardLabels, PreparedData, Trained, train_network
from tests.kinds.embedding.conftest import SEPARABLE

PARAMS = Evaluate(resamples=100, verify=Verify(far=0.05), latency=Latency(warmup=1, repeats=10, batch_size=2))


@pytest.fixture(scope="module")
def student(glyphs: PreparedData) -> Trained:
    """A small network that saw the training identities a few times."""
    training = Training(epochs=6, batch_size=16, learning_rate=0.01)
    architecture = Separable.model_validate(SEPARABLE)
    return train_network(
        architecture, training, glyphs, lambda _: HardLabels(glyphs, training), 0, silent, lambda _epoch, _metrics: None
    )


def onnx_of(student: Trained, glyphs: PreparedData, folder: Path, recipe: Compress) -> dict[str, Path]:
    context = CompressionContext(recipe, student.network, glyphs, folder, 0, lambda *_: student.network)
    done = compress(context, silent)
    assert not done.refused
    return {name: built.path for name, built in done.built.items()}


def test_an_int8_file_keeps_length_1_and_its_neighbours(student: Trained, glyphs: PreparedData, tmp_path: Path) -> None:
    recipe = Compress.model_validate(
        {
            "target": {"isa": "x86-vnni", "threads": 1},
            "candidates": ["fp32", "static_int8"],
            "limits": {"below_student": {"verification_accuracy": 0.2}},
        }
    )
    files = onnx_of(student, glyphs, tmp_path, recipe)
    from tasks.runtime.bundle.session import Session

    inputs = next(glyphs.splits.validation.batches(24)).inputs
    plain, small = (Session(files[name].read_bytes()).predict(inputs)[EMBEDDING] for name in ("fp32", "static_int8"))
    assert (plain != small).any()
    np.testing.assert_allclose(np.linalg.norm(small, axis=1), 1, atol=1e-3)  # the division is left in float
    assert (plain * small).sum(axis=1).min() > 0.95
    DECODER.decode({EMBEDDING: small}, glyphs.card.targets.model_dump(mode="json"))


def test_all_models_are_judged_and_shown_by_their_pairs(student: Trained, glyphs: PreparedData, tmp_path: Path) -> None:
    models: dict[str, ModelUnderTest] = {
        name: export_model(student.network, tmp_path / f"{name}.onnx", 0) for name in (TEACHER, STUDENT, "fp32")
    }
    from tasks.models.build import build_model

    fresh = build_model(Separable.model_validate(SEPARABLE), glyphs.card.spec).eval()
    models[BASELINE] = export_model(fresh, tmp_path / "baseline.onnx", 0)
    judged = evaluate(PARAMS, models, glyphs, Target(), 0, silent)
    shipped = next(score for score in judged.scores if score.name == "fp32")
    for name, interval in shipped.metrics.items():
        assert interval.low <= interval.value <= interval.high, name
    assert shipped.metrics["auc"].value > 0.6
    assert judged.constant.metrics["eer"].value == 0.5
    session = models["fp32"].open(1)
    tables, drawings = illustrate(judged, "fp32", glyphs, {}, session)
    assert {"roc", "alike", "hardest"} <= {drawing.name for drawing in drawings}
    assert tables[0].title.startswith("What a threshold")
    found = verification(PARAMS, session, glyphs)
    assert found.threshold is not None
    assert found.impostors >= found.needed
    assert found.true_accepts is not None
    assert found.false_accepts is not None
    assert found.true_accepts.value > found.false_accepts.value
