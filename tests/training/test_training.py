from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from params.models import Architecture, Cnn, EfficientNetLite, Mlp, Recurrent
from params.training import Training
from tasks.contracts.records import DataRecord
from tasks.core.errors import IntegrityError, RecipeError, StageError
from tasks.core.files import sha256_of
from tasks.core.progress import silent
from tasks.models.export import outputs_of
from tasks.training.arrays import open_split
from tasks.training.batches import Batch, shuffled_batches, steps_per_epoch
from tasks.training.checkpoints.train_state import EpochMetrics
from tasks.training.network import HardLabels, PreparedData, Trained, train_network
from tasks.training.predict import predict
from tasks.training.seeds import seeded

CPU = torch.device("cpu")
MLP = Mlp(kind="mlp", hidden=(8,))
LSTM = Recurrent(kind="lstm", hidden=8)
CNN = Cnn(kind="cnn", channels=(4, 8))
BUDGET = Training(epochs=4, batch_size=16, learning_rate=0.02)


def trained(
    data: PreparedData, architecture: Architecture = MLP, budget: Training = BUDGET, seed: int = 0
) -> tuple[Trained, list[EpochMetrics]]:
    seen: list[EpochMetrics] = []
    objective = HardLabels(data, budget)
    done = train_network(
        architecture, budget, data, lambda _n: objective, seed, silent, lambda _epoch, metrics: seen.append(metrics)
    )
    return done, seen


def test_gathered_rows_come_in_the_order_they_were_asked_for_across_shards(tiny_images: Path) -> None:
    split = open_split(tiny_images, "train")
    whole = split.gather(np.arange(len(split)))
    rows = np.array([119, 0, 60, 59, 60, 3])
    picked = split.gather(rows)
    np.testing.assert_array_equal(picked.inputs["inputs"], whole.inputs["inputs"][rows])
    np.testing.assert_array_equal(picked.targets["label"], whole.targets["label"][rows])
    np.testing.assert_array_equal(picked.rows, rows)


def test_lengths_travel_with_their_sequences(tiny_sequences: Path) -> None:
    picked = open_split(tiny_sequences, "train").gather(np.array([100, 1]))
    for sequence, length in zip(picked.inputs["inputs"], picked.inputs["lengths"], strict=True):
        assert not sequence[length:].any()
        assert sequence[:length].any(axis=1).all()


def test_an_epoch_shows_every_sample_once_in_an_order_of_its_own(tiny_images: Path) -> None:
    split = open_split(tiny_images, "train")
    orders = [[row for b in shuffled_batches(split, 32, 0, epoch, CPU) for row in b.rows] for epoch in (1, 2, 1)]
    assert sorted(orders[0]) == list(range(120))
    assert orders[0] == orders[2] != orders[1]


@pytest.mark.parametrize("size", [1, 7, 17, 119, 120, 500])
def test_a_last_batch_of_one_is_left_out_and_steps_are_counted_so(tiny_images: Path, size: int) -> None:
    sizes = [len(b.rows) for b in shuffled_batches(open_split(tiny_images, "train"), size, 0, 1, CPU)]
    assert len(sizes) == steps_per_epoch(120, size)
    assert size == 1 or 1 not in sizes


