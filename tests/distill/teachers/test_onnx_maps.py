"""An ONNX file that answers for each place of a picture, of one class alone: the rest is the background."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

from params.models import Separable
from params.training import Training
from tasks.core.errors import DataError
from tasks.core.progress import silent
from tasks.distill.teachers.graphs.graph import Graph
from tasks.distill.teachers.onnx import OnnxAnswerer
from tasks.distill.teachers.teacher_kind import kind_of
from tasks.distill.teachers.train import train
from tests.distill.teachers.conftest import World, section
from tests.kinds.segmentation.conftest import SEPARABLE, prepared

WRITING = {"kind": "writing", "pictures": 12, "side": 48}
READER: dict[str, Any] = {
    "kind": "image_masks",
    "images": "images",
    "masks": "masks",
    "size": [48, 48],
    "classes": {"background": 0, "text": 1},
}


def write_graph(path: Path, size: int | str, channels: int = 1) -> None:
    """Writes a graph whose maps are the logistic function of the mean of the colours, over 100."""
    nodes = [
        helper.make_node("ReduceMean", ["pixels", "axes"], ["grey"], keepdims=1),
        helper.make_node("Div", ["grey", "hundred"], ["scores"]),
        helper.make_node("Sigmoid", ["scores"], ["one"]),
        helper.make_node("Concat", ["one"] * channels, ["map"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "grey",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["n", 3, size, size])],
        [helper.make_tensor_value_info("map", TensorProto.FLOAT, ["n", channels, size, size])],
        [
            helper.make_tensor("axes", TensorProto.INT64, [1], [1]),
            helper.make_tensor("hundred", TensorProto.FLOAT, [1], [100.0]),
        ],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Pictures of writing, and a folder for teachers of them."""
    folder = tmp_path_factory.mktemp("maps")
    data = prepared(folder, WRITING, READER)
    network, budget = Separable.model_validate(SEPARABLE), Training(epochs=1)
    return World(folder, data, train(network, budget, data, 0, silent, lambda _epoch, _metrics: None))


def made(world: World, **said: Any) -> OnnxAnswerer:
    teacher = section(**{"kind": "onnx", "file": "t.onnx", "gives": "probabilities", "rest": True, **said})
    found = kind_of(teacher).make(teacher, world.work()).network
    assert isinstance(found, OnnxAnswerer)
    return found


def test_the_map_of_one_class_is_that_of_two(world: World) -> None:
    write_graph(world.folder / "t.onnx", "side")
    pictures = torch.from_numpy(next(world.data.splits.validation.batches(2)).inputs["inputs"])
    answered = made(world).ask({"inputs": pictures})["logits"]
    assert answered.shape == (len(pictures), 2, 48, 48)
    text = torch.sigmoid(pictures.float().mean(dim=1) / 100)
    torch.testing.assert_close(torch.softmax(answered, dim=1)[:, 1], text)


def test_a_map_of_another_size_is_resized_to_that_of_the_masks(world: World) -> None:
    write_graph(world.folder / "t.onnx", 96)
    pictures = torch.from_numpy(next(world.data.splits.validation.batches(2)).inputs["inputs"])
    assert made(world, size=[96, 96]).ask({"inputs": pictures})["logits"].shape == (len(pictures), 2, 48, 48)


def test_classes_say_which_map_is_which_where_their_order_is_another(world: World) -> None:
    write_graph(world.folder / "t.onnx", "side")
    pictures = torch.from_numpy(next(world.data.splits.validation.batches(2)).inputs["inputs"])
    straight = made(world).ask({"inputs": pictures})["logits"]
    turned = made(world, classes=["text", "background"]).ask({"inputs": pictures})["logits"]
    torch.testing.assert_close(turned, straight.flip(1))


def test_one_map_alone_is_told_to_lack_a_class(world: World) -> None:
    write_graph(world.folder / "t.onnx", "side")
    with pytest.raises(DataError, match=r"expected 2 outputs, one for each name of the data, got 1"):
        made(world, rest=False)


def test_maps_that_do_not_add_up_to_1_are_refused_at_their_place(world: World) -> None:
    write_graph(world.folder / "t.onnx", "side", channels=2)
    with pytest.raises(DataError, match=r"expected probabilities that sum to 1.*say `gives: logits`"):
        made(world, rest=False)


def test_the_rest_is_of_probabilities_alone() -> None:
    with pytest.raises(ValueError, match="`rest` goes with `gives: probabilities`"):
        section(kind="onnx", file="t.onnx", rest=True)


def test_a_graph_of_maps_is_asked_in_batches_of_any_size(world: World) -> None:
    write_graph(world.folder / "t.onnx", "side")
    pictures = torch.from_numpy(next(world.data.splits.train.batches(5)).inputs["inputs"])
    whole, few = (made(world, batch=size).ask({"inputs": pictures})["logits"] for size in (None, 2))
    np.testing.assert_allclose(whole, few, rtol=1e-6)
    assert Graph(world.folder / "t.onnx").outputs["map"].shape[1] == 1
