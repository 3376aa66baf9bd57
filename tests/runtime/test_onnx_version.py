"""A bundle says which versions of ONNX it needs, and a device with an older ONNX Runtime says so before it switches."""

import hashlib
import json
from collections.abc import Callable

import onnx
import onnxruntime
import pytest

from tasks.runtime.bundle.manifest import OnnxVersion
from tasks.runtime.bundle.onnx_version import is_known_here, onnx_version
from tasks.runtime.device import Device
from tasks.runtime.errors import ModelError, OldRuntimeError
from tests.runtime.devices import answer
from tests.runtime.tuf_world import Files, World

MakeBundle = Callable[..., Files]
FUTURE = OnnxVersion(99, 99)


def of_the_future(files: Files) -> Files:
    """The bundle as a maker with a newer ONNX writes it."""
    model = onnx.load_from_string(files["model.onnx"])
    model.ir_version, model.opset_import[0].version = FUTURE.ir, FUTURE.opset
    content = model.SerializeToString()
    manifest = json.loads(files["manifest.json"])
    for file in manifest["files"]:
        if file["name"] == "model.onnx":
            file |= {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    manifest["onnx"] = {"opset": FUTURE.opset, "ir": FUTURE.ir}
    return {**files, "model.onnx": content, "manifest.json": json.dumps(manifest).encode()}


def test_the_versions_are_those_in_the_file(make_model: Callable[..., bytes], make_bundle: MakeBundle) -> None:
    for model in (make_model(), make_model(sequence=True)):
        assert onnx_version(model) == OnnxVersion(20, 10)
    read = onnx.load_from_string(make_model())
    read.opset_import.add(domain="com.microsoft", version=1)
    assert onnx_version(read.SerializeToString()) == OnnxVersion(20, 10)
    assert json.loads(make_bundle("one")["manifest.json"])["onnx"] == {"opset": 20, "ir": 10}


@pytest.mark.parametrize("content", [b"", b"no ONNX", b"\xff" * 30, b"\x08\x0a"])
def test_what_is_no_onnx_is_said_to_be_none(content: bytes) -> None:
    with pytest.raises(ModelError, match=r"`model\.onnx`: expected an ONNX file"):
        onnx_version(content)


def test_the_runtime_here_knows_what_it_runs_and_not_the_future() -> None:
    assert is_known_here(OnnxVersion(20, 10))
    for version in (OnnxVersion(20, 99), OnnxVersion(99, 10), OnnxVersion(10**9, 10)):
        assert not is_known_here(version)


def test_a_device_that_is_too_old_says_so_and_keeps_its_release(
    device: Device, world: World, make_bundle: MakeBundle
) -> None:
    world.publish(of_the_future(make_bundle("two")), 2)
    with pytest.raises(OldRuntimeError, match="knows opset 99 and IR version 99 of ONNX") as refusal:
        device.update()
    assert f"got onnxruntime {onnxruntime.__version__}; update it" in str(refusal.value)
    assert answer(device) == "one"
    assert device.home.held_out() is None
    world.publish(make_bundle("three"), 3)
    device.update()
    assert answer(device) == "three"