@pytest.mark.parametrize(("world", "architecture"), [("image_data", MLP), ("sequence_data", LSTM)])
def test_training_learns_and_leaves_the_weights_of_its_best_epoch(
    world: str, architecture: Architecture, request: pytest.FixtureRequest
) -> None:
    data: PreparedData = request.getfixturevalue(world)
    done, seen = trained(data, architecture)
    validation = data.splits.validation
    accuracy = float(
        (predict(done.network, validation)["logits"].argmax(axis=1) == validation.targets()["label"]).mean()
    )
    assert accuracy == done.fit.best["validation_accuracy"] == max(m["validation_accuracy"] for m in seen)
    assert accuracy > 0.6
    assert seen[-1]["train_loss"] < seen[0]["train_loss"]


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not(image_data: PreparedData) -> None:
    weights = [trained(image_data, seed=seed)[0].network.state_dict() for seed in (3, 3, 4)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert any(not torch.equal(weights[0][name], weights[2][name]) for name in weights[0])


def test_training_leaves_the_generators_of_the_caller_alone(image_data: PreparedData) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    with seeded(9):
        torch.rand(10)
    trained(image_data, budget=replace_epochs(1))
    assert torch.equal(torch.rand(3), expected)


def test_a_loss_that_is_not_finite_ends_the_training_with_advice(image_data: PreparedData) -> None:
    def broken(network: torch.nn.Module, batch: Batch) -> dict[str, torch.Tensor]:
        return {"loss": network(batch.inputs)["logits"].sum() * float("nan")}

    with pytest.raises(StageError, match="learning_rate"):
        train_network(MLP, BUDGET, image_data, lambda _n: broken, 0, silent, lambda _e, _m: None)


def test_one_sample_more_than_whole_batches_does_not_upset_batch_norm(image_data: PreparedData) -> None:
    done, _ = trained(image_data, budget=BUDGET.model_copy(update={"batch_size": 119, "epochs": 1}))
    assert np.isfinite(done.fit.best["train_loss"])


def replace_epochs(epochs: int) -> Training:
    return BUDGET.model_copy(update={"epochs": epochs})


def statistics(data: PreparedData, **changes: object) -> torch.Tensor:
    """Returns the running means of batch norm after a training."""
    done, _ = trained(data, CNN, Training.model_validate(BUDGET.model_dump() | changes))
    return torch.cat([value for name, value in done.network.state_dict().items() if name.endswith("running_mean")])


def test_batch_norm_keeps_its_statistics_for_the_part_of_the_epochs_that_the_budget_names(
    image_data: PreparedData,
) -> None:
    # Hardly anything is learned, so that the statistics follow from the batches alone.
    two = statistics(image_data, epochs=2, warmup=0, learning_rate=1e-12, keep="last")
    frozen = statistics(image_data, warmup=0, learning_rate=1e-12, keep="last", freeze_batch_norm=0.5)
    four = statistics(image_data, warmup=0, learning_rate=1e-12, keep="last")
    torch.testing.assert_close(frozen, two)
    assert not torch.allclose(frozen, four)


def test_scale_and_offset_of_a_frozen_batch_norm_go_on_learning(image_data: PreparedData) -> None:
    still = BUDGET.model_copy(update={"freeze_batch_norm": 0.0, "epochs": 1})
    with seeded(0):
        before = image_data.network(CNN).state_dict()
    after = trained(image_data, CNN, still)[0].network.state_dict()
    assert all(torch.equal(after[n], before[n]) for n in before if "running" in n)
    assert not any(torch.equal(after[n], before[n]) for n in before if "norm" in n and n.endswith(("weight", "bias")))


def test_the_last_epoch_is_kept_where_the_budget_says_so(image_data: PreparedData) -> None:
    late = BUDGET.model_copy(update={"learning_rate": 10.0, "epochs": 6})
    best, last = (trained(image_data, budget=late.model_copy(update={"keep": keep}))[0] for keep in ("best", "last"))
    assert last.fit.best_epoch == 6 != best.fit.best_epoch
    assert last.fit.best == last.fit.history[-1]
    validation = image_data.splits.validation
    accuracy = float(
        (predict(last.network, validation)["logits"].argmax(axis=1) == validation.targets()["label"]).mean()
    )
    assert accuracy == last.fit.best["validation_accuracy"] < best.fit.best["validation_accuracy"]


def test_samples_smaller_than_a_kernel_are_refused_where_their_shape_is_known(image_data: PreparedData) -> None:
    line = image_data.card.input.model_copy(update={"shape": (1, 8, 1)})
    data = replace(image_data, card=image_data.card.model_copy(update={"input": line}))
    with pytest.raises(RecipeError, match=r"`architecture`: expected to take samples of 1x8x1, got .*Kernel size"):
        data.network(EfficientNetLite(kind="efficientnet_lite", stages=1))


def test_freezing_batch_norm_where_there_is_none_is_refused(sequence_data: PreparedData) -> None:
    with pytest.raises(RecipeError, match=r"training\.freeze_batch_norm.*got 0\.5; leave it out"):
        trained(sequence_data, LSTM, BUDGET.model_copy(update={"freeze_batch_norm": 0.5}))


@pytest.mark.parametrize("bidirectional", [False, True])
def test_padding_behind_a_sequence_does_not_change_its_logits(sequence_data: PreparedData, bidirectional: bool) -> None:
    network = sequence_data.network(LSTM.model_copy(update={"bidirectional": bidirectional})).eval()
    inputs = sequence_data.splits.train.gather(np.arange(4)).inputs
    padded = np.pad(inputs["inputs"], ((0, 0), (0, 5), (0, 0)), constant_values=99.0)
    short, long = (outputs_of(network, given) for given in (inputs, {**inputs, "inputs": padded}))
    np.testing.assert_allclose(short["logits"], long["logits"], rtol=1e-5, atol=1e-6)


def test_data_of_another_version_than_the_record_says_is_refused(image_data: PreparedData) -> None:
    card = image_data.directory / "dataset.json"
    record = DataRecord(
        name="tiny",
        version="v1",
        card_sha256=sha256_of(card),
        directory=str(image_data.directory),
        task=image_data.card.task,
        input=image_data.card.input,
        columns=image_data.card.columns,
        targets=image_data.card.targets,
        preprocessing=image_data.card.preprocessing,
        samples={},
    )
    assert PreparedData.open(record).card == image_data.card
    card.write_text(card.read_text() + " ")
    with pytest.raises(IntegrityError, match="data version v1"):
        PreparedData.open(record)
