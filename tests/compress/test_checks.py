"""No file is measured that runs at one shape only, computes something else, or is not what it is called."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import ModelProto, helper, numpy_helper

from params.models import Cnn, Recurrent
from tasks.compress.checks import check, require_smaller
from tasks.compress.compress import compress
from tasks.compress.context import CompressionContext, NotPossibleError
from tasks.compress.measure import BuiltCandidate
from tasks.compress.passes import CandidateBuilder
from tasks.core.progress import silent
from tasks.layouts import find_layout
from tests.compress.conftest import MakeContext

CNN = Cnn(kind="cnn", channels=(8, 16))
LSTM = Recurrent(kind="lstm", hidden=8)
FRAMES, FEATURES = 9, 3


def built(context: CompressionContext, kind: str, change: Callable[[ModelProto], None]) -> BuiltCandidate:
    """The student's own file, changed, and called what `kind` says."""
    one = CandidateBuilder(context).build(context.params.candidates[0])
    model = onnx.load(one.path)
    change(model)
    one.path.write_bytes(model.SerializeToString())
    return BuiltCandidate(one.name, kind, one.network, one.exported, one.path, one.changed, one.reference)


def unchanged(_model: ModelProto) -> None: ...


def freeze_what_it_says(model: ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = FRAMES


def freeze_inside(model: ModelProto) -> None:
    """Still says that it takes any number of frames, as the exporter did that froze it."""
    for node in model.graph.node:
        node.input[:] = ["frozen" if name == "inputs" else name for name in node.input]
    shape = numpy_helper.from_array(np.array([-1, FRAMES, FEATURES]), "frozen_shape")
    model.graph.initializer.append(shape)
    model.graph.node.insert(0, helper.make_node("Reshape", ["inputs", "frozen_shape"], ["frozen"]))


def look_at_the_batch(model: ModelProto) -> None:
    """Takes the mean over the batch off the logits."""
    for node in model.graph.node:
        node.output[:] = ["own" if name == "logits" else name for name in node.output]
    axes = numpy_helper.from_array(np.array([0]), "batch_axis")
    model.graph.initializer.append(axes)
    mean = helper.make_node("ReduceMean", ["own", "batch_axis"], ["mean"], keepdims=1)
    model.graph.node.extend([mean, helper.make_node("Sub", ["own", "mean"], ["logits"])])


def test_an_untouched_file_is_let_through(tiny_images: Path, tiny_sequences: Path, make_context: MakeContext) -> None:
    for data, architecture in ((tiny_images, CNN), (tiny_sequences, LSTM)):
        context = make_context(data, architecture)
        check(context, built(context, "fp32", unchanged))


def test_frames_that_are_frozen_are_refused(tiny_sequences: Path, make_context: MakeContext) -> None:
    context = make_context(tiny_sequences, LSTM)
    with pytest.raises(NotPossibleError, match="any length of the axis `frames`, got one that is frozen at 9"):
        check(context, built(context, "fp32", freeze_what_it_says))
    with pytest.raises(NotPossibleError, match="runs at two shapes"):
        check(context, built(context, "fp32", freeze_inside))


def test_int8_in_name_only_is_refused(tiny_images: Path, make_context: MakeContext) -> None:
    context = make_context(tiny_images, CNN)
    with pytest.raises(NotPossibleError, match=r"int8 in name only: .* got .*Conv"):
        check(context, built(context, "static_int8", unchanged))


def test_a_file_whose_logits_depend_on_the_batch_is_refused(
    tiny_images: Path, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = make_context(tiny_images, CNN)
    for promise in ("require_integers", "require_smaller"):
        monkeypatch.setattr(f"tasks.compress.checks.{promise}", lambda *_: None)
    check(context, built(context, "static_int8", unchanged))
    with pytest.raises(NotPossibleError, match="a sample's outputs whatever the batch"):
        check(context, built(context, "static_int8", look_at_the_batch))


def test_a_float_file_that_computes_something_else_is_refused(tiny_images: Path, make_context: MakeContext) -> None:
    context = make_context(tiny_images, CNN)
    one = built(context, "fp32", unchanged)
    with torch.no_grad():
        one.reference.get_parameter("body.head.linear.bias")[1] += 0.01
    with pytest.raises(
        NotPossibleError, match=r"expected the outputs of torch within 0\.001, got a difference of 0\.01"
    ):
        check(context, one)


def test_a_file_that_should_be_smaller_and_is_not_is_refused_with_both_sizes(
    tiny_images: Path, make_context: MakeContext
) -> None:
    done = compress(make_context(tiny_images, Cnn(kind="cnn", channels=(4,))), silent)
    assert done.chosen == "fp32"
    assert [candidate.name for candidate in done.candidates] == ["fp32"]
    (plain,) = (candidate.onnx.size for candidate in done.candidates)
    assert f"expected fewer than the {plain:,} bytes of fp32, got " in done.refused["static_int8"]
    with pytest.raises(NotPossibleError):
        require_smaller(1_000, 1_000)
    require_smaller(1_000, 999)


def test_the_two_shapes_differ_in_batch_and_frames_and_agree_in_the_first_sample(
    tiny_sequences: Path, make_context: MakeContext
) -> None:
    inputs = make_context(tiny_sequences, LSTM).validation.gather(np.arange(3)).inputs
    alone, together = find_layout("sequence").two_shapes(inputs)
    assert (alone["inputs"].shape, together["inputs"].shape) == ((1, 5, 3), (3, 9, 3))
    assert alone["lengths"][0] == together["lengths"][0] == 5
    assert np.array_equal(alone["inputs"][0], together["inputs"][0, :5])
    assert not together["inputs"][0, 5:].any()
