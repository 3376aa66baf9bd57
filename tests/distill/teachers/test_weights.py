"""Weights as people save them: a bare state dict, a factory that loads its own, and what does not fit."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from tasks.core.errors import DataError, StageError
from tasks.distill.teachers.fitness import require_fitness
from tasks.distill.teachers.teacher_kind import kind_of
from tasks.models.weights import save_weights
from tasks.training.loop import Fit
from tests.distill.teachers.conftest import section

FACTORY = {"kind": "import", "factory": "tests.distill.teachers.conftest:own_head"}


def test_a_file_of_a_run_here_brings_its_own_normalisation(world: Any) -> None:
    save_weights(world.network, world.folder / "own.safetensors")
    architecture = world.network.architecture.model_dump()
    made = world.make(weights="own.safetensors", architecture=architecture)
    assert np.array_equal(world.logits(made.network), world.logits(world.network))
    world.look(weights="own.safetensors", architecture=architecture)
    with pytest.raises(DataError, match=r"`teacher\.normalise`: expected nothing, since the file holds its"):
        world.look(weights="own.safetensors", architecture=architecture, normalise="imagenet")


def test_bare_weights_need_to_be_told_how_they_were_normalised(world: Any) -> None:
    said = world.weights()
    with pytest.raises(DataError, match=r"expected how raw values are normalised, got nothing; say `imagenet`"):
        world.look(**{**said, "normalise": None})
    with pytest.raises(DataError, match=r"normalise\.mean`: expected 1 or 1 numbers, one per channel .* got 3"):
        world.make(**{**said, "normalise": "imagenet"})


def test_weights_saved_in_parallel_fit_too(world: Any) -> None:
    said = world.weights()
    path = world.folder / said["weights"]
    save_file({f"module.{name}": value for name, value in load_file(path).items()}, path)
    world.look(**said)
    assert np.abs(world.logits(world.make(**said).network) - world.logits(world.network)).max() < 1e-5


def test_counters_of_batch_norm_may_be_missing(world: Any) -> None:
    said = world.weights()
    path = world.folder / said["weights"]
    save_file({name: value for name, value in load_file(path).items() if "num_batches" not in name}, path)
    world.look(**said)
    assert np.abs(world.logits(world.make(**said).network) - world.logits(world.network)).max() < 1e-5


@pytest.mark.parametrize("known", [True, False])
def test_layers_of_another_architecture_are_named_from_the_header(world: Any, known: bool) -> None:
    said = world.weights()
    with pytest.raises(DataError, match=r"`.*` of shape \(32, 64\) instead of \(16, 64\)"):
        world.look(known, **{**said, "architecture": {"kind": "mlp", "hidden": [16, 32]}})
    world.look(known, **said)


def test_a_file_that_is_cut_short_is_one_message_from_its_header(world: Any) -> None:
    said = world.weights()
    path = world.folder / said["weights"]
    path.write_bytes(path.read_bytes()[:-8])
    for ask in (world.look, world.make):
        with pytest.raises(DataError, match=r"expected a whole safetensors file, got .*; save the weights with"):
            ask(**said)


def test_a_factory_brings_its_own_head_and_an_object_with_logits(world: Any) -> None:
    said = {"kind": "weights", "architecture": FACTORY, "normalise": {"scale": 16.0}}
    world.look(False, **said)
    found = world.logits(world.make(**said).network)
    torch.manual_seed(1)
    head = torch.nn.Linear(64, 3)
    inputs = world.data.splits.validation.gather(np.arange(60)).inputs["inputs"].reshape(60, -1) / 16.0
    assert np.abs(found - head(torch.tensor(inputs, dtype=torch.float32)).detach().numpy()).max() < 1e-5


def test_a_network_of_other_classes_is_mapped(world: Any) -> None:
    said = {"kind": "weights", "architecture": FACTORY, "normalise": "none"}
    plain = world.logits(world.make(**said).network)
    turned = world.logits(world.make(**said, classes=["cedar", "ash", "birch"]).network)
    assert np.allclose(turned[:, [2, 0, 1]], plain)
    with pytest.raises(DataError, match=r"an output for `cedar`, got none"):
        world.make(**said, classes=["ash", "birch", None])


def test_a_teacher_at_chance_is_refused_with_what_would_be_better(world: Any) -> None:
    said = world.weights()
    untrained = {name: torch.zeros_like(value) for name, value in world.network.body.state_dict().items()}
    save_file(untrained, world.folder / said["weights"])
    teacher, work = section(**said), world.work()
    with pytest.raises(StageError, match=r"than chance .*got accuracy 0\.3333 on 60 samples, where chance"):
        require_fitness(teacher, kind_of(teacher).make(teacher, work), work)
    trained_here = replace(kind_of(teacher).make(teacher, work), fit=Fit(1, ({},)))
    with pytest.raises(StageError, match=r"where chance.*; train it for more epochs"):
        require_fitness(teacher, trained_here, work)
