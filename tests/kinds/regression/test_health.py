"""A teacher of numbers that is read wrongly stops a run before anything learns from it."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from params.models import Mlp
from params.training import Training
from tasks.core.errors import DataError, StageError
from tasks.core.progress import silent
from tasks.distill.teachers.fitness import require_fitness
from tasks.distill.teachers.teacher_kind import kind_of
from tasks.distill.teachers.train import train
from tasks.kinds.contract import Floats
from tasks.training.network import PreparedData
from tests.distill.teachers.conftest import World, section


@pytest.fixture
def world(heat: PreparedData, tmp_path: Path) -> World:
    """The table, and a folder for teachers of it."""
    network = Mlp(kind="mlp", hidden=(4,))
    return World(tmp_path, heat, train(network, Training(epochs=1), heat, 0, silent, lambda _epoch, _metrics: None))


def write_graph(path: Path, values: Floats) -> None:
    """Writes a graph whose outputs, for three times its input, are a distribution around it over `values`."""
    tensors: dict[str, list[float]] = {"values": values.tolist(), "three": [3.0], "sharp": [-0.5]}
    steps: tuple[tuple[str, list[str] | None], ...] = (
        ("Mul", ["wind", "three"]),
        ("Sub", ["values"]),
        ("Mul", None),
        ("Mul", ["sharp"]),
        ("Softmax", []),
    )
    nodes, last = [], ""
    for number, (operator, further) in enumerate(steps):
        inputs = [last, last] if further is None else further if not last else [last, *further]
        last = f"step {number}"
        nodes.append(helper.make_node(operator, inputs, [last]))
    graph = helper.make_graph(
        nodes,
        "heat",
        [helper.make_tensor_value_info("wind", TensorProto.FLOAT, ["n", 1])],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, ["n", len(values)])],
        [helper.make_tensor(name, TensorProto.FLOAT, [len(some)], some) for name, some in tensors.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)


def fit(world: World, values: Floats, **said: Any) -> Any:
    write_graph(world.folder / "t.onnx", values)
    teacher = section(**{"kind": "onnx", "file": "t.onnx", "gives": "probabilities", **said})
    work = world.work()
    return require_fitness(teacher, kind_of(teacher).make(teacher, work), work)


def test_a_teacher_that_is_read_rightly_is_measured(world: World) -> None:
    found = fit(world, np.linspace(0, 30, 16))
    assert found.metrics["r2"] > 0.99
    assert found.metrics["mae"] < 0.1
    assert found.warnings == ()


def test_outputs_from_the_last_to_the_first_are_named(world: World) -> None:
    with pytest.raises(StageError, match=r"^`teacher`: expected outputs that stand for values in rising order"):
        fit(world, np.linspace(30, 0, 16))


def test_outputs_of_another_range_are_named_with_the_likely_one(world: World) -> None:
    with pytest.raises(StageError, match=r"if they stand for values from -?\d+.* are `data\.regression\.low`"):
        fit(world, np.linspace(0, 90, 16))


def test_probabilities_that_are_said_to_be_logits_are_named(world: World) -> None:
    with pytest.raises(DataError, match=r"say `gives: probabilities`"):
        fit(world, np.linspace(0, 30, 16), gives="logits")
