"""Estimates on a device: its answers, from a row of a file and over HTTP, and what is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from params.models import Mlp
from tasks.kinds.regression.bins import expected, interval
from tasks.kinds.regression.decode import PART as DECODER
from tasks.kinds.regression.names import LOGITS
from tasks.models.export import export_onnx
from tasks.runtime.bundle.bundle import Facts, golden_of, write_bundle
from tasks.runtime.bundle.manifest import Processor
from tasks.runtime.bundle.predictor import Predictor
from tasks.runtime.bundle.session import Session
from tasks.runtime.device import Device
from tasks.runtime.preprocess.arrays import read_samples
from tasks.training.network import PreparedData
from tests.kinds.regression.conftest import CARD
from tests.runtime.devices import set_up
from tests.runtime.serving import serving
from tests.runtime.tuf_world import World

MANIFEST: dict[str, Any] = {"names": [], "facts": CARD.facts}


def test_an_answer_is_the_mean_and_the_interval_that_evaluation_judged() -> None:
    logits = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32) * 3
    answers = DECODER.decode({LOGITS: logits}, MANIFEST)
    assert [one["value"] for one in answers] == pytest.approx(expected(logits, CARD), rel=1e-6)
    assert [[one["low"], one["high"]] for one in answers] == [
        pytest.approx(ends, rel=1e-6) for ends in interval(logits, CARD)
    ]
    assert all(set(one) == {"value", "low", "high"} for one in answers)


def test_the_whole_distribution_comes_where_it_is_asked_for() -> None:
    (answer,) = DECODER.decode({LOGITS: np.zeros((1, 5))}, MANIFEST, "distribution")
    assert answer["distribution"] == [[10.0, 0.2], [15.0, 0.2], [20.0, 0.2], [25.0, 0.2], [30.0, 0.2]]
    assert set(answer) == set(DECODER.schema(MANIFEST)["properties"])


def test_outputs_that_are_no_numbers_or_of_other_bins_are_refused() -> None:
    with pytest.raises(ValueError, match="expected finite logits"):
        DECODER.decode({LOGITS: np.array([[0, np.nan, 0, 0, 0]])}, MANIFEST)
    assert [*DECODER.problems({LOGITS: (None, 5)}, MANIFEST)] == []
    assert "of 5 numbers, got (4,)" in next(DECODER.problems({LOGITS: (None, 4)}, MANIFEST))
    assert "expected an output `logits`" in next(DECODER.problems({"mask": (None, 5)}, MANIFEST))
    assert DECODER.difference({LOGITS: np.zeros((1, 5))}, {LOGITS: np.ones((1, 4))}) == np.inf


@pytest.fixture(scope="module")
def bundle(heat: PreparedData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of fresh weights, exported and in a bundle."""
    folder = tmp_path_factory.mktemp("bundle")
    torch.manual_seed(0)
    export_onnx(heat.network(Mlp(kind="mlp", hidden=(8,))).eval(), folder / "model.onnx")
    content, card = (folder / "model.onnx").read_bytes(), heat.card
    targets = {"names": [*card.targets.names], "facts": card.targets.facts}
    facts = Facts(
        "heat", "regression", targets, card.preprocessing, "vector", Processor("x86-vnni", 1), "v", "f" * 64,
        "2026-11-01T00:00:00+00:00", 1e-3,
    )  # fmt: skip
    golden = golden_of(Session(content), heat.splits.validation.gather(np.arange(2)).inputs)
    write_bundle(folder / "bundle", facts, content, golden)
    return folder / "bundle"


@pytest.fixture(scope="module")
def device(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Device:
    """A device that runs this bundle."""
    world = World()
    world.publish({path.name: path.read_bytes() for path in bundle.iterdir()}, 1, model="heat")
    device = set_up(tmp_path_factory.mktemp("device") / "home", world, model="heat")
    device.update()
    return device


def test_a_row_is_answered_over_http_as_by_the_predictor(device: Device, bundle: Path) -> None:
    predictor, row = Predictor.from_bundle(bundle), b"wind\n4,5\n"
    samples = read_samples(row, predictor.session.inputs["inputs"], predictor.preprocessor)
    (answer,) = predictor.answer(samples)
    assert 0 <= answer["low"] <= answer["value"] <= answer["high"] <= 30
    with serving(device) as served:
        for detail in ("", "distribution"):
            path = f"/predict?detail={detail}" if detail else "/predict"
            status, _, content = served.ask("POST", path, row, Content_Type="text/csv")
            assert status == 200, content
            assert content["predictions"] == json.loads(json.dumps(predictor.answer(samples, detail)))
        status, _, content = served.ask("GET", "/openapi.json")
        assert "interval" in json.dumps(content) or '"low"' in json.dumps(content)
