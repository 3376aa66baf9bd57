import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

from params.models import Architecture, Cnn, ImportedArchitecture, Mlp, Pruned, Recurrent, ResNet, Separable
from tasks.contracts.records import InputSpec
from tasks.core.errors import RecipeError, StageError
from tasks.models.build import Network
from tasks.models.channel_layout import channel_layout
from tasks.models.channels import channel_norms, narrowed, strongest

IMAGE = InputSpec(layout="image", dtype="uint8", shape=(2, 12, 12))
SEQUENCE = InputSpec(layout="sequence", dtype="float32", shape=(9, 4))
VECTOR = InputSpec(layout="vector", dtype="float32", shape=(5,))
SEPARABLE = Separable(kind="separable", widths=(6, 8, 10), blocks=(1, 2))
NETWORKS: dict[str, tuple[Architecture, InputSpec]] = {
    "cnn": (Cnn(kind="cnn", channels=(6, 8), stem_stride=2), IMAGE),
    "resnet": (ResNet(kind="resnet", widths=(6, 8), blocks=2), IMAGE),
    "resnet with inner widths": (ResNet(kind="resnet", widths=(6, 8), inner=(4, 5), stem_stride=4), IMAGE),
    "separable": (SEPARABLE, IMAGE),
    "mlp": (Mlp(kind="mlp", hidden=(8, 6)), VECTOR),
    "mlp on images": (Mlp(kind="mlp", hidden=(8,)), IMAGE),
    "lstm": (Recurrent(kind="lstm", hidden=6, layers=2, bidirectional=True), SEQUENCE),
    "gru": (Recurrent(kind="gru", hidden=6, layers=2), SEQUENCE),
}
PYRAMIDS: dict[str, tuple[Architecture, InputSpec, str]] = {
    f"{task}: {name}": (*NETWORKS[name], task)
    for task in ("segmentation", "detection")
    for name in ("cnn", "resnet with inner widths", "separable")
}
CASES = {**{name: (*case, "classification") for name, case in NETWORKS.items()}, **PYRAMIDS}
Make = Callable[..., Network]
Sample = Callable[[InputSpec], dict[str, torch.Tensor]]


def chosen(network: Network) -> dict[str, list[int]]:
    layout = channel_layout(network)
    assert layout is not None
    generator = torch.Generator().manual_seed(3)
    return {
        space: sorted(torch.randperm(width, generator=generator)[: width - 2].tolist())
        for space, width in layout.widths.items()
    }


def unread(network: Network, kept: dict[str, list[int]]) -> None:
    """Zeroes what reads the channels that are not kept: then the network does not change when they go."""
    layout = channel_layout(network)
    assert layout is not None
    state = network.body.state_dict()
    for name, rows in layout.axes.items():
        if len(rows) < 2 or name not in state:
            continue
        start = 0
        for space in rows[1]:
            gone = sorted(set(range(layout.widths[space])) - set(kept[space]))
            state[name][:, [start + place for place in gone]] = 0
            start += layout.widths[space]


@pytest.mark.parametrize("name", CASES)
def test_a_network_without_the_channels_that_nobody_reads_computes_the_same(
    make: Make, sample: Sample, name: str
) -> None:
    architecture, spec, task = CASES[name]
    network = make(architecture, spec, task=task)
    whole, kept = network(sample(spec)), chosen(network)
    unread(network, kept)
    smaller, state = narrowed(network, kept)
    other = make(smaller, spec, seed=1, task=task)
    other.load_state_dict(state)
    masked = network(sample(spec))
    assert all(not torch.allclose(masked[output], values) for output, values in whole.items())
    torch.testing.assert_close(other(sample(spec)), masked)
    layout = channel_layout(other)
    assert layout is not None
    assert layout.widths == {space: len(places) for space, places in kept.items()}


