from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from params.compress import Target
from params.evaluate import Evaluate, Latency
from params.models import Mlp
from tasks.contracts.records import InputSpec, Statistics
from tasks.contracts.scores import Discordant, Figure
from tasks.core.record import Artefact
from tasks.drawing.svg import Drawing
from tasks.evaluate.against.challenge import Champion, challenge
from tasks.evaluate.model_under_test import ModelUnderTest, export_model, fed_through
from tasks.evaluate.slices import sample_ids
from tasks.models.build import build_model
from tasks.training.arrays import open_split
from tasks.training.network import PreparedData
from tasks.training.predict import predict
from tests.evaluate.figures.made_data import texts

PARAMS = Evaluate(resamples=200, latency=Latency(warmup=1, repeats=10, batch_size=2))


def exported(
    data: PreparedData, path: Path, steps: int
) -> tuple[ModelUnderTest, "np.ndarray[tuple[int], np.dtype[np.bool_]]"]:
    """Returns a network after some steps as a file, and which test samples (n,) it has right in torch."""
    torch.manual_seed(steps)
    network = data.network(Mlp(kind="mlp", hidden=(6,)))
    train, test = data.splits.train.gather(np.arange(120)), open_split(data.directory, "test")
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    for _ in range(steps):
        optimizer.zero_grad()
        logits = network({"inputs": torch.from_numpy(train.inputs["inputs"])})["logits"]
        torch.autograd.backward(cross_entropy(logits, torch.from_numpy(train.targets["label"])))
        optimizer.step()
    right = predict(network.eval(), test)["logits"].argmax(axis=1) == test.targets()["label"]
    return export_model(network, path, seed=0), right


def test_a_challenge_compares_both_sample_by_sample_on_the_same_data(image_data: PreparedData, tmp_path: Path) -> None:
    ours, right = exported(image_data, tmp_path / "new.onnx", 40)
    theirs, before = exported(image_data, tmp_path / "old.onnx", 4)
    found = challenge(PARAMS, Champion("edge", 3, theirs), ours, image_data, Target(), seed=0)
    assert (found.environment, found.version) == ("edge", 3)
    assert found.challenger.metrics["accuracy"].value == pytest.approx(right.mean())
    assert found.champion.metrics["accuracy"].value == pytest.approx(before.mean())
    assert found.discordant is not None
    assert found.discordant.only_challenger == (right & ~before).sum() > 0
    assert found.discordant.only_champion == (before & ~right).sum()
    assert found.gains["accuracy"].value == pytest.approx(right.mean() - before.mean())
    assert found.gains["accuracy"].low > 0
    assert found.discordant.p_value < 0.05
    assert found.champion.agreement.value == 1 > found.challenger.agreement.value
    broken = before & ~right
    assert found.flips.newly_wrong.value == pytest.approx(broken.mean())
    assert found.flips.newly_right.value == pytest.approx((right & ~before).mean())
    assert found.flips.newly_right.low > 0
    ids = np.array(sample_ids(image_data.directory, image_data.card, "test", np.arange(len(right))))
    assert [one.name for one in found.flips.broken] == ids[broken][:20].tolist()
    assert [one.name for one in found.flips.repaired] == ids[right & ~before][:20].tolist()
    labels = open_split(image_data.directory, "test").targets()["label"]
    names = image_data.targets.names
    for one in found.flips.repaired:
        truth = names[labels[ids.tolist().index(one.name)]]
        assert one.now.startswith(f"{truth} ")
        assert one.now.endswith(" %")
        assert not one.before.startswith(f"{truth} ")
    by_class = {piece.value: piece for piece in found.flips.slices if piece.column == "label"}
    for number, name in enumerate(sorted(by_class)):
        assert by_class[name].samples == (labels == number).sum()
        assert by_class[name].newly_wrong.value == pytest.approx(broken[labels == number].mean())


def test_where_samples_are_not_right_or_wrong_their_loss_counts(
    image_data: PreparedData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_data.measuring.part, "right", lambda _evidence: None)
    (ours, _), (theirs, _) = (exported(image_data, tmp_path / f"{steps}.onnx", steps) for steps in (4, 40))
    found = challenge(PARAMS, Champion("edge", 3, theirs), ours, image_data, Target(), seed=0)
    assert (found.flips.unit, found.discordant) == ("loss", None)
    gain = found.flips.newly_right.value - found.flips.newly_wrong.value
    assert gain == pytest.approx(-found.gains["loss"].value)
    assert found.flips.newly_wrong.value > found.flips.newly_right.value
    assert found.flips.broken
    assert found.figures == ()


def test_samples_that_flipped_are_drawn_where_they_are_pictures(image_data: PreparedData, tmp_path: Path) -> None:
    (ours, right), (theirs, before) = (exported(image_data, tmp_path / f"{steps}.onnx", steps) for steps in (40, 4))
    drawn: list[Drawing] = []

    def keep(drawing: Drawing) -> Figure:
        drawn.append(drawing)
        artefact = Artefact(uri="file:///flipped.svg", sha256="0" * 64, size=1)
        return Figure(name=drawing.name, title=drawing.title, caption=drawing.caption, artefact=artefact)

    found = challenge(PARAMS, Champion("edge", 3, theirs), ours, image_data, Target(), 0, keep)
    assert [figure.name for figure in found.figures] == ["flipped-edge-3"]
    (svg,) = (drawing.svg for drawing in drawn)
    said = texts(svg)
    assert f"Newly right: {(right & ~before).sum()} of {len(right)}" in said
    assert svg.count(b"<image ") == min(6, len(found.flips.broken)) + min(6, len(found.flips.repaired))
    assert f"→ {found.flips.repaired[0].now}" in said
    assert found.flips.repaired[0].before in said


def test_a_file_against_itself_is_no_difference(image_data: PreparedData, tmp_path: Path) -> None:
    same, _ = exported(image_data, tmp_path / "same.onnx", 4)
    found = challenge(PARAMS, Champion("staging", 1, same), same, image_data, Target(), seed=0)
    assert found.gains["accuracy"].value == 0
    assert found.discordant == Discordant(only_challenger=0, only_champion=0, p_value=1)
    assert (found.flips.newly_wrong.value, found.flips.newly_wrong.low, found.flips.broken) == (0, 0, ())
    assert found.flips.newly_wrong.high > 0.01


def test_a_champion_that_knows_other_features_answers_as_it_would_to_its_own(
    image_data: PreparedData, tmp_path: Path
) -> None:
    rows = {
        "input": InputSpec(layout="vector", dtype="float32", shape=(3,)),
        "statistics": Statistics(mean=(0.0, 1.0, 2.0), std=(1.0, 2.0, 3.0)),
    }
    torch.manual_seed(0)
    network = build_model(Mlp(kind="mlp", hidden=(6,)), image_data.card.spec.model_copy(update=rows))
    model = export_model(network, tmp_path / "champion.onnx", seed=0)
    features = np.array([[0, 0, 0], [0, 0, 1], [0, 0, 0], [1, 0, 0]], np.float32)  # of four, two are known to it
    fed = fed_through(model, features, tmp_path / "fed.onnx")
    given = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    own = np.stack([given[:, 3], np.zeros(5, np.float32), given[:, 1]], axis=1)
    answers = fed.open(1).predict({"inputs": given})["logits"]
    assert np.array_equal(answers, model.open(1).predict({"inputs": own})["logits"])
    assert (fed.onnx.size, fed.parameters) == (model.onnx.size, model.parameters)
