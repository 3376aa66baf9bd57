"""Students that answer for each pixel, or for each cell of several grids, with fewer channels in backbone and head."""

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from params.compress import Compress, LowRank, Prune
from params.distill import Distill
from params.models import Factored, Pruned, ResNet, Separable
from params.training import Training
from tasks.compress.choose import choose
from tasks.compress.compress import compress
from tasks.compress.context import CompressionContext, NotPossibleError
from tasks.compress.network_passes.low_rank import factorise
from tasks.compress.network_passes.prune import prune
from tasks.compress.recovery import Recoverer
from tasks.core.errors import RefusedError
from tasks.core.progress import silent
from tasks.distill.teachers.teachers import LoadedTeacher, Teachers
from tasks.distill.teachers.train import train
from tasks.models.build import Network, count_parameters
from tasks.models.channel_layout import channel_layout
from tasks.models.channels import channel_norms, strongest
from tasks.models.export import export_onnx, outputs_of, parity
from tasks.models.weights import rebuild, save_weights
from tasks.runtime.bundle.session import Session
from tasks.training.distributed.threads import multiplications
from tasks.training.network import PreparedData
from tests.compress.conftest import nothing
from tests.kinds.detection.conftest import READER as BOXES
from tests.kinds.segmentation.conftest import READER as MASKS
from tests.kinds.segmentation.conftest import prepared

STUDENT = Separable(kind="separable", widths=(8, 16, 32), blocks=(1, 2))
TEACHER = ResNet(kind="resnet", widths=(12, 24), stem_stride=2)
LEARNING = Training(epochs=15, batch_size=8, learning_rate=0.01)
LONGER = LEARNING.model_copy(update={"epochs": 30})
"""until the teacher knows every class"""
HALF = Prune(keep=0.5, recovery=None)
SHAPES = {"kind": "shapes", "pictures": 120, "side": 32, "seed": 1}
KINDS: dict[str, dict[str, Any]] = {
    "segmentation": {"source": SHAPES, "reader": MASKS},
    "detection": {"source": {**SHAPES, "targets": "boxes"}, "reader": BOXES, "task": "detection"},
}


@dataclass(frozen=True)
class World:
    """Prepared pictures, and a student of them."""

    data: PreparedData
    student: Network
    folder: Path

    def context(self, *teachers: Network, **params: Any) -> CompressionContext:
        """Returns what passes are given; without a teacher, none that learns."""
        loaded = tuple(LoadedTeacher(network, "t") for network in teachers)
        known = Teachers(loaded, self.data.data_digest, self.folder / "soft-labels")
        recover = Recoverer(LEARNING, Distill(alpha=0.5), known, self.data, 0, nothing)
        student = copy.deepcopy(self.student)
        return CompressionContext(Compress.model_validate(params), student, self.data, self.folder, 0, recover)


@pytest.fixture(scope="module", params=KINDS)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> World:
    root = tmp_path_factory.mktemp(request.param)
    data = prepared(root, **KINDS[request.param])
    return World(data, train(STUDENT, LEARNING, data, 0, silent, nothing).network, root)


def masked(network: Network, widths: dict[str, int]) -> Network:
    """Returns the network in which nothing reads the channels that are not among the strongest."""
    layout = channel_layout(network)
    assert layout is not None
    norms = channel_norms(network)
    gone = {
        space: sorted({*range(layout.widths[space])} - {*strongest(norms[space], width).tolist()})
        for space, width in widths.items()
    }
    same = copy.deepcopy(network)
    state = same.body.state_dict()
    for name, (_, *read) in layout.axes.items():
        for space in (space for row in read for space in row):
            state[name][:, gone[space]] = 0
    return same


def answers(network: Network, world: World) -> dict[str, np.ndarray]:
    return outputs_of(network, world.data.splits.validation.gather(np.arange(8)).inputs)


def close(one: dict[str, np.ndarray], other: dict[str, np.ndarray], tolerance: float = 1e-4) -> bool:
    return all(np.allclose(one[name], values, atol=tolerance * np.abs(values).max()) for name, values in other.items())


