import copy
import gc
import pickle
import re
import sys
import weakref
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from params.models import Cnn, ImportedArchitecture, Mlp, Recurrent, ResNet
from tasks.contracts.records import InputSpec
from tasks.core.errors import RecipeError, StageError
from tasks.kinds.contract import LayerShape
from tasks.models.build import Network
from tasks.models.export import export_onnx
from tasks.models.layers import Taps, layer_shapes, require_layers

IMAGE = InputSpec(layout="image", dtype="uint8", shape=(3, 20, 12))
SEQUENCE = InputSpec(layout="sequence", dtype="float32", shape=(9, 4))
VECTOR = InputSpec(layout="vector", dtype="float32", shape=(5,))
CNN = Cnn(kind="cnn", channels=(4, 8))
GRU = Recurrent(kind="gru", hidden=6, layers=2, bidirectional=True)
Make = Callable[..., Network]
Sample = Callable[[InputSpec], dict[str, Tensor]]


class Steps(nn.Module):
    """A network of one's own for sequences, whose modules give all sorts of things."""

    def __init__(self) -> None:
        super().__init__()
        self.frames = nn.Linear(4, 5)
        self.cell = nn.LSTM(5, 6, batch_first=True)
        self.last = nn.Linear(6, 3)
        self.turned = nn.Conv1d(4, 5, 1)

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        self.turned(inputs.transpose(1, 2))
        hidden: Tensor = self.cell(self.frames(inputs))[0]
        logits: Tensor = self.last(hidden[:, -1])
        return logits


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> ImportedArchitecture:
    def factory(input: InputSpec, outputs: int) -> nn.Module:  # noqa: A002 - the name of the contract
        return Steps()

    monkeypatch.setitem(sys.modules, "own_models", SimpleNamespace(make=factory))
    return ImportedArchitecture(kind="import", factory="own_models:make")


def test_layers_of_images_have_channels_height_and_width(make: Make) -> None:
    shapes = layer_shapes(make(CNN, IMAGE))
    assert shapes["stage1"] == LayerShape(4, (10, 6))
    assert shapes["stage2.convolution"] == LayerShape(8, (10, 6))
    assert shapes["head.linear"] == LayerShape(3, ())
    resnet = layer_shapes(make(ResNet(kind="resnet", widths=(4, 8), blocks=2), IMAGE))
    assert resnet["stem"] == resnet["group1"] == LayerShape(4, (20, 12))
    assert resnet["group2.block1"] == resnet["group2"] == LayerShape(8, (10, 6))


def test_layers_of_vectors_have_channels_only(make: Make) -> None:
    assert layer_shapes(make(Mlp(kind="mlp", hidden=(6,)), VECTOR))["hidden1"] == LayerShape(6, ())


def test_layers_of_sequences_have_channels_and_frames_and_cells_are_no_layers(make: Make) -> None:
    shapes = layer_shapes(make(GRU, SEQUENCE))
    assert shapes["layer1"] == shapes["layer2"] == LayerShape(12, (9,))
    assert shapes["head.linear"] == LayerShape(3, ())
    assert not [name for name in shapes if "ward" in name]


def test_layers_of_a_network_of_ones_own_are_found(make: Make, own: ImportedArchitecture) -> None:
    assert layer_shapes(make(own, SEQUENCE)) == {"frames": LayerShape(5, (9,)), "last": LayerShape(3, ())}


