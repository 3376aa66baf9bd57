from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from params.models import EfficientNetLite
from tasks.contracts.records import InputSpec
from tasks.core.errors import RecipeError
from tasks.models.architectures.efficientnet_lite import published_name
from tasks.models.build import Network, build_model, count_parameters
from tasks.models.export import export_onnx
from tasks.models.layers import layer_shapes
from tests.models.conftest import data_spec

PICTURE = InputSpec(layout="image", dtype="uint8", shape=(3, 64, 64))


def network(outputs: int = 1000, spec: InputSpec = PICTURE, **given: Any) -> Network:
    architecture = EfficientNetLite.model_validate({"kind": "efficientnet_lite", **given})
    with torch.device("meta") if outputs == 1000 else torch.device("cpu"):
        return build_model(architecture, data_spec(spec, outputs, mean=127.0, std=64.0))


@pytest.mark.parametrize(("size", "millions"), [(0, 4.7), (1, 5.4), (2, 6.1), (3, 8.2), (4, 13.0)])
def test_sizes_are_the_published_ones(size: int, millions: float) -> None:
    # Liu and Tan 2020, the TensorFlow team's table: millions of parameters with 1,000 classes
    assert count_parameters(network(size=size)) / 1e6 == pytest.approx(millions, abs=0.06)


def test_each_stage_may_be_named_and_a_short_network_ends_behind_its_last_one() -> None:
    short = network(stages=4, last_blocks=1, outputs=5)
    shapes = layer_shapes(short)
    assert _blocks(short) == [1, 2, 2, 1]
    assert str(shapes["stage1"]) == "16x32x32"
    assert str(shapes["stage4"]) == "80x4x4"
    assert "top" not in shapes
    assert str(shapes["head.linear"]) == "5"


def test_a_first_stage_that_takes_every_second_pixel_says_of_those_what_the_published_one_says() -> None:
    whole, half = (network(stages=2, last_blocks=1, stage1_stride=stride, outputs=5).eval() for stride in (1, 2))
    half.load_state_dict(whole.state_dict())
    picture = torch.randn(2, 3, 64, 64)
    said, all_said = (
        short.body.get_submodule("stage1")(short.body.get_submodule("stem")(picture)) for short in (half, whole)
    )
    assert torch.allclose(said, all_said[:, :, 1::2, 1::2], atol=1e-6)
    assert not torch.allclose(said, all_said[:, :, ::2, ::2], atol=1e-2)


def test_the_last_few_stages_may_have_as_many_blocks_as_one_likes() -> None:
    assert _blocks(network(stages=4, outputs=5)) == [1, 2, 2, 3]
    assert _blocks(network(stages=4, last_blocks=[1, 2], outputs=5)) == [1, 2, 1, 2]
    assert _blocks(network(stages=3, last_blocks=[2, 1, 4], outputs=5)) == [2, 1, 4]


def _blocks(short: Network) -> list[int]:
    return [len(stage) for name, stage in short.body.named_children() if name.startswith("stage")]  # type: ignore[arg-type]


@pytest.mark.parametrize("written", [None, 1, [1, 2, 2]])
def test_blocks_are_recorded_as_a_recipe_says_them(written: object) -> None:
    given = {"kind": "efficientnet_lite", "size": 0, "stages": 4, "stage1_stride": 2, "dropout": 0.0}
    architecture = EfficientNetLite.model_validate({**given, "last_blocks": written})
    recorded = architecture.model_dump(mode="json")
    assert recorded == {**given, "last_blocks": written}
    assert EfficientNetLite.model_validate(recorded) == architecture


def test_a_stage_too_many_is_refused() -> None:
    with pytest.raises(ValidationError, match="stages"):
        network(stages=8)
    with pytest.raises(ValidationError, match="more numbers of `last_blocks` than the 2 stages"):
        network(stages=2, last_blocks=[1, 1, 1])
    with pytest.raises(ValidationError, match="last_blocks"):
        network(stages=2, last_blocks=0)


def test_every_tensor_but_the_head_has_a_published_name_and_no_two_the_same() -> None:
    own = network()
    names = {name: published_name(name, EfficientNetLite(kind="efficientnet_lite")) for name in own.body.state_dict()}
    unnamed = {name for name, theirs in names.items() if theirs is None}
    assert all(name.startswith("head.") or name.endswith("num_batches_tracked") for name in unnamed)
    named = [theirs for theirs in names.values() if theirs]
    assert len(named) == len(set(named))
    assert names["stage3.1.path.project.convolution.weight"] == "_blocks.4._project_conv.weight"


def test_blocks_that_are_left_out_do_not_move_the_published_names_of_those_behind_them() -> None:
    short = EfficientNetLite(kind="efficientnet_lite", stages=3, last_blocks=(1, 1))
    assert published_name("stage3.0.path.project.convolution.weight", short) == "_blocks.3._project_conv.weight"


def test_what_is_exported_computes_the_same(tmp_path: Path) -> None:
    export_onnx(network(stages=3, outputs=4), tmp_path / "model.onnx")
    assert (tmp_path / "model.onnx").is_file()


def test_it_is_for_pictures() -> None:
    with pytest.raises(RecipeError, match="efficientnet_lite"):
        network(outputs=2, spec=InputSpec(layout="vector", dtype="float32", shape=(5,)))