def test_what_is_left_computes_what_the_student_computes_without_the_weakest_channels(
    world: World, tmp_path: Path
) -> None:
    context = world.context()
    pruned = prune(context, context.student, HALF)
    layout = channel_layout(pruned)
    assert layout is not None
    widths = dict(layout.widths)
    assert widths == {"stem": 4, "group1": 8, "group2": 16, **dict.fromkeys(layout.in_head, 8)}
    assert pruned.architecture == Pruned(
        kind="pruned", network=Separable(kind="separable", widths=(4, 8, 16), blocks=(1, 2)), head_width=8
    )
    expected = answers(masked(context.student, widths), world)
    assert close(answers(pruned, world), expected)
    assert not close(answers(context.student, world), expected)
    assert count_parameters(pruned) < 0.5 * count_parameters(context.student)
    (first,) = world.data.splits.validation.batches(1, np.zeros(1, np.int64))
    assert multiplications(pruned, first.inputs) < 0.5 * multiplications(context.student, first.inputs)
    export_onnx(pruned, tmp_path / "pruned.onnx")
    assert parity(pruned, Session((tmp_path / "pruned.onnx").read_bytes()), 1) < 1e-4
    save_weights(pruned, tmp_path / "pruned.safetensors")
    told = Pruned.model_validate_json(pruned.architecture.model_dump_json())
    again = rebuild(told, world.data.card.spec, tmp_path / "pruned.safetensors")
    assert close(answers(again, world), answers(pruned, world), 1e-6)


@pytest.mark.parametrize("importance", ["batch_norm", "taylor"])
def test_each_importance_knows_the_channels_of_backbone_and_head(world: World, importance: Any) -> None:
    context = world.context()
    pruned = prune(context, context.student, HALF.model_copy(update={"importance": importance, "rounds": 2}))
    layout = channel_layout(pruned)
    assert layout is not None
    assert set(layout.widths.values()) == {4, 8, 16}


def test_layers_of_a_pruned_student_become_two_thin_ones(world: World) -> None:
    context = world.context()
    pruned = prune(context, context.student, HALF)
    thin = factorise(context, pruned, LowRank(energy=0.6, recovery=None))
    assert count_parameters(thin) < count_parameters(pruned)
    again = Factored.model_validate_json(thin.architecture.model_dump_json())
    assert again.network == pruned.architecture
    same = world.data.network(again).eval()
    same.load_state_dict(thin.state_dict())
    assert close(answers(same, world), answers(thin, world), 1e-6)
    with pytest.raises(NotPossibleError, match="got factored; leave `prune` out"):
        prune(context, thin, HALF)


@pytest.mark.slow
def test_a_pruned_student_recovers_and_is_quantised_and_one_with_too_few_channels_does_not_ship(world: World) -> None:
    mild = {"kind": "prune", "keep": 0.75, "recovery": {"epochs": 2}}
    harsh = {"kind": "prune", "keep": 0.1, "recovery": None}
    metric = world.context().measuring.deciding
    teacher = train(TEACHER, LONGER, world.data, 0, silent, nothing).network
    limits = {"below_student": {metric.name: 0.01}}
    context = world.context(teacher, candidates=[mild, [mild, "static_int8"], harsh], limits=limits)
    done = compress(context, silent)
    assert done.refused == {}
    plain, pruned, quantised, least = done.candidates
    assert least.parameters < pruned.parameters == quantised.parameters < 0.8 * plain.parameters
    assert quantised.onnx.size < pruned.onnx.size < plain.onnx.size
    assert quantised.operators["QLinearConv"] > 10
    assert pruned.parity < 1e-3
    unhealed = prune(context, context.student, Prune.model_validate({**mild, "recovery": None}))
    assert pruned.metrics[metric.name] >= context.measuring.measure(unhealed, context.validation)[metric.name]
    assert [check.limit for check in least.broken] == [f"limits.below_student.{metric.name}"]
    assert done.chosen != least.name
    with pytest.raises(RefusedError, match=r"`prune0\.1`: .*limits\.below_student"):
        choose(context.params, metric, [least], {})
