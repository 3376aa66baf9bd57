from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tasks.contracts.records import InputSpec
from tasks.runtime.bundle.bundle import Facts, Golden, golden_of, write_bundle
from tasks.runtime.bundle.manifest import Processor
from tasks.runtime.bundle.session import Session
from tasks.runtime.device import Device
from tasks.runtime.preprocess.preprocessor import ARRAYS
from tests.runtime.devices import set_up
from tests.runtime.tuf_world import Files, World


def linear_model(sequence: bool = False) -> bytes:
    """A picture (batch, 1, 2, 2) uint8, or frames (batch, frames, 4) float32 with lengths, times a matrix."""
    weight = numpy_helper.from_array(np.arange(12, dtype=np.float32).reshape(4, 3), "weight")
    if sequence:
        inputs = [
            helper.make_tensor_value_info("inputs", TensorProto.FLOAT, ["batch", "frames", 4]),
            helper.make_tensor_value_info("lengths", TensorProto.INT64, ["batch"]),
        ]
        nodes = [
            helper.make_node("ReduceSum", ["inputs", "axis"], ["total"], keepdims=0),
            helper.make_node("Cast", ["lengths"], ["count"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["count", "axis"], ["column"]),
            helper.make_node("Div", ["total", "column"], ["vector"]),
        ]
        constants = [weight, numpy_helper.from_array(np.array([1]), "axis")]
    else:
        inputs = [helper.make_tensor_value_info("inputs", TensorProto.UINT8, ["batch", 1, 2, 2])]
        nodes = [
            helper.make_node("Cast", ["inputs"], ["float"], to=TensorProto.FLOAT),
            helper.make_node("Flatten", ["float"], ["vector"]),
        ]
        constants = [weight]
    nodes.append(helper.make_node("MatMul", ["vector", "weight"], ["logits"]))
    output = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 3])
    graph = helper.make_graph(nodes, "linear", inputs, [output], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


def mean_model(spec: InputSpec) -> bytes:
    """A model of the kind that a bundle holds: the mean of all values, times a row."""
    dtype = {"uint8": TensorProto.UINT8, "float32": TensorProto.FLOAT}[spec.dtype]
    sequence = spec.layout == "sequence"
    shape: list[str | int | None] = ["batch", "frames", spec.shape[1]] if sequence else ["batch", *spec.shape]
    inputs = [helper.make_tensor_value_info("inputs", dtype, shape)]
    nodes = [
        helper.make_node("Cast", ["inputs"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["float", "axes"], ["mean"], keepdims=0),
        helper.make_node("Unsqueeze", ["mean", "last"], ["column"]),
        helper.make_node("MatMul", ["column", "row"], ["logits" if not sequence else "unscaled"]),
    ]
    if sequence:
        inputs.append(helper.make_tensor_value_info("lengths", TensorProto.INT64, ["batch"]))
        nodes += [
            helper.make_node("Cast", ["lengths"], ["count"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["count", "last"], ["counts"]),
            helper.make_node("Div", ["unscaled", "counts"], ["logits"]),
        ]
    constants = [
        numpy_helper.from_array(np.arange(1, len(shape)), "axes"),
        numpy_helper.from_array(np.array([1]), "last"),
        numpy_helper.from_array(np.array([[1, 3, 2]], dtype=np.float32), "row"),
    ]
    output = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 3])
    graph = helper.make_graph(nodes, "linear", inputs, [output], constants)
    content: bytes = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10
    ).SerializeToString()
    onnx.checker.check_model(content)
    return content


FACTS = Facts(
    name="tiny",
    task="classification",
    targets={"names": ["ash", "birch", "cédre"], "facts": {}},
    preprocessing=ARRAYS,
    layout="image",
    target=Processor("x86-vnni", 1),
    data_version="0" * 32,
    fingerprint="1" * 64,
    created="2026-11-24T00:00:00+00:00",
    tolerance=1e-4,
)


@pytest.fixture
def golden() -> Golden:
    pictures = np.random.default_rng(0).integers(0, 255, (5, 1, 2, 2)).astype(np.uint8)
    return golden_of(Session(linear_model()), {"inputs": pictures})


@pytest.fixture
def bundle(tmp_path: Path, golden: Golden) -> Path:
    directory = tmp_path / "bundle"
    write_bundle(directory, FACTS, linear_model(), golden, {"model-card.md": b"# tiny\n"})
    return directory


@pytest.fixture
def make_model() -> Callable[..., bytes]:
    return linear_model


@pytest.fixture
def facts() -> Facts:
    return FACTS


MakeBundle = Callable[..., Files]


@pytest.fixture(scope="session")
def make_bundle(tmp_path_factory: pytest.TempPathFactory) -> MakeBundle:
    """Makes the files of a bundle whose labels all say `word`, so that an answer tells which release gave it."""

    def make(word: str, logits_off: float = 0, **facts: object) -> Files:
        session = Session(linear_model())
        golden = golden_of(session, {"inputs": np.arange(20, dtype=np.uint8).reshape(5, 1, 2, 2)})
        golden = replace(golden, outputs={"logits": golden.outputs["logits"] + np.float32(logits_off)})
        targets = {"names": [f"{word} {place}" for place in range(3)], "facts": {}}
        directory = tmp_path_factory.mktemp("made") / "bundle"
        write_bundle(directory, replace(FACTS, targets=targets, **facts), linear_model(), golden)  # type: ignore[arg-type]
        return {path.name: path.read_bytes() for path in directory.iterdir()}

    return make


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def device(tmp_path: Path, world: World, make_bundle: MakeBundle) -> Device:
    """Runs release one."""
    world.publish(make_bundle("one"), 1)
    device = set_up(tmp_path / "home", world)
    device.update()
    return device
