"""Every pass on a student that answers several questions, each with an output of its own."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from onnx import ModelProto, helper, numpy_helper

from params.models import Architecture, Cnn, Mlp, Recurrent
from tasks.compress.compress import compress
from tasks.compress.context import CompressionContext
from tasks.compress.quantization.graph_network import GraphNetwork
from tasks.compress.quantization.graph_nodes import arrays_of
from tasks.compress.quantization.onnx_int8 import in_bytes
from tasks.core.progress import silent
from tasks.kinds.contract import Arrays
from tasks.runtime.bundle.session import Session
from tasks.training.predict import predict
from tests.compress.conftest import MakeContext
from tests.compress.test_qat import graph_of, lived

CNN = Cnn(kind="cnn", channels=(8, 16))
MLP = Mlp(kind="mlp", hidden=(32, 16))
LSTM = Recurrent(kind="lstm", hidden=16, layers=2)
OUTPUTS = {"logits": 3, "logits.half": 2}
SHORT = {"recovery": {"epochs": 1}}
FILES: list[Any] = ["fp16", "static_int8", "mixed_int8", {"kind": "qat_int8", **SHORT}]
NETWORKS: list[Any] = [{"kind": "prune", **SHORT}, {"kind": "sparsify", **SHORT}]
LOW_RANK = {"kind": "low_rank", "energy": 0.6, **SHORT}
LIMITS = {"below_student": {"accuracy": 1.0}}


def answers(context: CompressionContext, session: Session) -> Arrays:
    parts = [session.predict(some.inputs) for some in context.validation.batches()]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


@pytest.mark.parametrize(
    ("data", "architecture", "candidates"),
    [
        ("tiny_heads", CNN, [*FILES, *NETWORKS]),
        ("tiny_heads", MLP, ["dynamic_int8", LOW_RANK]),
        ("tiny_sequence_heads", LSTM, ["fp16", "dynamic_int8", *NETWORKS, LOW_RANK]),
    ],
    ids=["cnn", "mlp", "lstm"],
)
def test_a_file_of_each_pass_has_every_output_and_answers_as_its_network_does(
    data: str, architecture: Architecture, candidates: list[Any], request: Any, make_context: MakeContext
) -> None:
    context = make_context(request.getfixturevalue(data), architecture, candidates=candidates, limits=LIMITS)
    done = compress(context, silent)
    assert done.refused == {}
    for candidate in done.candidates:
        built = done.built[candidate.name]
        file = answers(context, Session(built.path.read_bytes()))
        expected = predict(built.reference, context.validation)
        assert {name: values.shape[1] for name, values in file.items()} == OUTPUTS
        for name, values in expected.items():
            allowed = 2 * candidate.tolerance * max(1.0, float(np.abs(values).max()))
            assert float(np.abs(file[name] - values).max()) < allowed, (candidate.name, name)


def sliced(*constants: list[int]) -> ModelProto:
    """Returns a model that cuts `inputs` (batch, 6, 5) by starts, ends, and axes and steps where they are given."""
    names = ["starts", "ends", "axes", "steps"][: len(constants)]
    stored = [numpy_helper.from_array(np.array(value), name) for name, value in zip(names, constants, strict=True)]
    graph = helper.make_graph(
        [helper.make_node("Slice", ["inputs", *names], ["logits"])],
        "sliced",
        [helper.make_tensor_value_info("inputs", onnx.TensorProto.FLOAT, ["batch", 6, 5])],
        [helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, None)],
        stored,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


@pytest.mark.parametrize(
    "constants",
    [
        ([0, 1], [3, 4]),
        ([2], [2**63 - 1], [1]),
        ([-4, 1], [-1, 9], [-1, 1]),
        ([0, 1], [6, 5], [1, 2], [2, 3]),
    ],
    ids=["first axes", "to the end", "from the end", "steps"],
)
def test_torch_cuts_as_onnx_runtime_does(constants: tuple[list[int], ...]) -> None:
    model = sliced(*constants)
    inputs = np.arange(120, dtype=np.float32).reshape(4, 6, 5)
    expected = ort.InferenceSession(model.SerializeToString()).run(None, {"inputs": inputs})[0]
    got = GraphNetwork(model, model, 8)(torch.from_numpy(inputs))["logits"]
    np.testing.assert_array_equal(got.numpy(), expected)


def test_a_graph_that_learns_answers_every_question_as_its_file_does(
    tiny_heads: Path, make_context: MakeContext
) -> None:
    context = make_context(tiny_heads, CNN)
    lived(context)
    graph = graph_of(context)
    written = graph.in_integers()
    scales = [value for name, value in arrays_of(written).items() if name.endswith("_scale") and not value.ndim]
    step = float(max(scales))
    file = answers(context, Session(in_bytes(written)))
    inputs = torch.from_numpy(context.validation.gather(np.arange(len(context.validation))).inputs["inputs"]).float()
    with torch.no_grad():
        network = graph(inputs)
    assert network.keys() == file.keys() == OUTPUTS.keys()
    for name, values in network.items():
        apart = np.abs(file[name] - values.numpy())
        assert float((apart > step / 2).mean()) < 0.1
        assert float(apart.max()) < 1.5 * step
