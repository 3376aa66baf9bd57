"""What else is made of the release that a training begins with: it is held to its answers, and weights in between."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import kl_div

from params.models import Mlp
from params.student import Student
from params.training import Training
from tasks.contracts.beginnings import Beginning
from tasks.core.errors import RecipeError
from tasks.core.files import artefact_of
from tasks.core.progress import silent
from tasks.distill.baseline import train_alone
from tasks.distill.held.champion import FOCAL_LOSS, FocalLoss
from tasks.distill.interpolate import SHARES, Interpolated, best_share, interpolated
from tasks.distill.starts import ReleaseStart, from_release, held_to
from tasks.models.build import Network
from tasks.models.weights import save_weights
from tasks.training.batches import Batch
from tasks.training.network import HardLabels, PreparedData, Trained
from tasks.training.predict import predict

TRAINING = Training(epochs=4, batch_size=16, learning_rate=0.02)
STUDENT = Student(architecture=Mlp(kind="mlp", hidden=(8,)), training=TRAINING)
TEMPERATURE = 4.0


def nothing(_epoch: int, _metrics: object) -> None: ...


def alone(data: PreparedData, seed: int, start: Any = None, epochs: int = 4) -> Trained:
    budget = TRAINING.model_copy(update={"epochs": epochs})
    student = STUDENT.model_copy(update={"training": budget})
    return train_alone(student, data, seed, silent, nothing, start=start)


@pytest.fixture
def champion(image_data: PreparedData) -> Trained:
    """Right on some samples and wrong on others."""
    return alone(image_data, 7, epochs=1)


def began(network: Network, folder: Path, **asked: Any) -> Beginning:
    save_weights(network, path := folder / "champion.safetensors")
    file = artefact_of(path)
    return Beginning(version=3, generation=1, weights_sha256=file.sha256, weights=file, **asked)


def batch_of(data: PreparedData, size: int = 40) -> Batch:
    return Batch.of(data.splits.train.gather(np.arange(size)), torch.device("cpu"))


def test_the_loss_adds_how_far_the_answers_are_from_those_that_the_champion_has_right(
    image_data: PreparedData, champion: Trained, tmp_path: Path
) -> None:
    start, network = (
        from_release(began(champion.network, tmp_path, focal=3.0)),
        image_data.network(STUDENT.architecture),
    )
    plain = HardLabels(image_data, TRAINING)
    objective = held_to(start, plain, network, image_data, TRAINING)
    batch = batch_of(image_data)
    network.eval()
    terms, without = objective(network, batch), plain(network, batch)
    ours, theirs = (one(batch.inputs)["logits"] for one in (network, champion.network.eval()))
    right = theirs.argmax(dim=1) == batch.targets["label"]
    assert 0 < right.sum() < len(right)
    soft = ((ours / TEMPERATURE).log_softmax(1), (theirs / TEMPERATURE).log_softmax(1))
    each = TEMPERATURE**2 * kl_div(*soft, reduction="none", log_target=True).sum(dim=1)
    expected = each[right].sum() / len(right)
    assert terms[FOCAL_LOSS].item() == pytest.approx(expected.item(), rel=1e-4)
    assert terms["loss"].item() == pytest.approx((without["loss"] + 3 * expected).item(), rel=1e-4)


def test_it_is_one_forward_pass_of_the_network_and_the_champion_stays_as_it_is(
    image_data: PreparedData, champion: Trained, tmp_path: Path
) -> None:
    network, passes = image_data.network(STUDENT.architecture), []
    objective = held_to(
        from_release(began(champion.network, tmp_path, focal=1.0)),
        HardLabels(image_data, TRAINING),
        network,
        image_data,
        TRAINING,
    )
    assert isinstance(objective, FocalLoss)
    network.register_forward_hook(lambda *_: passes.append(1))
    torch.autograd.backward(objective(network.train(), batch_of(image_data))["loss"])
    assert len(passes) == 1
    assert list(objective.parameters()) == list(HardLabels(image_data, TRAINING).parameters())
    assert objective.state_dict() == {}
    assert not any(weight.requires_grad for weight in objective.champion[0].parameters())
    assert not objective.champion[0].training


def test_a_network_that_is_held_to_the_champion_stays_nearer_to_its_right_answers(
    image_data: PreparedData, champion: Trained, tmp_path: Path
) -> None:
    train = image_data.splits.train
    label = np.concatenate([some.targets["label"] for some in train.batches()])
    theirs = torch.from_numpy(predict(champion.network, train)["logits"]).softmax(1)
    right = theirs.argmax(dim=1) == torch.from_numpy(label)

    def distance(focal: float | None) -> float:
        start = from_release(began(champion.network, tmp_path, focal=focal))
        trained = alone(image_data, 1, start)
        assert (f"train_{FOCAL_LOSS}" in trained.fit.history[0]) is (focal is not None)
        ours = torch.from_numpy(predict(trained.network, train)["logits"]).log_softmax(1)
        return kl_div(ours[right], theirs[right], reduction="batchmean").item()

    assert distance(10.0) < distance(None) / 2


def test_where_it_is_not_asked_for_or_begins_elsewhere_the_objective_is_as_it_is(
    image_data: PreparedData, champion: Trained, tmp_path: Path
) -> None:
    network, plain = image_data.network(STUDENT.architecture), HardLabels(image_data, TRAINING)
    for start in (None, lambda _network: None, from_release(began(champion.network, tmp_path))):
        assert held_to(start, plain, network, image_data, TRAINING) is plain


def test_a_kind_of_task_that_does_not_say_what_is_right_is_refused_by_name(
    image_data: PreparedData, champion: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = image_data.losses.rows

    def in_parts(*given: Any) -> Any:
        from dataclasses import replace

        return (replace(one, right=None) for one in rows(*given))

    monkeypatch.setattr(type(image_data.losses), "rows", staticmethod(in_parts))
    start, network = (
        from_release(began(champion.network, tmp_path, focal=1.0)),
        image_data.network(STUDENT.architecture),
    )
    with pytest.raises(RecipeError, match=r"`init\.focal`: expected a kind of task that says where a network is right"):
        held_to(start, HardLabels(image_data, TRAINING), network, image_data, TRAINING)


def test_least_broken_wins_of_those_that_lose_nothing_and_of_equals_the_nearest_to_the_new_ones() -> None:
    new = Interpolated(0.0, 0.9, 0.05)
    worse = Interpolated(0.9, 0.89, 0.0)
    assert best_share([new, worse]) == 0
    assert best_share([new, worse, Interpolated(0.4, 0.9, 0.01), Interpolated(0.3, 0.9, 0.01)]) == 0.3
    assert best_share([new, Interpolated(0.5, 0.95, 0.06)]) == 0


def test_weights_lie_between_and_are_no_worse_and_break_no_more_than_the_new_ones(
    image_data: PreparedData, champion: Trained, tmp_path: Path
) -> None:
    beginning = began(champion.network, tmp_path, interpolate=True)
    new = alone(image_data, 1, from_release(beginning))
    fresh = {name: values.clone() for name, values in new.network.state_dict().items()}
    validation = image_data.splits.validation
    label = np.concatenate([some.targets["label"] for some in validation.batches()])

    def right(network: nn.Module) -> Any:
        return predict(network, validation)["logits"].argmax(axis=1) == label

    before, after = right(champion.network), right(new.network)
    told: list[int] = []
    made, on_record = interpolated(new, beginning, image_data, lambda epoch, _: told.append(epoch))
    assert on_record is not None
    assert on_record.share in SHARES
    assert f"{on_record.share:.0%} of the weights its own" in on_record.words
    old = champion.network.state_dict()
    for name, values in made.network.state_dict().items():
        between = on_record.share * old[name] + (1 - on_record.share) * fresh[name]
        assert torch.allclose(values.double(), between.double(), atol=1e-6) or not values.is_floating_point(), name
    now = right(made.network)
    assert now.mean() >= after.mean()
    assert (before & ~now).sum() <= (before & ~after).sum()
    assert told == [5] == [made.fit.best_epoch]
    assert made.fit.best["validation_accuracy"] == pytest.approx(now.mean())


def test_what_is_not_asked_for_comes_back_as_it_is(image_data: PreparedData, champion: Trained, tmp_path: Path) -> None:
    for beginning in (None, Beginning(reason="no release"), began(champion.network, tmp_path)):
        assert interpolated(champion, beginning, image_data, nothing) == (champion, beginning)


def test_both_are_in_the_key_of_the_stage_and_what_came_of_it_is_not(champion: Trained, tmp_path: Path) -> None:
    plain = began(champion.network, tmp_path)
    assert plain.digest != began(champion.network, tmp_path, focal=1.0).digest
    assert plain.digest != began(champion.network, tmp_path, interpolate=True).digest
    assert plain.digest == plain.model_copy(update={"share": 0.3}).digest
    assert isinstance(from_release(plain), ReleaseStart)
    assert "held to what that has right (weight 2)" in began(champion.network, tmp_path, focal=2.0).words