@pytest.mark.parametrize("name", CASES)
def test_every_parameter_belongs_to_the_channel_spaces_of_its_network(make: Make, name: str) -> None:
    architecture, spec, task = CASES[name]
    network = make(architecture, spec, task=task)
    layout = channel_layout(network)
    assert layout is not None
    body = network.body.state_dict()
    axes = layout.axes
    assert {tensor for tensor in body if not tensor.endswith("num_batches_tracked")} <= set(axes)
    for tensor, values in body.items():
        for size, row in zip(values.shape, axes.get(tensor, ()), strict=False):
            assert not row or sum(layout.widths[space] for space in row) == size
    assert {space for space, _ in layout.origins} == set(layout.widths)


@pytest.mark.parametrize("name", PYRAMIDS)
def test_a_head_of_several_layers_keeps_one_width_which_the_architecture_says(make: Make, name: str) -> None:
    architecture, spec, task = PYRAMIDS[name]
    network = make(architecture, spec, task=task)
    kept = {"head": list(range(11))}
    with pytest.raises(StageError, match=r"one width for all layers of a head, got `head` 11, `head\.smooth"):
        narrowed(network, kept)
    layout = channel_layout(network)
    assert layout is not None
    smaller, state = narrowed(network, dict.fromkeys(layout.in_head, range(11)))
    assert smaller == Pruned(kind="pruned", network=architecture, head_width=11)  # type: ignore[arg-type]
    twice = make(smaller, spec, task=task)
    twice.load_state_dict(state)
    again, _ = narrowed(twice, dict.fromkeys(layout.in_head, range(5)))
    assert again == Pruned(kind="pruned", network=architecture, head_width=5)  # type: ignore[arg-type]


def test_a_filter_of_one_channel_and_a_gate_do_not_say_how_much_it_matters(make: Make) -> None:
    network = make(SEPARABLE, IMAGE, task="segmentation")
    before = channel_norms(network)
    with torch.no_grad():
        for name in ("group1.block1.path.depthwise", "head.gate.1", "head.smooth.0"):
            network.get_parameter(f"body.{name}.weight").mul_(9)
    assert all(torch.equal(norms, before[space]) for space, norms in channel_norms(network).items())
    with torch.no_grad():
        network.get_parameter("body.head.laterals.0.0.weight")[2].mul_(9)
    assert (channel_norms(network)["head"] != before["head"]).nonzero().flatten().tolist() == [2]


def test_spaces_without_an_entry_stay_whole_and_the_network_as_it_was(make: Make, sample: Sample) -> None:
    architecture = Cnn(kind="cnn", channels=(6, 8), dropout=0.2)
    network = make(architecture, IMAGE)
    before = network(sample(IMAGE))["logits"]
    assert narrowed(network, {})[0] == architecture
    assert narrowed(network, {"stage2": [1, 4]})[0] == Cnn(kind="cnn", channels=(6, 2), dropout=0.2)
    torch.testing.assert_close(network(sample(IMAGE))["logits"], before)


def test_inner_widths_of_a_resnet_are_written_only_where_they_differ_from_the_stream(make: Make) -> None:
    architecture = ResNet(kind="resnet", widths=(6, 8))
    network = make(architecture, IMAGE)
    inside, _ = narrowed(network, {"group2.block1": [0, 3]})
    assert inside == ResNet(kind="resnet", widths=(6, 8), inner=(6, 2))
    both, _ = narrowed(network, {"group1": [0, 3], "group1.block1": [1, 2]})
    assert both == ResNet(kind="resnet", widths=(2, 8))


