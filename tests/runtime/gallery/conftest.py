"""Devices whose model gives vectors: the direction of a picture's pixels, plus 1, in an order of the model's own."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from tasks.runtime.bundle.bundle import golden_of, write_bundle
from tasks.runtime.bundle.manifest import VerifyRules
from tasks.runtime.bundle.session import Session
from tasks.runtime.device import Device
from tests.runtime.conftest import FACTS
from tests.runtime.devices import set_up
from tests.runtime.tuf_world import Files, World

Picture = NDArray[np.uint8]
THRESHOLD = 0.9
VERIFY = VerifyRules(THRESHOLD, far=0.001)
SIDE = 4
MakeRelease = Callable[..., Files]


def directions(order: int = 0, length: float = 1.0, side: int = SIDE) -> bytes:
    """A model of pictures (batch, 1, side, side) uint8; pixels are turned by `order` places."""
    size = side * side
    taken = helper.make_tensor_value_info("inputs", TensorProto.UINT8, ["batch", 1, side, side])
    nodes = [
        helper.make_node("Cast", ["inputs"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["float"], ["pixels"]),
        helper.make_node("Add", ["pixels", "one"], ["flat"]),  # so that black has a direction, too
        helper.make_node("MatMul", ["flat", "turned"], ["vector"]),
        helper.make_node("LpNormalization", ["vector"], ["direction"], axis=1, p=2),
        helper.make_node("Mul", ["direction", "length"], ["embedding"]),
    ]
    constants = [
        numpy_helper.from_array(np.roll(np.eye(size, dtype=np.float32), order, axis=1), "turned"),
        numpy_helper.from_array(np.array(1, np.float32), "one"),
        numpy_helper.from_array(np.array(length, np.float32), "length"),
    ]
    given = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", size])
    graph = helper.make_graph(nodes, "directions", [taken], [given], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


def picture(seed: int, side: int = SIDE) -> Picture:
    """A picture (1, 1, side, side); those of two seeds are far from one another."""
    return np.random.default_rng(seed).integers(0, 256, (1, 1, side, side)).astype(np.uint8)


def like(one: Picture, seed: int = 0) -> Picture:
    """Another picture of the same: some noise, which the threshold allows for."""
    noise = np.random.default_rng(seed).integers(-12, 13, one.shape)
    return np.clip(one.astype(int) + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def make_release(tmp_path_factory: pytest.TempPathFactory) -> MakeRelease:
    """Makes the files of a bundle."""

    def make(order: int = 0, verify: VerifyRules | None = VERIFY, length: float = 1.0, side: int = SIDE) -> Files:
        model = directions(order, length, side)
        golden = golden_of(Session(model), {"inputs": np.concatenate([picture(seed, side) for seed in range(3)])})
        directory = tmp_path_factory.mktemp("made") / "bundle"
        targets = {"names": [], "facts": {"width": side * side}}
        write_bundle(directory, replace(FACTS, task="embedding", targets=targets, verify=verify), model, golden)
        return {path.name: path.read_bytes() for path in directory.iterdir()}

    return make


@pytest.fixture
def world(make_release: MakeRelease) -> World:
    world = World()
    world.publish(make_release(), 1)
    return world


@pytest.fixture
def device(tmp_path: Path, world: World) -> Device:
    """Runs version 1, whose vectors are pictures' pixels in their order."""
    device = set_up(tmp_path / "home", world)
    device.update()
    return device
