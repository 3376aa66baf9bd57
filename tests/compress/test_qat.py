"""Training on the grid of int8: what the network computes is what the file computes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from onnx import helper

from params.compress import Recovery
from params.distill import Distill
from params.models import Architecture, Cnn, Mlp, Recurrent, ResNet
from params.objectives import Cosine, Kl
from tasks.compress.compress import compress
from tasks.compress.context import CompressionContext, NotPossibleError
from tasks.compress.passes import CandidateBuilder
from tasks.compress.quantization.fake_quant import fake_quantized, weight_limit
from tasks.compress.quantization.graph_network import GraphNetwork
from tasks.compress.quantization.graph_nodes import arrays_of
from tasks.compress.quantization.onnx_int8 import in_bytes, prepared, quantized_statically
from tasks.compress.recovery import without_layers
from tasks.core.progress import silent
from tasks.runtime.bundle.session import Session
from tests.compress.conftest import MakeContext, logits_of

CNN = Cnn(kind="cnn", channels=(8, 16))
RESNET = ResNet(kind="resnet", widths=(4, 8), blocks=1)
MLP = Mlp(kind="mlp", hidden=(16,))
ANY_ACCURACY: dict[str, dict[str, float]] = {"below_student": {}}


def graph_of(context: CompressionContext, bits: int = 8) -> GraphNetwork:
    exported = CandidateBuilder(context)._export(context.params.candidates[0])
    with prepared(exported) as plain:
        return GraphNetwork(quantized_statically(context, plain, None), plain, bits)


def lived(context: CompressionContext) -> None:
    """Gives batch norm something to fold, as training does."""
    generator = torch.Generator().manual_seed(3)
    for name, tensor in context.student.state_dict().items():
        if ".norm" in name and tensor.is_floating_point():
            tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)


def disagreement(context: CompressionContext, graph: GraphNetwork) -> tuple[float, float]:
    """Returns the part of logits that differ between network and file at all, and the largest difference in steps."""
    written = graph.in_integers()
    file = logits_of(context, Session(in_bytes(_copy(written))))
    inputs = torch.from_numpy(context.validation.gather(np.arange(len(context.validation))).inputs["inputs"]).float()
    with torch.no_grad():
        network = graph(inputs)["logits"].numpy()
    step = float(arrays_of(written)["logits_scale"])
    apart = np.abs(file - network) / step
    return float((apart > 0.5).mean()), float(apart.max())


def _copy(model: onnx.ModelProto) -> onnx.ModelProto:
    copied = onnx.ModelProto()
    copied.CopyFrom(model)
    return copied


def test_values_are_rounded_to_the_grid_and_cut_off_at_its_ends() -> None:
    values = torch.tensor([-9.0, -0.3, 0.24, 0.25, 0.75, 9.0])
    assert fake_quantized(values, torch.tensor(0.5), -2, 3).tolist() == [-1.0, -0.5, 0.0, 0.0, 1.0, 1.5]


def test_gradients_are_those_of_learned_step_size_quantisation() -> None:
    values = torch.tensor([-9.0, 0.3, 9.0], requires_grad=True)
    scale = torch.tensor(0.5, requires_grad=True)
    fake_quantized(values, scale, -2, 3).sum().backward()  # type: ignore[no-untyped-call]
    assert values.grad is not None
    assert scale.grad is not None
    assert values.grad.tolist() == [0.0, 1.0, 0.0]
    # The lowest, then round(v / s) - v / s inside, then the highest integer (equation 3).
    assert float(scale.grad) == pytest.approx(-2 + (1 - 0.6) + 3)


@pytest.mark.parametrize(
    ("architecture", "isa"),
    [(CNN, "x86-vnni"), (RESNET, "x86-vnni"), (MLP, "x86-vnni"), (CNN, "x86"), (RESNET, "arm64")],
    ids=lambda value: getattr(value, "kind", value),
)
def test_an_untrained_network_says_what_the_file_of_static_int8_says(
    tiny_images: Path, make_context: MakeContext, architecture: Architecture, isa: str
) -> None:
    context = make_context(tiny_images, architecture, target={"isa": isa})
    lived(context)
    differing, largest = disagreement(context, graph_of(context))
    assert differing < 0.1
    assert largest < 1.5


@pytest.mark.parametrize("bits", [3, 8])
@pytest.mark.parametrize("architecture", [CNN, RESNET, MLP], ids=lambda a: a.kind)
def test_what_was_learned_is_in_the_file(
    tiny_images: Path, make_context: MakeContext, architecture: Architecture, bits: int
) -> None:
    context = make_context(tiny_images, architecture)
    lived(context)
    graph, generator = graph_of(context, bits), torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in graph.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    differing, largest = disagreement(context, graph)
    assert differing < 0.1
    assert largest < 1.5


def weights_of(content: bytes) -> list[NDArray[Any]]:
    model = onnx.load_model_from_string(content)
    return [value for value in arrays_of(model).values() if value.dtype == np.int8 and value.ndim > 1]


@pytest.mark.parametrize("kind", ["static_int8", "qat_int8"])
@pytest.mark.parametrize(("isa", "bits", "largest"), [("x86-vnni", 8, 127), ("x86", 8, 64), ("arm64", 4, 7)])
def test_weights_keep_to_their_bits_and_the_file_stays_in_integers(
    tiny_images: Path, make_context: MakeContext, kind: str, isa: str, bits: int, largest: int
) -> None:
    candidate: Mapping[str, Any] = {"kind": kind, "weight_bits": bits}
    if kind == "qat_int8":
        candidate = {**candidate, "recovery": {"epochs": 1}}
    context = make_context(tiny_images, CNN, target={"isa": isa}, candidates=[candidate], limits=ANY_ACCURACY)
    done = compress(context, silent)
    built = done.candidates[1]
    assert built.operators["QLinearConv"] == 2
    assert "Conv" not in built.operators
    weights = weights_of(done.built[built.name].path.read_bytes())
    assert len(weights) == 3
    assert largest - 1 <= max(int(np.abs(weight).max()) for weight in weights) <= largest


def test_training_on_the_grid_wins_back_what_few_bits_cost(tiny_images: Path, make_context: MakeContext) -> None:
    passes = [{"kind": kind, "weight_bits": 2} for kind in ("static_int8", "qat_int8")]
    context = make_context(tiny_images, CNN, candidates=passes, limits=ANY_ACCURACY)
    learned = context.recover(context.student, Recovery(epochs=15, learning_rate=0.02))
    context = CompressionContext(
        context.params, learned, context.data, context.directory, context.seed, context.recover
    )
    _, after, aware = compress(context, silent).candidates
    assert (after.name, aware.name) == ("static_int8_w2", "qat_int8_w2")
    assert aware.metrics["accuracy"] > after.metrics["accuracy"] + 0.05
    assert aware.parity < 0.2 < after.parity


def test_a_start_that_training_makes_worse_is_kept(tiny_images: Path, make_context: MakeContext) -> None:
    passes = ["static_int8", {"kind": "qat_int8", "recovery": {"epochs": 1}}]
    context = make_context(tiny_images, CNN, candidates=passes, limits=ANY_ACCURACY)
    object.__setattr__(context.recover, "_score", lambda _network: 2.0)
    _, static, aware = compress(context, silent).candidates
    assert aware.metrics["accuracy"] == static.metrics["accuracy"]


def test_a_student_that_froze_its_batch_norm_can_learn_on_the_grid_where_there_is_none(
    tiny_images: Path, make_context: MakeContext
) -> None:
    context = make_context(tiny_images, CNN, candidates=[{"kind": "qat_int8", "recovery": {"epochs": 1}}])
    frozen = context.recover.training.model_copy(update={"freeze_batch_norm": 0.5})  # type: ignore[attr-defined]
    object.__setattr__(context.recover, "training", frozen)
    assert "qat_int8" in [candidate.name for candidate in compress(context, silent).candidates]


def test_a_sequence_network_cannot_learn_in_int8(tiny_sequences: Path, make_context: MakeContext) -> None:
    lstm = Recurrent(kind="lstm", hidden=4)
    refused = compress(make_context(tiny_sequences, lstm, candidates=["qat_int8"]), silent).refused
    assert "no useful static int8 kernel for LSTM" in refused["qat_int8"]


def test_an_operator_without_a_gradient_here_is_refused_by_name() -> None:
    node = helper.make_node("Softsign", ["inputs"], ["logits"])
    model = helper.make_model(helper.make_graph([node], "g", [], []))
    with pytest.raises(NotPossibleError, match="knows no Softsign; take static_int8"):
        GraphNetwork(model, model, 8)


def test_objectives_on_layers_rest_while_a_graph_learns() -> None:
    hint = {"kind": "hint", "layers": [{"student": "stage1", "teacher": "hidden1"}]}
    both = without_layers(Distill.model_validate({"objectives": [{"kind": "dist"}, hint]}), "classification")
    assert [objective.kind for objective in both.objectives] == ["dist"]
    for task, other in (("classification", Kl(kind="kl")), ("embedding", Cosine(kind="cosine"))):
        alone = without_layers(Distill.model_validate({"objectives": [hint]}), task)
        assert alone.objectives == (other,)


def test_symmetric_weights_have_as_many_levels_above_zero_as_below() -> None:
    assert [weight_limit(bits) for bits in (8, 7, 4, 2)] == [127, 63, 7, 1]
