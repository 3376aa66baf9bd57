import hashlib
import subprocess
import sys
import textwrap
from pathlib import Path

import onnx
import pytest
import torch
from torch import Tensor, nn

from params.models import Architecture, Cnn, ImportedArchitecture, Mlp, Recurrent, ResNet
from tasks.contracts.records import InputSpec
from tasks.core.errors import StageError
from tasks.models.build import Network, build_model
from tasks.models.export import export_onnx, parity
from tasks.runtime.bundle.session import Session
from tests.models.conftest import data_spec

IMAGE = InputSpec(layout="image", dtype="uint8", shape=(1, 8, 8))
SEQUENCE = InputSpec(layout="sequence", dtype="float32", shape=(9, 3))
VECTOR = InputSpec(layout="vector", dtype="float32", shape=(5,))
NETWORKS: dict[str, tuple[Architecture, InputSpec]] = {
    "cnn": (Cnn(kind="cnn", channels=(4, 8), dropout=0.1), IMAGE),
    "resnet": (ResNet(kind="resnet", widths=(4, 8)), IMAGE),
    "resnet for large pictures": (
        ResNet(kind="resnet", widths=(4, 8), inner=(3, 5), stem_stride=4),
        InputSpec(layout="image", dtype="uint8", shape=(1, 32, 32)),
    ),
    "mlp": (Mlp(kind="mlp", hidden=(6,)), VECTOR),
    "mlp on images": (Mlp(kind="mlp", hidden=(6,)), IMAGE),
    "lstm": (Recurrent(kind="lstm", hidden=5, layers=2, dropout=0.1), SEQUENCE),
    "gru": (Recurrent(kind="gru", hidden=5), SEQUENCE),
}


def network(architecture: Architecture, spec: InputSpec) -> Network:
    """With the statistics and norms of a trained network, so that nothing is multiplied by one or added to zero."""
    torch.manual_seed(0)
    model = build_model(architecture, data_spec(spec, 4, mean=7.0, std=3.0))
    for norm in model.modules():
        if isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d):
            for values in (norm.running_mean, norm.bias, norm.weight):
                assert values is not None
                nn.init.normal_(values)
    return model


@pytest.mark.parametrize("name", NETWORKS)
def test_file_computes_what_torch_computes_at_two_shapes(tmp_path: Path, name: str) -> None:
    architecture, spec = NETWORKS[name]
    model = network(architecture, spec)
    export_onnx(model, tmp_path / "model.onnx")
    assert model.training, "export puts the network back as it was"
    session = Session((tmp_path / "model.onnx").read_bytes())
    assert parity(model.eval(), session, seed=1) < 1e-5
    free = (None, None) if spec.layout == "sequence" else (None,)
    assert session.inputs["inputs"].shape == (*free, *spec.shape[len(free) - 1 :])
    assert session.inputs["inputs"].dtype == spec.dtype
    assert ("lengths" in session.inputs) == (spec.layout == "sequence")
    assert session.outputs["logits"].shape == (None, 4)


def test_parity_sees_a_changed_weight(tmp_path: Path) -> None:
    model = network(*NETWORKS["lstm"])
    export_onnx(model, tmp_path / "model.onnx")
    with torch.no_grad():
        next(model.parameters())[0, 0] += 0.5
    assert parity(model.eval(), Session((tmp_path / "model.onnx").read_bytes()), seed=1) > 1e-4


def test_graph_is_folded_and_says_nothing_of_where_it_was_made(tmp_path: Path) -> None:
    export_onnx(network(*NETWORKS["resnet"]), tmp_path / "model.onnx")
    content = (tmp_path / "model.onnx").read_bytes()
    operators = {node.op_type for node in onnx.load_from_string(content).graph.node}
    assert "BatchNormalization" not in operators
    assert "GlobalAveragePool" in operators
    assert b".py" not in content


@pytest.mark.parametrize("name", ["cnn", "lstm"])
def test_equal_weights_give_equal_bytes_in_two_processes(tmp_path: Path, name: str) -> None:
    architecture, spec = NETWORKS[name]
    export_onnx(network(architecture, spec), tmp_path / "here.onnx")
    code = f"""
        import importlib.util, pathlib
        found = importlib.util.spec_from_file_location("there", {__file__!r})
        there = importlib.util.module_from_spec(found)
        found.loader.exec_module(there)
        architecture, spec = there.NETWORKS[{name!r}]
        there.export_onnx(there.network(architecture, spec), pathlib.Path("there.onnx"))
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, cwd=tmp_path)
    digests = {hashlib.sha256((tmp_path / f"{where}.onnx").read_bytes()).hexdigest() for where in ("here", "there")}
    assert len(digests) == 1


class DecidesInPython(nn.Module):
    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        total = torch.zeros(len(frames), frames.shape[2])
        for place in range(frames.shape[1]):  # the tracer unrolls this once for ever
            total = total + frames[:, place]
        return torch.cat([total, total[:, :1]], dim=1)


class DependsOnValues(nn.Module):
    def forward(self, inputs: Tensor) -> Tensor:
        return inputs.flatten(1)[:, :4] if inputs.sum() > 0 else inputs.flatten(1)[:, 4:8]


def decides_in_python(input: InputSpec, outputs: int) -> nn.Module:  # noqa: A002
    return DecidesInPython() if input.layout == "sequence" else DependsOnValues()


@pytest.mark.parametrize("spec", [SEQUENCE, IMAGE], ids=["frozen frames", "branch on values"])
def test_network_that_cannot_be_exported_leaves_no_file(
    tmp_path: Path, spec: InputSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "own_module", sys.modules[__name__])
    architecture = ImportedArchitecture(kind="import", factory="own_module:decides_in_python")
    with pytest.raises(StageError, match=r"`model\.onnx`"):
        export_onnx(network(architecture, spec), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_export_is_silent(tmp_path: Path, capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder) -> None:
    for name in ("cnn", "gru"):
        architecture, spec = NETWORKS[name]
        export_onnx(network(architecture, spec), tmp_path / f"{name}.onnx")
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list
