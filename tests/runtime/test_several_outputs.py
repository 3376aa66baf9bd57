"""A registered model with several questions: the self-test, the device and its HTTP server answer all of them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from params.models import Cnn
from tasks.kinds.contract import Arrays
from tasks.models.build import Network
from tasks.models.export import export_onnx, outputs_of
from tasks.runtime.bundle.bundle import Facts, golden_of, self_test, write_bundle
from tasks.runtime.bundle.session import Session
from tasks.runtime.device import Device
from tests.conftest import CLASSES, opened
from tests.runtime.conftest import FACTS
from tests.runtime.devices import set_up
from tests.runtime.serving import JSON, serving
from tests.runtime.tuf_world import World

HALVES = ("top", "bottom")


@pytest.fixture
def made(tiny_heads: Path, tmp_path: Path) -> tuple[Network, Arrays, Path]:
    """A network, samples, and the folder of its bundle."""
    data = opened(tiny_heads)
    torch.manual_seed(0)
    network = data.network(Cnn(kind="cnn", channels=(4,))).eval()
    export_onnx(network, tmp_path / "model.onnx")
    model = (tmp_path / "model.onnx").read_bytes()
    samples = data.splits.validation.gather(np.arange(5)).inputs
    facts = Facts(**{**vars(FACTS), "targets": data.targets.model_dump(mode="json")})
    write_bundle(tmp_path / "bundle", facts, model, golden_of(Session(model), samples))
    return network, samples, tmp_path / "bundle"


@pytest.fixture
def device(made: tuple[Network, Arrays, Path], tmp_path: Path) -> Device:
    """Has installed the bundle."""
    world = World()
    world.publish({path.name: path.read_bytes() for path in made[2].iterdir()}, 1)
    device = set_up(tmp_path / "home", world)
    device.update()
    return device


def expected(network: Network, inputs: Arrays) -> list[dict[str, Any]]:
    """Returns the probabilities of both questions, by the logits of torch."""
    soft = {name: np.exp(values) for name, values in outputs_of(network, inputs).items()}
    label, half = (soft[name] / soft[name].sum(axis=1, keepdims=True) for name in ("logits", "logits.half"))
    return [
        {"label": dict(zip(CLASSES, of_label, strict=True)), "half": dict(zip(HALVES, of_half, strict=True))}
        for of_label, of_half in zip(label, half, strict=True)
    ]


def require_both(answers: list[dict[str, Any]], right: list[dict[str, Any]]) -> None:
    assert len(answers) == len(right)
    for answer, probabilities in zip(answers, right, strict=True):
        (half,) = answer["heads"].values()
        for got, name in ((answer, "label"), (half, "half")):
            assert got["probabilities"] == pytest.approx(probabilities[name], abs=1e-5)
            assert got["label"] == max(probabilities[name], key=lambda key: probabilities[name][key])


def test_the_self_test_compares_every_output(made: tuple[Network, Arrays, Path], tmp_path: Path) -> None:
    *_, bundle = made
    assert self_test(bundle) == 0.0
    with np.load(bundle / "golden.npz") as golden:
        assert {"outputs.logits", "outputs.logits.half"} < set(golden)


def test_the_device_answers_every_question(made: tuple[Network, Arrays, Path], device: Device) -> None:
    network, samples, _ = made
    require_both(device.predictor().predict(samples), expected(network, samples))


def test_http_answers_every_question_and_its_document_says_so(
    made: tuple[Network, Arrays, Path], device: Device
) -> None:
    network, samples, _ = made
    with serving(device) as served:
        body = json.dumps({name: values.tolist() for name, values in samples.items()}).encode()
        require_both(served.ask("POST", "/predict", body, **JSON)[2]["predictions"], expected(network, samples))
        document = served.ask("GET", "/openapi.json")[2]
    assert '"half"' in json.dumps(document)
