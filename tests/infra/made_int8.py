"""A bundle with an int8 network for arm64 that knows real digits, made in a second."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional

from tasks.runtime.bundle.bundle import Facts, golden_of, write_bundle
from tasks.runtime.bundle.manifest import Processor
from tasks.runtime.bundle.session import Session

Pictures = NDArray[np.uint8]


class Digits(nn.Module):
    """Two convolutions and a linear layer; widths at which the fast kernels of processors without VNNI saturate."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 64, 3, padding=1), nn.ReLU(), nn.Conv2d(64, 64, 3, padding=1), nn.ReLU(), nn.Flatten()
        )
        self.last = nn.Linear(64 * 64, 10)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.last(self.layers(inputs.float() / 16))
        return logits


class Shown(CalibrationDataReader):  # type: ignore[misc]  # no types there
    """Some pictures, one after the other."""

    def __init__(self, pictures: Pictures) -> None:
        self.left = [{"inputs": picture[np.newaxis]} for picture in pictures]

    def get_next(self) -> Any:
        return self.left.pop() if self.left else None


def digits() -> Pictures:
    found: Pictures = load_digits().images[:, np.newaxis].astype(np.uint8)
    return found


def made_int8(folder: Path, *, unsigned: bool) -> tuple[Path, dict[str, NDArray[Any]]]:
    """Returns a bundle and the inputs of samples that it did not learn from.

    Args:
        folder: an empty one.
        unsigned: activations as unsigned bytes, as x86 takes them; with signed weights their sums may saturate there.
    """
    torch.manual_seed(0)
    pictures, labels = digits(), torch.from_numpy(load_digits().target)
    network, order = Digits(), torch.arange(1200)
    learner = torch.optim.Adam(network.parameters(), 2e-3)
    for _ in range(3):
        for rows in order.split(64):  # type: ignore[no-untyped-call]
            loss = functional.cross_entropy(network(torch.from_numpy(pictures[:1200])[rows]), labels[rows])
            learner.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            learner.step()
    exported, path = folder / "fp32.onnx", folder / "int8.onnx"
    sample = (torch.from_numpy(pictures[:1]),)
    torch.onnx.export(
        network.eval(),
        sample,
        exported,
        input_names=["inputs"],
        output_names=["logits"],
        dynamo=False,
        dynamic_axes={"inputs": {0: "batch"}, "logits": {0: "batch"}},
    )
    activations = QuantType.QUInt8 if unsigned else QuantType.QInt8
    quantize_static(
        exported,
        path,
        Shown(pictures[:200]),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=activations,
        weight_type=QuantType.QInt8,
    )
    onnx.checker.check_model(str(path))
    content = path.read_bytes()
    golden = golden_of(Session(content), {"inputs": pictures[1200:1216]})
    card = {"names": [f"{number}" for number in range(10)], "facts": {}}
    facts = Facts(
        name="digits",
        task="classification",
        targets=card,
        preprocessing={"kind": "arrays"},
        layout="image",
        target=Processor("arm64", 1),
        data_version="v",
        fingerprint="f",
        created="2026-01-01T00:00:00+00:00",
        tolerance=0.5,
    )
    write_bundle(folder / "bundle", facts, content, golden)
    return folder / "bundle", {"inputs": pictures[1216:]}
