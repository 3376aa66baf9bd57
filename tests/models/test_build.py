import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from params.models import Architecture, ByteCnn, Cnn, ImportedArchitecture, Mlp, Recurrent, ResNet
from tasks.contracts.records import InputSpec, Statistics
from tasks.core.errors import DataError, RecipeError
from tasks.models.build import build_model, count_parameters
from tasks.models.weights import load_weights, save_weights
from tests.models.conftest import data_spec

IMAGE = InputSpec(layout="image", dtype="uint8", shape=(3, 20, 12))
SMALL = InputSpec(layout="image", dtype="uint8", shape=(1, 3, 3))
SEQUENCE = InputSpec(layout="sequence", dtype="float32", shape=(9, 4))
VECTOR = InputSpec(layout="vector", dtype="float32", shape=(5,))
CNN = Cnn(kind="cnn", channels=(4, 8, 8, 8))


def network(architecture: Architecture, spec: InputSpec, outputs: int = 7) -> nn.Module:
    return build_model(architecture, data_spec(spec, outputs)).eval()


def sample(spec: InputSpec, batch: int = 2) -> dict[str, torch.Tensor]:
    lengths = {"lengths": torch.tensor([spec.shape[0], 3][:batch])} if spec.layout == "sequence" else {}
    inputs = torch.randint(0, 255, (batch, *spec.shape))
    return {"inputs": inputs.to(torch.uint8 if spec.dtype == "uint8" else torch.float32), **lengths}


@pytest.mark.parametrize(
    ("architecture", "spec"),
    [
        (CNN, IMAGE),
        (CNN, SMALL),
        (ResNet(kind="resnet", widths=(4, 8, 16), blocks=2), IMAGE),
        (ResNet(kind="resnet", widths=(4, 8, 16)), SMALL),
        (ResNet(kind="resnet", widths=(4, 8), blocks=2, inner=(3, 4, 5, 6), stem_stride=4), IMAGE),
        (Cnn(kind="cnn", channels=(4, 8), stem_stride=2), SMALL),
        (Mlp(kind="mlp", hidden=(6,)), IMAGE),
        (Mlp(kind="mlp", hidden=(6, 4)), VECTOR),
        (ByteCnn(kind="byte_cnn", embedding=3, together=5, channels=(4, 6)), VECTOR),
        (ByteCnn(kind="byte_cnn", together=1, channels=(4,), kernel=3), VECTOR),
        (Recurrent(kind="lstm", hidden=6, layers=2), SEQUENCE),
        (Recurrent(kind="gru", hidden=6), SEQUENCE),
    ],
)
def test_every_architecture_gives_one_logit_per_output(architecture: Architecture, spec: InputSpec) -> None:
    assert network(architecture, spec)(sample(spec))["logits"].shape == (2, 7)


@pytest.mark.parametrize(
    ("architecture", "spec"),
    [
        (CNN, SEQUENCE),
        (CNN, VECTOR),
        (Recurrent(kind="gru", hidden=2), IMAGE),
        (Mlp(kind="mlp", hidden=(2,)), SEQUENCE),
    ],
)
def test_an_architecture_that_does_not_go_with_the_data_is_refused(architecture: Architecture, spec: InputSpec) -> None:
    with pytest.raises(RecipeError, match=f"{spec.layout}; take"):
        network(architecture, spec)


@pytest.mark.parametrize(
    ("architecture", "spec", "names"),
    [
        (Cnn(kind="cnn", channels=(4, 8)), IMAGE, "stage1 stage2 dropout head"),
        (ResNet(kind="resnet", widths=(4, 8), blocks=2), IMAGE, "stem group1 group2 dropout head"),
        (Mlp(kind="mlp", hidden=(6, 4)), VECTOR, "flatten hidden1 hidden2 dropout head"),
        (Recurrent(kind="lstm", hidden=6, layers=2), SEQUENCE, "layer1 dropout1 layer2 dropout2 dropout head"),
    ],
)
def test_modules_have_the_names_that_recipes_use(architecture: Architecture, spec: InputSpec, names: str) -> None:
    body = network(architecture, spec).get_submodule("body")
    assert {name for name, _ in body.named_children()} == set(names.split())


@pytest.mark.parametrize(("stride", "side"), [(1, 64), (2, 32), (4, 16)])
def test_stem_of_a_resnet_makes_large_pictures_smaller(stride: Literal[1, 2, 4], side: int) -> None:
    spec = InputSpec(layout="image", dtype="uint8", shape=(1, 64, 64))
    stem = network(ResNet(kind="resnet", widths=(4,), stem_stride=stride), spec).get_submodule("body.stem")
    assert stem(torch.zeros(1, 1, 64, 64)).shape == (1, 4, side, side)