def test_finding_the_shapes_changes_nothing(make: Make) -> None:
    network = make(CNN, IMAGE).train()
    network.body.get_submodule("stage1").eval()
    modes = [module.training for module in network.modules()]
    before = copy.deepcopy(network.state_dict())
    layer_shapes(network)
    assert [module.training for module in network.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert not network.body.get_submodule("stage1")._forward_hooks


def test_taps_keep_what_the_layers_gave_in_the_order_of_the_names(make: Make, sample: Sample) -> None:
    network, inputs = make(CNN, IMAGE), sample(IMAGE)
    with Taps(network, ["stage2", "stage1", "stage2"]) as taps:
        network(inputs)
        second, first, again = taps.values(inputs)
    expected = network.body.get_submodule("stage1")((inputs["inputs"] - network.mean) / network.std)
    torch.testing.assert_close(first[0], expected)
    torch.testing.assert_close(second[0], network.body.get_submodule("stage2")(expected))
    assert again[0] is second[0]
    assert first[1] is None


def test_taps_on_sequences_turn_frames_to_the_last_axis_and_mask_padding(make: Make, sample: Sample) -> None:
    network, inputs = make(GRU, SEQUENCE), sample(SEQUENCE)
    with Taps(network, ["layer1", "head.linear"]) as taps:
        network(inputs)
        (frames, there), (logits, no_mask) = taps.values(inputs)
    values = (inputs["inputs"] - network.mean) / network.std
    expected = network.body.get_submodule("layer1")(values, inputs["lengths"])
    torch.testing.assert_close(frames, expected.transpose(1, 2))
    assert there is not None
    assert there.tolist() == [[1.0] * 9, [1.0] * 3 + [0.0] * 6, [1.0] + [0.0] * 8]
    assert logits.shape == (3, 3)
    assert no_mask is None


def test_gradients_flow_through_a_tap(make: Make, sample: Sample) -> None:
    network = make(CNN, IMAGE)
    with Taps(network, ["stage1"]) as taps:
        network(sample(IMAGE))
        torch.autograd.backward(taps.values({})[0][0].sum())
    gradients = {name: value.grad is not None for name, value in network.named_parameters()}
    assert {name for name, reached in gradients.items() if reached} == {
        f"body.stage1.{name}" for name in ("convolution.weight", "norm.weight", "norm.bias")
    }


def test_removed_taps_leave_nothing_behind_and_keep_no_graph_alive(make: Make, sample: Sample) -> None:
    network = make(CNN, IMAGE)
    keys = set(network.state_dict())
    taps = Taps(network, ["stage1"])
    assert set(network.state_dict()) == keys
    network(sample(IMAGE))
    graph = weakref.ref(taps.values({})[0][0])
    taps.remove()
    gc.collect()
    assert graph() is None
    assert not network.body.get_submodule("stage1")._forward_hooks
    with pytest.raises(StageError, match="none yet"):
        taps.values({})


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda network: pickle.loads(pickle.dumps(network))])
def test_a_copy_of_a_tapped_network_is_not_tapped(
    make: Make, sample: Sample, copied: Callable[[Network], Network]
) -> None:
    network = make(CNN, IMAGE)
    with Taps(network, ["stage1"]) as taps:
        network(sample(IMAGE))  # what a tap keeps is part of a graph, which cannot be copied
        kept = taps.values({})[0][0]
        other = copied(network)
        other(sample(IMAGE))
        assert taps.values({})[0][0] is kept
        assert all(hook.output is None for hook in other.body.get_submodule("stage1")._forward_hooks.values())  # type: ignore[attr-defined]


def test_a_tapped_network_exports_as_if_it_were_not(make: Make, tmp_path: Any) -> None:
    for architecture, spec in ((CNN, IMAGE), (GRU, SEQUENCE)):
        network = make(architecture, spec)
        export_onnx(network, tmp_path / "plain.onnx")
        with Taps(network, ["stage1" if spec is IMAGE else "layer1"]):
            export_onnx(network, tmp_path / "tapped.onnx")
        assert (tmp_path / "tapped.onnx").read_bytes() == (tmp_path / "plain.onnx").read_bytes()


def test_a_tap_that_saw_no_forward_or_no_tensor_says_so(make: Make, sample: Sample) -> None:
    network = make(GRU, SEQUENCE)
    with Taps(network, ["layer1.onward"]) as taps:
        with pytest.raises(StageError, match=r"`layer layer1\.onward`.*none yet"):
            taps.values({})
        network(sample(SEQUENCE))
        with pytest.raises(StageError, match="got tuple"):
            taps.values({})


def test_unknown_layers_are_named_at_once_with_those_that_are_there_the_closest_first(make: Make) -> None:
    shapes = layer_shapes(make(CNN, IMAGE))
    with pytest.raises(RecipeError) as refused:
        require_layers("distill.objectives.layers.student", ["stage3", "stage1", "stem", "stage3"], shapes)
    assert len(refused.value.problems) == 2
    first, second = refused.value.problems
    assert first.startswith("`recipe`: `distill.objectives.layers.student`: expected a layer of the network: `stage")
    assert "`stage2` 8x5x3" in first
    assert "got `stage3`; choose one of them" in first
    assert "got `stem`" in second
    require_layers("layers", ["stage1", "head.linear"], shapes)


def test_taps_refuse_layers_that_are_not_there(make: Make) -> None:
    with pytest.raises(RecipeError, match=re.escape("got `stage9`")):
        Taps(make(CNN, IMAGE), ["stage1", "stage9"])


@pytest.mark.parametrize("bidirectional", [False, True])
def test_logits_are_the_mean_of_the_logits_of_the_frames_that_are_there(
    make: Make, sample: Sample, bidirectional: bool
) -> None:
    network = make(GRU.model_copy(update={"bidirectional": bidirectional}), SEQUENCE)
    inputs = sample(SEQUENCE)
    outputs = network(inputs, steps=True)
    assert outputs["steps.logits"].shape == (3, 9, 3)
    assert outputs["steps.mask"].sum(dim=1).tolist() == inputs["lengths"].tolist()
    pairs = zip(outputs["steps.logits"], inputs["lengths"], strict=True)
    means = torch.stack([row[:length].mean(dim=0) for row, length in pairs])
    torch.testing.assert_close(means, network(inputs)["logits"])
    torch.testing.assert_close(means, outputs["logits"])


def test_step_logits_are_for_sequences_and_for_networks_that_have_them(
    make: Make, sample: Sample, own: ImportedArchitecture
) -> None:
    with pytest.raises(RecipeError, match="expected sequences, got image data"):
        make(CNN, IMAGE)(sample(IMAGE), steps=True)
    with pytest.raises(RecipeError, match=r"`Steps` without it; add `step_logits\(self, inputs, lengths\)`"):
        make(own, SEQUENCE)(sample(SEQUENCE), steps=True)
