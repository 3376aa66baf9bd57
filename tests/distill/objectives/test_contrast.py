from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tasks.distill.objectives.common.features import FeatureShape, pooled
from tests.distill.objectives import feature_oracles
from tests.distill.objectives.made_features import SAMPLES, Batch, module_of, weights_of
from tests.distill.objectives.oracles import assert_slopes, slopes

SAID: dict[str, Any] = {"negatives": 6, "temperature": 0.3, "momentum": 0.7, "width": 5}


def contrasts(module: nn.Module) -> list[nn.Module]:
    (parts,) = module.children()
    return list(parts.children())


def negatives(module: nn.Module, batch: Batch, seed: int) -> list[np.ndarray]:
    """Returns what the module will draw after the same seed."""
    torch.manual_seed(seed)
    rows = torch.from_numpy(batch.rows)
    return [contrast.negatives(rows).numpy() for contrast in contrasts(module)]  # type: ignore[operator]


def loss_of(module: nn.Module, batch: Batch, seed: int) -> tuple[Tensor, Tensor]:
    torch.manual_seed(seed)
    ours, theirs, labels, rows = batch.tensors()
    loss: Tensor = module(ours, theirs, labels, rows)
    loss.backward()  # type: ignore[no-untyped-call]
    gradient = ours[0].values.grad
    assert gradient is not None
    return loss.detach(), gradient


@pytest.mark.parametrize("layout", ["vectors", "frames", "pictures"])
def test_batch_after_batch_equals_an_oracle_with_the_same_negatives(layout: str) -> None:
    module = module_of("crd", layout, **SAID).double()
    crds = [feature_oracles.Crd(weights, 0.3, 0.7) for weights in weights_of(module)]
    for seed in range(4):
        batch = Batch.drawn(layout, 4, seed)
        batch = replace(batch, labels=batch.rows % 3)
        drawn = negatives(module, batch, seed)
        student, teacher = batch.layers(batch.student), batch.layers(batch.teacher)
        each = list(zip(crds, student, teacher, drawn, strict=True))
        expected = sum(crd.value(s, t, batch.labels, batch.rows, o) for crd, s, t, o in each)

        def first(values: np.ndarray, of: Batch = batch, others: np.ndarray = drawn[0]) -> float:
            layers = replace(of, student=[values, of.student[1]])
            return crds[0].value(layers.layers(layers.student)[0], of.layers(of.teacher)[0], of.labels, of.rows, others)

        slope = slopes(first, batch.student[0], 1e-4, 12)
        loss, gradient = loss_of(module, batch, seed)
        assert loss.item() == pytest.approx(expected, rel=1e-6)
        assert_slopes(gradient.numpy(), slope, expected, 1e-4)
        for crd, s, t, _ in each:
            crd.remember(s, t, batch.rows)
        for crd, weights in zip(crds, weights_of(module), strict=True):
            for bank in ("students", "teachers"):
                np.testing.assert_allclose(weights[bank], crd.banks[bank], rtol=1e-6, atol=1e-9)
            np.testing.assert_allclose(np.exp(weights["log_normalisers"][0]), crd.normalisers["teachers"], rtol=1e-6)
            np.testing.assert_allclose(np.exp(weights["log_normalisers"][1]), crd.normalisers["students"], rtol=1e-6)


def test_negatives_are_other_samples_and_all_of_them_where_that_is_no_more_than_asked_for() -> None:
    batch = Batch.drawn("vectors")
    (every, _), (some, _) = (
        negatives(module_of("crd", "vectors", negatives=count), batch, 0) for count in (SAMPLES - 1, 7)
    )
    assert every.shape == (4, SAMPLES - 1)
    assert some.shape == (4, 7)
    for row, others in zip(batch.rows, every, strict=True):
        assert sorted(others) == [place for place in range(SAMPLES) if place != row]
    assert all(row not in others for row, others in zip(batch.rows, some, strict=True))


def test_random_negatives_reach_every_other_sample_equally() -> None:
    module, batch = module_of("crd", "vectors", samples=5000, negatives=4000), Batch.drawn("vectors")
    counts = np.bincount(negatives(module, batch, 0)[0].ravel() // 500, minlength=10)
    assert counts.sum() == 16_000
    assert counts.min() > 1_400
    assert counts.max() < 1_800


def test_a_sample_of_the_same_class_is_no_negative_once_its_class_was_seen() -> None:
    """All samples of one class: nothing is left to tell apart, and nothing is learned."""
    batch = Batch.drawn("vectors", SAMPLES)
    batch = replace(batch, labels=np.zeros(SAMPLES, dtype=np.int64))
    loss, gradient = loss_of(module_of("crd", "vectors").double(), batch, 0)
    assert loss == 0
    assert not gradient.any()


def test_the_banks_belong_to_the_state_so_that_a_look_ahead_can_be_undone() -> None:
    module, batch = module_of("crd", "vectors").double(), Batch.drawn("vectors")
    before = {name: value.clone() for name, value in module.state_dict().items()}
    first = loss_of(module, batch, 0)[0]
    assert not torch.equal(module.state_dict()["contrasts.0.teachers"], before["contrasts.0.teachers"])
    module.load_state_dict(before)
    assert loss_of(module, batch, 0)[0] == first


def test_only_one_sample_in_the_world_is_no_contrast() -> None:
    batch = replace(Batch.drawn("vectors", 1), rows=np.array([0]))
    loss, gradient = loss_of(module_of("crd", "vectors", samples=1).double(), batch, 0)
    assert loss == 0
    assert not gradient.any()


def test_pooled_is_the_mean_over_the_frames_that_are_there() -> None:
    batch = Batch.drawn("frames")
    features = batch.tensors()[0][0]
    expected = [sample.mean(axis=1) for sample in batch.layers(batch.student)[0]]
    np.testing.assert_allclose(pooled(features).detach().numpy(), expected, rtol=1e-6)
    assert FeatureShape(3).positions == ()
