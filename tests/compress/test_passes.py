"""Passes over networks: what leaves, what stays, and that records rebuild what was made."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from params.compress import Compress, LowRank, Prune, Recovery, Sparsify
from params.models import Architecture, Cnn, Factored, ImportedArchitecture, Mlp, Recurrent, ResNet
from tasks.compress.compress import compress
from tasks.compress.context import NotPossibleError
from tasks.compress.network_passes.low_rank import factorise
from tasks.compress.network_passes.prune import prune
from tasks.compress.network_passes.sparsify import sparsify
from tasks.core.progress import silent
from tasks.models.build import count_parameters
from tasks.models.weights import rebuild, save_weights
from tasks.training.predict import predict, side_by_side
from tests.compress.conftest import MakeContext

CNN = Cnn(kind="cnn", channels=(8, 16))
RESNET = ResNet(kind="resnet", widths=(8, 16), blocks=2)
MLP = Mlp(kind="mlp", hidden=(32, 16))
LSTM = Recurrent(kind="lstm", hidden=16, layers=2, bidirectional=True)
GRU = Recurrent(kind="gru", hidden=16)
SHORT = Recovery(epochs=1)


@pytest.fixture
def folder_of(tiny_images: Path, tiny_sequences: Path) -> Any:
    return lambda architecture: tiny_sequences if isinstance(architecture, Recurrent) else tiny_images


@pytest.mark.parametrize("architecture", [CNN, RESNET, MLP, LSTM, GRU], ids=lambda a: a.kind)
@pytest.mark.parametrize("importance", ["magnitude", "taylor"])
def test_a_pruned_network_is_smaller_and_rebuilds_from_its_record(
    architecture: Architecture, importance: str, folder_of: Any, make_context: MakeContext, tmp_path: Path
) -> None:
    context = make_context(folder_of(architecture), architecture)
    params = Prune(keep=0.5, importance=importance, recovery=SHORT)  # type: ignore[arg-type]
    pruned = prune(context, context.student, params)
    assert count_parameters(pruned) < 0.6 * count_parameters(context.student)
    save_weights(pruned, tmp_path / "pruned.safetensors")
    told = type(architecture).model_validate_json(pruned.architecture.model_dump_json())
    again = rebuild(told, context.data.card.spec, tmp_path / "pruned.safetensors")
    before, after = (side_by_side(predict(network, context.validation)) for network in (pruned, again))
    assert np.allclose(before, after, atol=1e-6)


def test_batch_norm_scales_decide_which_channels_stay(tiny_images: Path, make_context: MakeContext) -> None:
    context = make_context(tiny_images, CNN)
    scale = torch.ones(8)
    scale[[1, 2, 5, 7]] = -3.0
    with torch.no_grad():
        context.student.get_parameter("body.stage1.norm.weight").copy_(scale)
    pruned = prune(context, context.student, Prune(keep=0.5, importance="batch_norm", recovery=None))
    assert pruned.get_parameter("body.stage1.norm.weight").tolist() == [-3.0] * 4


def test_channels_without_an_effect_leave_first_by_taylor(tiny_images: Path, make_context: MakeContext) -> None:
    context = make_context(tiny_images, CNN)
    with torch.no_grad():
        context.student.get_parameter("body.stage2.norm.weight")[:8] = 0
        context.student.get_parameter("body.stage2.norm.bias")[:8] = 0
    kept = prune(context, context.student, Prune(keep=0.5, importance="taylor", recovery=None))
    assert kept.get_parameter("body.stage2.norm.weight").all()


def test_pruned_channels_that_were_zero_change_nothing(tiny_images: Path, make_context: MakeContext) -> None:
    context = make_context(tiny_images, CNN)
    with torch.no_grad():
        for stage in ("stage1", "stage2"):
            for name in ("weight", "bias"):
                parameter = context.student.get_parameter(f"body.{stage}.norm.{name}")
                parameter[: len(parameter) // 2] = 0
    pruned = prune(context, context.student, Prune(keep=0.5, recovery=None))
    before, after = (side_by_side(predict(network, context.validation)) for network in (context.student, pruned))
    assert np.allclose(before, after, atol=1e-5)


def test_rounds_take_out_a_part_each_and_end_where_one_round_does(tiny_images: Path, make_context: MakeContext) -> None:
    context = make_context(tiny_images, Cnn(kind="cnn", channels=(16,)))
    seen: list[Any] = []

    def recover(network: Any, recovery: Recovery) -> Any:
        seen.append(network.architecture.channels)
        return network

    object.__setattr__(context, "recover", recover)
    prune(context, context.student, Prune(keep=0.25, rounds=2, recovery=SHORT))
    assert seen == [(8,), (4,)]


def test_what_cannot_be_pruned_is_refused_with_the_reason(tiny_sequences: Path, make_context: MakeContext) -> None:
    context = make_context(tiny_sequences, LSTM)
    with pytest.raises(NotPossibleError, match="take magnitude or taylor"):
        prune(context, context.student, Prune(importance="batch_norm"))
    thin = Factored(kind="factored", network=LSTM, ranks={"head.linear": 1})
    with pytest.raises(NotPossibleError, match="got factored; leave `prune` out"):
        prune(context, context.data.network(thin), Prune())
    own = context.data.network(LSTM)
    own.architecture = ImportedArchitecture(kind="import", factory="package.module:build")
    with pytest.raises(NotPossibleError, match="got import; let its factory take widths"):
        prune(context, own, Prune())


def test_zeros_stay_zero_while_the_network_recovers(tiny_images: Path, make_context: MakeContext) -> None:
    context = make_context(tiny_images, CNN)
    object.__setattr__(context.recover, "_score", lambda _network: -1.0)  # so that the recovered one is taken
    sparse = sparsify(context, context.student, Sparsify(zeros=0.75, recovery=SHORT))
    weight, before = (n.get_parameter("body.stage2.convolution.weight") for n in (sparse, context.student))
    assert float((weight == 0).float().mean()) == pytest.approx(0.75, abs=0.01)
    assert not torch.equal(weight[weight != 0], before[weight != 0])
    assert context.student.get_parameter("body.stage2.convolution.weight").all()


def test_a_sparse_file_is_smaller_only_when_packed(tiny_images: Path, make_context: MakeContext) -> None:
    passes = [{"kind": "sparsify", "zeros": 0.9, "recovery": None}]
    context = make_context(tiny_images, CNN, candidates=passes, limits={"below_student": {}})
    plain, sparse = compress(context, silent).candidates
    assert sparse.onnx.size == plain.onnx.size
    assert sparse.packed_bytes < 0.6 * plain.packed_bytes


@pytest.mark.parametrize("name", ["prune0.5", "sparsify0.5", "anything"])
def test_a_file_of_floats_has_the_tolerance_of_floats_whatever_it_is_called(
    name: str, tiny_images: Path, make_context: MakeContext
) -> None:
    kind = "sparsify" if name.startswith("sparsify") else "prune"
    named = {"name": name, "passes": [{"kind": kind, "recovery": None}]}
    context = make_context(tiny_images, CNN, candidates=[named, "fp16", "static_int8"], limits={"below_student": {}})
    tolerances = {candidate.name: candidate.tolerance for candidate in compress(context, silent).candidates}
    assert tolerances == {"fp32": 1e-3, name: 1e-3, "fp16": 2e-2, "static_int8": 5e-2}


@pytest.mark.parametrize("architecture", [MLP, RESNET], ids=lambda a: a.kind)
def test_layers_of_low_rank_become_two_thin_ones_that_say_the_same(
    architecture: Architecture, tiny_images: Path, make_context: MakeContext, tmp_path: Path
) -> None:
    context = make_context(tiny_images, architecture)
    layer = (
        "body.hidden1.linear.weight" if architecture.kind == "mlp" else "body.group2.block1.shortcut.convolution.weight"
    )
    with torch.no_grad():
        weight = context.student.get_parameter(layer)
        flat = weight.flatten(1)
        weight.copy_((flat[:, :1] @ flat[:1]).reshape(weight.shape))
    thin = factorise(context, context.student, LowRank(energy=0.9999, recovery=None))
    assert isinstance(thin.architecture, Factored)
    assert thin.architecture.ranks[layer.removeprefix("body.").removesuffix(".weight")] == 1
    assert count_parameters(thin) < count_parameters(context.student)
    before, after = (side_by_side(predict(network, context.validation)) for network in (context.student, thin))
    assert np.allclose(before, after, atol=0.02 * np.abs(before).max())
    save_weights(thin, tmp_path / "thin.safetensors")
    told = Factored.model_validate_json(thin.architecture.model_dump_json())
    again = rebuild(told, context.data.card.spec, tmp_path / "thin.safetensors")
    assert np.array_equal(side_by_side(predict(again, context.validation)), after)


def test_low_rank_where_nothing_gets_smaller_is_refused(tiny_images: Path, make_context: MakeContext) -> None:
    context = make_context(tiny_images, CNN)
    with pytest.raises(NotPossibleError, match=r"gets smaller at energy 0\.99 \(`head\.linear`\)"):
        factorise(context, context.student, LowRank(energy=0.99))


def test_a_recovery_that_makes_it_worse_is_thrown_away(tiny_images: Path, make_context: MakeContext) -> None:
    context = make_context(tiny_images, CNN)
    object.__setattr__(context.recover, "_score", lambda _network: 2.0)
    assert context.recover(context.student, SHORT) is context.student


def test_networks_that_several_candidates_begin_with_are_made_once(
    tiny_images: Path, make_context: MakeContext
) -> None:
    first = {"kind": "prune", "recovery": {"epochs": 1}}
    context = make_context(
        tiny_images,
        Cnn(kind="cnn", channels=(16, 32)),
        candidates=[first, [first, "static_int8"], [first, "fp16"]],
        limits={"below_student": {}},
    )
    trained = 0
    recover = context.recover

    def counted(network: Any, recovery: Recovery) -> Any:
        nonlocal trained
        trained += 1
        return recover(network, recovery)

    object.__setattr__(context, "recover", counted)
    done = compress(context, silent)
    assert trained == 1
    assert [c.name for c in done.candidates] == ["fp32", "prune0.5", "prune0.5-static_int8", "prune0.5-fp16"]
    plain, pruned, quantised, halved = done.candidates
    assert pruned.parameters == quantised.parameters < plain.parameters
    assert quantised.operators["QLinearConv"] == 2
    assert halved.onnx.size < pruned.onnx.size < plain.onnx.size
    assert "Transpose" not in pruned.operators
    assert halved.parity < 0.05


@pytest.mark.parametrize(
    ("candidates", "expected"),
    [
        ([["static_int8", "prune"]], "`static_int8` makes a file: it comes last"),
        (["static_int8", "static_int8"], "two candidates are called `static_int8`"),
        ([{"kind": "prune", "kep": 0.5}], "Extra inputs are not permitted"),
        (["int7"], "does not match any of the expected tags"),
        ([], "at least 1 item"),
    ],
)
def test_a_mistake_in_the_candidates_is_told(candidates: list[Any], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        Compress.model_validate({"candidates": candidates})


@pytest.mark.parametrize(("again", "layers"), [(0.2, 1), (0.9, 2)], ids=["both must", "one of the two must"])
def test_layers_leave_int8_until_the_limit_holds(
    again: float, layers: int, tiny_images: Path, make_context: MakeContext
) -> None:
    context = make_context(tiny_images, CNN, candidates=["mixed_int8"], limits={"below_student": {"accuracy": 1.0}})
    _, all_int8 = compress(context, silent).candidates
    assert all_int8.operators["QLinearConv"] == 2
    found = [0.2, 0.2, 0.9, again]  # fewer and fewer layers in int8, then the first of them once more
    scored = iter([{"accuracy": value} for value in found])
    context = make_context(tiny_images, CNN, candidates=["mixed_int8"], limits={"below_student": {"accuracy": 0.1}})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tasks.compress.file_passes.mixed_int8.measure_student", lambda _context: {"accuracy": 0.9})
        patch.setattr("tasks.compress.checks.require_smaller", lambda *_: None)
        patch.setattr("tasks.compress.file_passes.mixed_int8.measure_file", lambda _context, _session: next(scored))
        _, mixed = compress(context, silent).candidates
    assert mixed.operators.get("QLinearConv", 0) + mixed.operators.get("QGemm", 0) == layers
    assert not [*scored]
    assert mixed.broken == () or mixed.metrics["accuracy"] < 0.9