def test_stem_stride_of_a_cnn_takes_every_second_pixel_in_the_first_convolution_only() -> None:
    body = network(Cnn(kind="cnn", channels=(4, 8), stem_stride=2), IMAGE).get_submodule("body")
    strides = [module.stride for module in body.modules() if isinstance(module, nn.Conv2d)]
    assert strides == [(2, 2), (1, 1)]


def test_inner_widths_that_are_not_one_per_block_are_refused() -> None:
    with pytest.raises(ValidationError, match="2 widths for 4 blocks"):
        ResNet(kind="resnet", widths=(4, 8), blocks=2, inner=(4, 4))


def test_the_network_normalises_by_the_statistics_it_was_given() -> None:
    model = network(Mlp(kind="mlp", hidden=(3,)), VECTOR)
    raw = torch.full((1, 5), 5.0)
    expected = model.body((raw - 1.0) / 2.0)  # type: ignore[operator]
    torch.testing.assert_close(model({"inputs": raw}), expected)


def my_network(input: InputSpec, outputs: int, width: int) -> nn.Module:  # noqa: A002 - the name of the contract
    return nn.Sequential(nn.Linear(input.shape[0], width), nn.Linear(width, outputs))


def not_a_network(input: InputSpec, outputs: int) -> str:  # noqa: A002
    return "network"


def test_a_network_of_ones_own_is_built_by_its_factory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "my_models", SimpleNamespace(make=my_network))
    mine = ImportedArchitecture(kind="import", factory="my_models:make", arguments={"width": 3})
    assert count_parameters(network(mine, VECTOR)) == 5 * 3 + 3 + 3 * 7 + 7


@pytest.mark.parametrize(
    "factory", ["no_such_package:make", "tasks.models.build:no_such_function", "json:dumps", "my_models:make"]
)
def test_a_factory_that_is_not_there_or_makes_no_network_is_named(
    factory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "my_models", SimpleNamespace(make=not_a_network))
    with pytest.raises(RecipeError, match=re.escape(f"factory: {factory}")):
        network(ImportedArchitecture(kind="import", factory=factory), VECTOR)


def test_weights_come_back_as_they_were_saved(tmp_path: Path) -> None:
    first, second = network(CNN, IMAGE), network(CNN, IMAGE)
    save_weights(first, tmp_path / "w.safetensors")
    load_weights(second, tmp_path / "w.safetensors")
    inputs = sample(IMAGE)
    assert torch.equal(first(inputs)["logits"], second(inputs)["logits"])


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def remove(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize(("damage", "said"), [(cut, "whole safetensors file"), (remove, "no such file")])
def test_weights_that_cannot_be_read_are_one_clear_message(tmp_path: Path, damage: Any, said: str) -> None:
    path = tmp_path / "w.safetensors"
    save_weights(network(CNN, IMAGE), path)
    damage(path)
    with pytest.raises(DataError, match=said):
        load_weights(network(CNN, IMAGE), path)


def test_weights_of_another_architecture_are_refused_by_layer_and_shape(tmp_path: Path) -> None:
    save_weights(network(Mlp(kind="mlp", hidden=(3,)), VECTOR), tmp_path / "w.safetensors")
    with pytest.raises(DataError, match=r"`body\.hidden1\.linear\.weight` of shape \(3, 5\) instead of \(4, 5\)"):
        load_weights(network(Mlp(kind="mlp", hidden=(4,)), VECTOR), tmp_path / "w.safetensors")
    with pytest.raises(DataError, match=r"no `body\."):
        load_weights(network(Mlp(kind="mlp", hidden=(3, 3)), VECTOR), tmp_path / "w.safetensors")


def test_bytes_are_symbols_which_are_not_normalised(tmp_path: Path) -> None:
    architecture = ByteCnn(kind="byte_cnn", embedding=3, together=1, channels=(4,))
    spec = data_spec(VECTOR, 7)
    other = spec.model_copy(update={"statistics": Statistics(mean=(90.0,) * 5, std=(7.0,) * 5)})
    here, there = (build_model(architecture, one).eval() for one in (spec, other))
    there.body.load_state_dict(here.body.state_dict())
    same = {"inputs": torch.tensor([[0.0, 1, 255, 256, 256]])}
    assert torch.equal(here(same)["logits"], there(same)["logits"])
    near = {"inputs": torch.tensor([[0.0, 1, 254, 256, 256]])}
    assert not torch.equal(here(same)["logits"], here(near)["logits"])


def test_bytes_that_are_no_whole_groups_are_refused() -> None:
    with pytest.raises(RecipeError, match=r"`architecture\.together`: expected whole groups of bytes, got 5 bytes"):
        network(ByteCnn(kind="byte_cnn", together=4, channels=(4,)), VECTOR)