def test_the_norm_of_a_channel_is_that_of_its_filter_scaled_by_batch_norm(make: Make) -> None:
    architecture = ResNet(kind="resnet", widths=(6,))
    network = make(architecture, IMAGE)
    state = {name: tensor.tolist() for name, tensor in network.body.state_dict().items()}

    def energy(convolution: str, norm: str, channel: int) -> float:
        squares = sum(v * v for kernel in state[f"{convolution}.weight"][channel] for row in kernel for v in row)
        return float(squares * state[f"{norm}.weight"][channel] ** 2 / (state[f"{norm}.running_var"][channel] + 1e-5))

    norms = channel_norms(network)
    inner = [energy("group1.block1.path.convolution1", "group1.block1.path.norm1", c) for c in range(6)]
    stem = [energy("stem.convolution", "stem.norm", c) for c in range(6)]
    second = [energy("group1.block1.path.convolution2", "group1.block1.path.norm2", c) for c in range(6)]
    assert norms["group1.block1"].tolist() == pytest.approx([math.sqrt(v) for v in inner])
    assert norms["group1"].tolist() == pytest.approx([math.sqrt(a + b) for a, b in zip(stem, second, strict=True)])


@pytest.mark.parametrize(("kind", "gates"), [("lstm", 4), ("gru", 3)])
def test_the_norm_of_a_unit_is_over_all_its_gates(make: Make, kind: Any, gates: int) -> None:
    architecture = Recurrent(kind=kind, hidden=6)
    network = make(architecture, SEQUENCE)
    cell = network.body.state_dict()
    rows = torch.cat([cell["layer1.onward.weight_ih_l0"], cell["layer1.onward.weight_hh_l0"]], dim=1)
    expected = [rows[[unit + 6 * gate for gate in range(gates)]].square().sum().sqrt().item() for unit in range(6)]
    assert channel_norms(network)["layer1.onward"].tolist() == pytest.approx(expected)


def test_pruning_by_magnitude_is_to_choose_and_to_narrow(make: Make, sample: Sample) -> None:
    architecture = Cnn(kind="cnn", channels=(6, 8))
    network = make(architecture, IMAGE)
    norms = channel_norms(network)
    smaller, state = narrowed(network, {space: strongest(norm, 4) for space, norm in norms.items()})
    pruned = make(smaller, IMAGE, seed=1)
    pruned.load_state_dict(state)
    assert pruned(sample(IMAGE))["logits"].shape == (3, 3)
    weights = network.body.state_dict()["stage1.convolution.weight"]
    expected = weights[norms["stage1"].argsort(descending=True)[:4].sort().values]
    assert torch.equal(pruned.body.state_dict()["stage1.convolution.weight"], expected)


def test_the_strongest_are_in_order_and_the_first_of_equals() -> None:
    assert strongest(torch.tensor([1.0, 5.0, 3.0, 5.0, 3.0]), 3).tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        ({"stage3": [0]}, "one of `stage1`, `stage2`"),
        ({"stage1": []}, "places 0 to 5"),
        ({"stage1": [0, 0]}, "each once"),
        ({"stage1": [6]}, "places 0 to 5"),
    ],
)
def test_places_that_are_not_there_are_refused(make: Make, kept: dict[str, list[int]], said: str) -> None:
    architecture = Cnn(kind="cnn", channels=(6, 8))
    with pytest.raises(StageError, match=said):
        narrowed(make(architecture, IMAGE), kept)


def test_layers_of_cells_keep_one_width(make: Make) -> None:
    architecture = Recurrent(kind="gru", hidden=6, layers=2)
    with pytest.raises(StageError, match=r"`layer1\.onward` 2, `layer2\.onward` 6"):
        narrowed(make(architecture, SEQUENCE), {"layer1.onward": [0, 1]})


def test_an_architecture_whose_channels_are_not_known_is_refused(make: Make) -> None:
    network = make(Mlp(kind="mlp", hidden=(4,)), VECTOR)
    network.architecture = ImportedArchitecture(kind="import", factory="own_models:make")
    for refused in (lambda: narrowed(network, {}), lambda: channel_norms(network)):
        with pytest.raises(RecipeError, match="got import"):
            refused()


def test_a_width_of_a_head_that_has_none_is_refused(make: Make) -> None:
    with pytest.raises(RecipeError, match=r"architecture\.kind: pruned`: expected a head that has channels of its own"):
        make(Pruned(kind="pruned", network=SEPARABLE, head_width=8), IMAGE)
