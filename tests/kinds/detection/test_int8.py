"""A detector that finds nothing in int8 does not ship: limits and gate refuse it, and a search finds one that may."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from params.compress import Compress, Target
from params.distill import Distill
from params.evaluate import Evaluate, Latency
from params.promote import Gate
from params.training import Training
from tasks.compress.compress import Compressed, compress
from tasks.compress.context import CompressionContext
from tasks.compress.recovery import Recoverer
from tasks.contracts.records import DataRecord
from tasks.contracts.scores import EvaluationRecord
from tasks.contracts.words import check_text, refusal_lines
from tasks.core.errors import RefusedError
from tasks.core.files import artefact_of
from tasks.core.progress import silent
from tasks.distill.teachers.teachers import LoadedTeacher, Teachers
from tasks.evaluate.evaluate import evaluate
from tasks.evaluate.model_under_test import ModelUnderTest, export_model
from tasks.models.build import Network
from tasks.registry.gate.gate_inputs import GateInputs
from tasks.registry.gate.judge import judge
from tasks.training.network import PreparedData, Trained
from tests.evaluate.report.made import evaluation

LARGER = 1000
"""how much larger one channel is than the others: in eight bits nothing is left of these"""
BESIDE = ("body.head.laterals.0", "body.head.smooth.0.0")
"""the layers before and behind that channel"""
INT8 = {"kind": "static_int8", "calibration": {"samples": 32}}
SEARCH = {"kind": "mixed_int8", "calibration": {"samples": 32}}
Compressing = Callable[..., Compressed]


@pytest.fixture(scope="module")
def uneven(teacher: Trained) -> Network:
    """A detector with a channel that is far larger than the others, and is made smaller again behind them.

    It answers as it did before. Such channels come of training, too (Nagel et al. 2019, arXiv:1906.04721, figure 2).
    """
    network = copy.deepcopy(teacher.network).eval()
    before, behind = f"{BESIDE[0]}.1", BESIDE[1]
    with torch.no_grad():
        channel = int(network.get_parameter(f"{before}.weight").argmax())
        for name in ("weight", "bias"):
            network.get_parameter(f"{before}.{name}")[channel] *= LARGER
        network.get_parameter(f"{behind}.weight")[channel] /= LARGER
    return network


@pytest.fixture
def compressing(uneven: Network, blobs: PreparedData, tmp_path: Path) -> Compressing:
    """(**section `compress`) -> what becomes of the candidates."""

    def done(**params: Any) -> Compressed:
        teachers = Teachers((LoadedTeacher(uneven, "t"),), blobs.data_digest, tmp_path / "soft-labels")
        recover = Recoverer(Training(epochs=1), Distill(), teachers, blobs, 0, lambda _epoch, _metrics: None)
        section = Compress.model_validate(params)
        return compress(CompressionContext(section, uneven, blobs, tmp_path, 0, recover), silent)

    return done


def test_an_int8_file_that_finds_nothing_is_not_chosen_and_the_search_ships_one_with_two_layers_in_float(
    uneven: Network, teacher: Trained, blobs: PreparedData, compressing: Compressing
) -> None:
    some = {"inputs": torch.from_numpy(blobs.splits.validation.gather(np.arange(4)).inputs["inputs"])}
    with torch.no_grad():
        assert torch.allclose(uneven(some)["classes"], teacher.network.eval()(some)["classes"], atol=1e-2)
    done = compressing(candidates=[INT8, SEARCH], limits={"below_student": {"ap50": 0.02}}, prefer="bytes")
    plain, collapsed, mixed = done.candidates
    assert plain.metrics["ap50"] > 0.5
    assert collapsed.metrics["recall"] < 0.1
    (broken,) = map(check_text, collapsed.broken)
    assert broken.line.startswith("`limits.below_student.ap50`: expected at most 0.02, got 0.")
    assert done.chosen == mixed.name == "mixed_int8"
    assert mixed.metrics["ap50"] > plain.metrics["ap50"] - 0.02
    assert mixed.onnx.size < plain.onnx.size
    graph = onnx.load(done.built["mixed_int8"].path).graph
    integers = {name for node in graph.node if node.op_type == "DequantizeLinear" for name in node.output}
    in_float = [node for node in graph.node if node.op_type == "Conv" and node.input[1] not in integers]
    stored = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    shapes = sorted(stored[node.input[1]] for node in in_float)
    assert shapes == sorted(tuple(layer.shape) for layer in _weights_of(uneven))


def _weights_of(network: Network) -> list[torch.Tensor]:
    return [network.get_parameter(f"{name}.weight") for name in (f"{BESIDE[0]}.0", BESIDE[1])]


def test_where_no_other_file_may_ship_the_run_ends_with_what_the_int8_file_finds(compressing: Compressing) -> None:
    with pytest.raises(RefusedError) as refused:
        compressing(candidates=[INT8], limits={"below_student": {"ap50": 0.02}, "bytes": 30_000})
    lines = str(refused.value).splitlines()
    (told,) = [line for line in lines if "`static_int8`" in line]
    assert "`limits.below_student.ap50`: expected at most 0.02, got 0." in told
    assert "(AP50 0." in told


def test_a_gate_refuses_what_a_recipe_without_limits_compressed(
    uneven: Network, blobs: PreparedData, compressing: Compressing, tmp_path: Path
) -> None:
    done = compressing(candidates=[INT8], limits={"below_student": {}}, prefer="bytes")
    assert done.chosen == "static_int8"
    student = export_model(uneven, tmp_path / "student.onnx", seed=0)
    path = done.built["static_int8"].path
    models = dict.fromkeys(("teacher", "baseline", "student"), student) | {
        "static_int8": ModelUnderTest(path, artefact_of(path), 1, 0.0)
    }
    params = Evaluate(resamples=100, latency=Latency(warmup=0, repeats=10, batch_size=2))
    found = evaluate(params, models, blobs, Target(), 0, silent)
    card = blobs.card
    record = evaluation().data.model_dump() | {"task": card.task, "input": card.input, "targets": card.targets}
    judged = evaluation(
        data=DataRecord.model_validate(record),
        scores=found.scores,
        gains=found.gains,
        constant=found.constant,
        deferral=None,
        chosen=done.chosen,
    )
    assert verdict(judged, quality={"recall": 0.4}) == [
        f"`quality.recall`: expected at least 0.4, got {judged.shipped.values['recall']:.4g}"
    ]
    (line,) = verdict(judged, below_teacher={"ap50": 0.02})
    assert line.startswith("`below_teacher.ap50`: expected at most 0.02, got 0.")
    sound = judged.model_copy(update={"chosen": "student"})
    assert verdict(sound, quality={"recall": 0.4}, below_teacher={"ap50": 0.02}) == []


def verdict(judged: EvaluationRecord, **limits: Any) -> list[str]:
    """Returns a line for each limit that does not hold."""
    gate = Gate(approval="automatic", better_than_constant=False, **limits)
    return [*refusal_lines(judge(gate, "staging", judged, None, GateInputs()))]
