"""A graph of TensorFlow.js as ONNX, against PyTorch with TensorFlow's padding written out."""

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
import torch
from numpy.typing import NDArray
from torch.nn.functional import conv2d, pad

from infra.convert_faceres import OUTPUTS, converted

Array = NDArray[np.float32]
SIDE = 224
RANDOM = np.random.default_rng(0)
ONES = ["1", "1", "1", "1"]


def weights() -> dict[str, Array]:
    shapes = {
        "conv/kernel": (3, 3, 3, 8),
        "conv/bias": (8,),
        "depth/kernel": (3, 3, 8, 1),
        "depth/scale": (8,),
        "depth/bias": (1, 1, 8),
        "point/kernel": (1, 1, 8, 1024),
        "point/bias": (1024,),
        "feats/kernel": (1024, 16),
        "feats/bias": (16,),
        "age/kernel": (16, 100),
        "age/bias": (100,),
        "gender/kernel": (16, 1),
        "gender/bias": (1,),
    }
    return {
        name: (RANDOM.normal(size=shape) * 0.2).astype(np.float16).astype(np.float32) for name, shape in shapes.items()
    }


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def node(name: str, op: str, *inputs: str, **attributes: Any) -> dict[str, Any]:
    return {"name": name, "op": op, "input": [*inputs], "attr": attributes}


def convolution(name: str, op: str, source: str, stride: int, padding: str = "SAME") -> dict[str, Any]:
    strides = {"list": {"i": ["1", str(stride), str(stride), "1"]}}
    said = {
        "padding": {"s": encoded(padding)},
        "data_format": {"s": encoded("NHWC")},
        "dilations": {"list": {"i": ONES}},
    }
    return node(name, op, source, f"{name.partition('/')[0]}/kernel", strides=strides, **said)


def clipped(name: str, source: str) -> list[dict[str, Any]]:
    return [
        node(f"{name}/relu", "Relu", source),
        node(f"{name}/low", "Minimum", f"{name}/relu", "six"),
        node(f"{name}/out", "Maximum", f"{name}/low", "zero"),
    ]


def dense(name: str, output: str, source: str, *fused: str) -> dict[str, Any]:
    ops = {"list": {"s": [encoded(one) for one in ("BiasAdd", *fused)]}}
    return node(output, "_FusedMatMul", source, f"{name}/kernel", f"{name}/bias", fused_ops=ops)


def graph(**changes: Any) -> list[dict[str, Any]]:
    return [
        node("input_1", "Placeholder"),
        convolution("conv/made", "Conv2D", "input_1", 2, **changes),
        node("conv/added", "Add", "conv/made", "conv/bias"),
        *clipped("conv", "conv/added"),
        convolution("depth/made", "DepthwiseConv2dNative", "conv/out", 2),
        node("depth/scaled", "Mul", "depth/made", "depth/scale"),
        node("depth/added", "Add", "depth/scaled", "depth/bias"),
        *clipped("depth", "depth/added"),
        convolution("point/made", "Conv2D", "depth/out", 1),
        node("point/added", "Add", "point/made", "point/bias"),
        *clipped("point", "point/added"),
        node("global_pooling/Mean", "Mean", "point/out", "axes", keep_dims={"b": False}),
        dense("feats", "feats/Relu", "global_pooling/Mean", "Relu"),
        dense("age", "age/BiasAdd", "feats/Relu"),
        dense("gender", "gender/BiasAdd", "feats/Relu"),
        node("age_pred/Softmax", "Softmax", "age/BiasAdd"),
        node("gender_pred/Sigmoid", "Sigmoid", "gender/BiasAdd"),
    ]


def written(values: Mapping[str, Array], nodes: list[dict[str, Any]]) -> tuple[dict[str, Any], bytes]:
    """Returns what lies in a `model.json` and its `.bin`: float16, but for the axes."""
    every: dict[str, Array] = {**values, "six": np.array(6, np.float32), "zero": np.array(0, np.float32)}
    specs: list[dict[str, Any]] = [
        {"name": name, "shape": [*one.shape], "dtype": "float32", "quantization": {"dtype": "float16"}}
        for name, one in every.items()
    ]
    specs.append({"name": "axes", "shape": [2], "dtype": "int32"})
    content = b"".join(one.astype(np.float16).tobytes() for one in every.values())
    constants = [node(spec["name"], "Const") for spec in specs]
    model = {"modelTopology": {"node": [*constants, *nodes]}, "weightsManifest": [{"weights": specs}]}
    return model, content + np.array([1, 2], np.int32).tobytes()


def expected(values: Mapping[str, Array], pictures: Array) -> list[Array]:
    given = {name: torch.from_numpy(one.copy()) for name, one in values.items()}
    maps = pad(torch.from_numpy(pictures).permute(0, 3, 1, 2), (0, 1, 0, 1))  # of an even side, behind alone
    maps = conv2d(maps, given["conv/kernel"].permute(3, 2, 0, 1), given["conv/bias"], stride=2).clamp(0, 6)
    maps = conv2d(pad(maps, (0, 1, 0, 1)), given["depth/kernel"].permute(2, 3, 0, 1), stride=2, groups=8)
    maps = (maps * given["depth/scale"].view(8, 1, 1) + given["depth/bias"].view(8, 1, 1)).clamp(0, 6)
    maps = conv2d(maps, given["point/kernel"].permute(3, 2, 0, 1), given["point/bias"]).clamp(0, 6)
    pooled = maps.mean((2, 3))
    feats = (pooled @ given["feats/kernel"] + given["feats/bias"]).relu()
    age = (feats @ given["age/kernel"] + given["age/bias"]).softmax(1)
    gender = (feats @ given["gender/kernel"] + given["gender/bias"]).sigmoid()
    return [one.numpy() for one in (pooled, age, gender)]


def test_the_file_answers_as_the_graph_does() -> None:
    values, pictures = weights(), RANDOM.normal(size=(2, SIDE, SIDE, 3)).astype(np.float32)
    content = converted(*written(values, graph())).SerializeToString()
    session = ort.InferenceSession(content, providers=["CPUExecutionProvider"])
    assert [one.name for one in session.get_outputs()] == [*OUTPUTS]
    for got, want in zip(session.run(None, {"input_1": pictures}), expected(values, pictures), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-6)


def test_equal_graphs_give_equal_bytes() -> None:
    model, content = written(weights(), graph())
    files = [converted(model, content).SerializeToString(deterministic=True) for _ in range(2)]
    assert files[0] == files[1]


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        (graph(padding="VALID"), "conv/made: expected `SAME`"),
        (
            [node("input_1", "Placeholder"), node("odd", "Elu", "input_1")],
            "odd: expected one of Placeholder, .* got Elu",
        ),
    ],
)
def test_what_is_not_known_is_refused_by_name(nodes: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        converted(*written(weights(), nodes))


def test_weights_that_are_left_over_are_refused() -> None:
    model, content = written(weights(), graph())
    with pytest.raises(ValueError, match="as many weights as are listed"):
        converted(model, content + b"\0")
