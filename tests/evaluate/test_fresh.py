"""A bundle on samples that it has not seen."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tasks.contracts.targets import Targets
from tasks.evaluate.fresh import score_fresh
from tasks.runtime.bundle.bundle import golden_of, write_bundle
from tasks.runtime.bundle.session import Session
from tasks.training.arrays import open_split
from tasks.training.network import PreparedData
from tests.evaluate.test_challenge import exported
from tests.runtime.conftest import FACTS


@pytest.fixture
def bundle(image_data: PreparedData, tmp_path: Path) -> Path:
    """A network after a few steps, as a device gets it."""
    trained, _ = exported(image_data, tmp_path / "model.onnx", 40)
    model = trained.path.read_bytes()
    pictures = open_split(image_data.directory, "test").gather(np.arange(4)).inputs
    facts = replace(FACTS, targets=image_data.card.targets.model_dump(mode="json"))
    write_bundle(tmp_path / "bundle", facts, model, golden_of(Session(model), pictures))
    return tmp_path / "bundle"


def test_fresh_samples_are_answered_by_the_bundle_and_a_new_class_is_never_right(
    bundle: Path, image_data: PreparedData
) -> None:
    test, card = open_split(image_data.directory, "test"), image_data.card
    samples = test.gather(np.arange(90))
    labels = samples.targets["label"].copy()
    labels[:9] = 3  # one behind the last that is known
    batches = [
        ({"inputs": samples.inputs["inputs"][at : at + 40]}, Targets({"label": labels[at : at + 40]}))
        for at in range(0, 90, 40)
    ]
    found = score_fresh(bundle, card, batches)
    assert found is not None
    logits = Session.from_bundle(bundle).predict(samples.inputs)["logits"]
    right = logits.argmax(axis=1) == labels
    assert found.samples == 90
    assert found.metrics["accuracy"] == pytest.approx(right.mean())
    assert 0 < found.metrics["accuracy"] < 0.9
    assert [*found.support] == [*card.targets.names, "new class 1"]
    assert (found.metrics["recall/new class 1"], found.support["new class 1"]) == (0, 9)
    birch = labels == card.targets.names.index("birch")
    assert found.metrics["recall/birch"] == pytest.approx(right[birch].mean())
    assert 0 <= found.metrics["calibration_error"] <= 1
    assert "loss" not in found.metrics, "it is infinite where a class is unknown"


def test_where_nothing_is_fresh_there_is_no_score(bundle: Path, image_data: PreparedData) -> None:
    assert score_fresh(bundle, image_data.card, []) is None
