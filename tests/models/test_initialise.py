import hashlib
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter, ValidationError
from torch import nn

from params.models import (
    Architecture,
    Cnn,
    EfficientNetLite,
    ImportedArchitecture,
    Mlp,
    Recurrent,
    ResNet,
    Separable,
)
from params.weights.inits import FromCheckpoint, FromTeacher, Init
from tasks.contracts.records import InputSpec
from tasks.core.errors import DataError, RecipeError
from tasks.models.build import Network, build_model
from tasks.models.channel_layout import channel_layout
from tasks.models.channels import channel_norms, narrowed, strongest
from tasks.models.initialise import initialise, start_from_checkpoint
from tasks.models.weights import save_weights
from tests.models.conftest import data_spec

IMAGE = InputSpec(layout="image", dtype="uint8", shape=(2, 12, 12))
SEQUENCE = InputSpec(layout="sequence", dtype="float32", shape=(9, 4))
VECTOR = InputSpec(layout="vector", dtype="float32", shape=(5,))
BY_NAME = FromTeacher(kind="teacher")
EVERY_KTH = FromTeacher(kind="teacher", layers="every_kth")
INIT: TypeAdapter[Any] = TypeAdapter(Init)
TEACHERS: dict[str, tuple[Architecture, InputSpec]] = {
    "cnn": (Cnn(kind="cnn", channels=(6, 8)), IMAGE),
    "resnet": (ResNet(kind="resnet", widths=(6, 8), blocks=2), IMAGE),
    "mlp": (Mlp(kind="mlp", hidden=(8, 6)), VECTOR),
    "lstm": (Recurrent(kind="lstm", hidden=6, layers=2, bidirectional=True), SEQUENCE),
    "gru": (Recurrent(kind="gru", hidden=6), SEQUENCE),
}
NARROWER: dict[str, dict[str, Any]] = {
    "cnn": {"channels": (4, 5)},
    "resnet": {"widths": (4, 5), "inner": (3, 4, 2, 5)},
    "mlp": {"hidden": (5, 3)},
    "lstm": {"hidden": 4},
    "gru": {"hidden": 3},
}
Make = Callable[..., Network]
Sample = Callable[[InputSpec], dict[str, torch.Tensor]]


def weights(network: Network, name: str) -> torch.Tensor:
    tensor: torch.Tensor = network.body.state_dict()[name]
    return tensor


@pytest.mark.parametrize("how", [BY_NAME, EVERY_KTH], ids=["by name", "every kth"])
@pytest.mark.parametrize("name", TEACHERS)
def test_a_student_of_its_teachers_architecture_computes_exactly_what_the_teacher_computes(
    make: Make, sample: Sample, name: str, how: FromTeacher
) -> None:
    architecture, spec = TEACHERS[name]
    teacher, student = make(architecture, spec), make(architecture, spec, seed=1)
    assert not torch.equal(student(sample(spec))["logits"], teacher(sample(spec))["logits"])
    copied = initialise(student, teacher, how)
    assert torch.equal(student(sample(spec))["logits"], teacher(sample(spec))["logits"])
    assert all(torch.equal(value, teacher.state_dict()[key]) for key, value in student.state_dict().items())
    assert copied.random == ()
    assert copied.kept == {}


@pytest.mark.parametrize("name", TEACHERS)
def test_a_narrower_student_is_its_teacher_pruned_to_the_strongest_channels(
    make: Make, sample: Sample, name: str
) -> None:
    architecture, spec = TEACHERS[name]
    smaller = type(architecture).model_validate({**architecture.model_dump(), **NARROWER[name]})
    teacher, student = make(architecture, spec), make(smaller, spec, seed=1)
    copied = initialise(student, teacher, BY_NAME)
    norms = channel_norms(teacher)
    kept = {space: strongest(norms[space], len(places)) for space, places in copied.kept.items()}
    found, state = narrowed(teacher, kept)
    assert found == smaller
    assert all(torch.equal(value, state[key]) for key, value in student.state_dict().items())
    assert {space: list(places) for space, places in copied.kept.items()} == {s: p.tolist() for s, p in kept.items()}


def test_kept_filters_are_passed_on_to_the_input_side_of_what_reads_them(make: Make) -> None:
    teacher = make(Cnn(kind="cnn", channels=(4, 3)), IMAGE)
    student = make(Cnn(kind="cnn", channels=(2, 3)), IMAGE, seed=1)
    with torch.no_grad():
        weights(teacher, "stage1.norm.weight").copy_(torch.tensor([0.0, 50.0, 0.0, -90.0]))
    copied = initialise(student, teacher, BY_NAME)
    assert copied.kept == {"stage1": (1, 3)}
    first, second = "stage1.convolution.weight", "stage2.convolution.weight"
    assert torch.equal(weights(student, first), weights(teacher, first)[[1, 3]])
    assert torch.equal(weights(student, second), weights(teacher, second)[:, [1, 3]])
    assert torch.equal(weights(student, "stage1.norm.running_var"), weights(teacher, "stage1.norm.running_var")[[1, 3]])


@pytest.mark.parametrize("task", ["segmentation", "detection"])
@pytest.mark.parametrize(
    ("wide", "narrow", "widths"),
    [
        (
            Separable(kind="separable", widths=(12, 16, 96), blocks=(1, 2)),
            Separable(kind="separable", widths=(8, 12, 64), blocks=(1, 1)),
            {"stem": 8, "group1": 12, "group2": 64},
        ),
        (
            ResNet(kind="resnet", widths=(12, 96), stem_stride=2),
            ResNet(kind="resnet", widths=(8, 64), stem_stride=2),
            {"group1": 8, "group2": 64, "group1.block1": 8, "group2.block1": 64},
        ),
    ],
    ids=["separable", "resnet"],
)
def test_a_head_of_several_layers_is_copied_with_its_strongest_channels(
    make: Make, sample: Sample, task: str, wide: Architecture, narrow: Architecture, widths: dict[str, int]
) -> None:
    teacher, student = make(wide, IMAGE, task=task), make(narrow, IMAGE, seed=1, task=task)
    copied = initialise(student, teacher, BY_NAME)
    own = channel_layout(student)
    assert own is not None
    inside = own.widths["head"]
    assert {space: len(places) for space, places in copied.kept.items()} == {
        **widths,
        **dict.fromkeys(own.in_head, inside),
    }
    assert copied.random == ()
    name = "head.laterals.0.0.weight"
    assert torch.equal(
        weights(student, name),
        weights(teacher, name)[list(copied.kept["head"])][:, list(copied.kept[own.head[0].read[0]])],
    )
    same = make(wide, IMAGE, seed=2, task=task)
    initialise(same, teacher, BY_NAME)
    assert all(torch.equal(values, same(sample(IMAGE))[output]) for output, values in teacher(sample(IMAGE)).items())


def test_a_head_on_other_maps_than_those_of_the_teacher_stays_as_it_was_drawn(make: Make) -> None:
    teacher = make(Separable(kind="separable", widths=(6, 8, 10), blocks=(1, 2)), IMAGE, task="segmentation")
    student = make(Separable(kind="separable", widths=(6, 8), blocks=(1,)), IMAGE, seed=1, task="segmentation")
    drawn = {name: tensor.clone() for name, tensor in student.body.state_dict().items() if name.startswith("head.")}
    copied = initialise(student, teacher, BY_NAME)
    assert set(copied.random) > {"head.classifier"}
    assert all(torch.equal(weights(student, name), tensor) for name, tensor in drawn.items())
    first = "group1.down.convolution.weight"
    assert torch.equal(weights(student, first), weights(teacher, first))


def test_every_kth_takes_the_blocks_of_each_group_at_equal_distances(make: Make) -> None:
    teacher = make(ResNet(kind="resnet", widths=(4, 6), blocks=5), IMAGE)
    student = make(ResNet(kind="resnet", widths=(4, 6), blocks=2), IMAGE, seed=1)
    copied = initialise(student, teacher, EVERY_KTH)
    assert copied.random == ()
    for group in (1, 2):
        for block, source in ((1, 1), (2, 3)):  # floor(i * 5 / 2), counted from 0
            own, other = (f"group{group}.block{n}.path.convolution1" for n in (block, source))
            assert copied.layers[own] == other
            assert torch.equal(weights(student, f"{own}.weight"), weights(teacher, f"{other}.weight"))
    assert torch.equal(weights(student, "head.linear.weight"), weights(teacher, "head.linear.weight"))


def test_by_name_takes_the_blocks_of_equal_name(make: Make) -> None:
    teacher = make(ResNet(kind="resnet", widths=(4,), blocks=4), IMAGE)
    student = make(ResNet(kind="resnet", widths=(4,), blocks=2), IMAGE, seed=1)
    initialise(student, teacher, BY_NAME)
    for block in (1, 2):
        name = f"group1.block{block}.path.convolution2.weight"
        assert torch.equal(weights(student, name), weights(teacher, name))


@pytest.mark.parametrize(("how", "source"), [(BY_NAME, "layer2"), (EVERY_KTH, "layer3")])
def test_layers_of_a_shallower_lstm_of_one_direction_come_from_the_onward_half(
    make: Make, how: FromTeacher, source: str
) -> None:
    teacher = make(Recurrent(kind="lstm", hidden=6, layers=4, bidirectional=True), SEQUENCE)
    student = make(Recurrent(kind="lstm", hidden=6, layers=2), SEQUENCE, seed=1)
    copied = initialise(student, teacher, how)
    assert copied.layers["layer2.onward"] == f"{source}.onward"
    expected = weights(teacher, f"{source}.onward.weight_ih_l0")[:, :6]
    assert torch.equal(weights(student, "layer2.onward.weight_ih_l0"), expected)
    assert torch.equal(weights(student, "layer1.onward.weight_hh_l0"), weights(teacher, "layer1.onward.weight_hh_l0"))


def test_a_head_that_reads_another_layer_than_in_the_teacher_stays_random_and_the_record_says_so(make: Make) -> None:
    teacher = make(Cnn(kind="cnn", channels=(4, 6, 8)), IMAGE)
    student = make(Cnn(kind="cnn", channels=(4, 6)), IMAGE, seed=1)
    before = weights(student, "head.linear.weight").clone()
    copied = initialise(student, teacher, BY_NAME)
    assert torch.equal(weights(student, "head.linear.weight"), before)
    assert copied.random == ("head.linear",)
    assert str(copied) == "copied stage1.convolution, stage2.convolution; random: head.linear"


def test_the_normalisation_of_the_teacher_comes_along(make: Make) -> None:
    teacher, student = make(*TEACHERS["cnn"]), make(Cnn(kind="cnn", channels=(2, 2)), IMAGE, seed=1)
    assert not torch.equal(student.mean, teacher.mean)
    initialise(student, teacher, BY_NAME)
    assert torch.equal(student.mean, teacher.mean)


@pytest.mark.parametrize(
    ("teacher", "student", "spec", "how", "said"),
    [
        (ResNet(kind="resnet", widths=(4,)), Cnn(kind="cnn", channels=(4,)), IMAGE, BY_NAME, ["resnet, the kind"]),
        (
            Cnn(kind="cnn", channels=(4, 6)),
            Cnn(kind="cnn", channels=(5, 7)),
            IMAGE,
            BY_NAME,
            ["at most 4 channels in `stage1`", "at most 6 channels in `stage2`"],
        ),
        (
            ResNet(kind="resnet", widths=(4, 6), blocks=1),
            ResNet(kind="resnet", widths=(4, 6, 8), blocks=2),
            IMAGE,
            EVERY_KTH,
            ["the 1 layers `group1.block...`", "the 1 layers `group2.block...`", "the 0 layers `group3.block...`"],
        ),
        (
            Recurrent(kind="gru", hidden=4),
            Recurrent(kind="gru", hidden=4, bidirectional=True),
            SEQUENCE,
            BY_NAME,
            ["one direction, as in the teacher"],
        ),
        (Mlp(kind="mlp", hidden=(4,)), Mlp(kind="mlp", hidden=(4, 4)), VECTOR, BY_NAME, ["the 1 layers `hidden...`"]),
        (
            Cnn(kind="cnn", channels=(8, 2, 8, 8)),
            Cnn(kind="cnn", channels=(4, 4)),
            IMAGE,
            EVERY_KTH,
            ["at most 2 channels in `stage1`, as in `stage2` of the teacher"],
        ),
    ],
)
def test_a_student_that_its_teacher_does_not_hold_is_refused_with_all_that_does_not_fit(
    make: Make, teacher: Architecture, student: Architecture, spec: InputSpec, how: FromTeacher, said: list[str]
) -> None:
    network = make(student, spec, seed=1)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with pytest.raises(RecipeError) as refused:
        initialise(network, make(teacher, spec), how)
    problems = refused.value.problems
    assert len(problems) == len(said)
    for problem, part in zip(problems, said, strict=True):
        assert problem.startswith("`recipe`: `student.init`: expected ")
        assert part in problem
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_a_teacher_with_other_outputs_is_refused(make: Make) -> None:
    architecture = Mlp(kind="mlp", hidden=(4,))
    other = build_model(architecture, data_spec(VECTOR, 9))
    with pytest.raises(RecipeError, match=re.escape("`body.head.linear.weight` of shape (3, 4), got (9, 4)")):
        initialise(make(architecture, VECTOR), other, BY_NAME)


def test_networks_of_ones_own_are_copied_where_their_layers_are_alike_or_refused(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def factory(input: InputSpec, outputs: int, width: int) -> nn.Module:  # noqa: A002 - the name of the contract
        return nn.Sequential(nn.Linear(input.shape[0], width), nn.Linear(width, outputs))

    monkeypatch.setitem(sys.modules, "own_models", SimpleNamespace(make=factory))
    four, six = (
        ImportedArchitecture(kind="import", factory="own_models:make", arguments={"width": width}) for width in (4, 6)
    )
    teacher, student = make(six, VECTOR), make(six, VECTOR, seed=1)
    assert initialise(student, teacher, BY_NAME).layers == {"0": "0", "1": "1"}
    assert torch.equal(weights(student, "0.weight"), weights(teacher, "0.weight"))
    with pytest.raises(RecipeError, match=re.escape("`0.bias`, `0.weight`, `1.weight` that differ")):
        initialise(make(four, VECTOR), teacher, BY_NAME)


def test_the_first_blocks_of_an_efficientnet_are_copied_and_a_head_that_reads_others_is_not(
    make: Make, sample: Sample
) -> None:
    long, short = (EfficientNetLite(kind="efficientnet_lite", stages=stages, last_blocks=(1,)) for stages in (3, 2))
    teacher, student = make(long, IMAGE), make(short, IMAGE, seed=1)
    drawn = weights(student, "head.linear.weight").clone()
    copied = initialise(student, teacher, BY_NAME)
    assert (dict(copied.layers), copied.random) == ({name: name for name in ("stem", "stage1", "stage2")}, ("head",))
    assert torch.equal(weights(student, "head.linear.weight"), drawn)
    taught = {name: tensor for name, tensor in student.body.state_dict().items() if not name.startswith("head.")}
    assert taught
    assert all(torch.equal(tensor, teacher.body.state_dict()[name]) for name, tensor in taught.items())
    whole = make(long, IMAGE, seed=1)
    initialise(whole, teacher, BY_NAME)
    assert torch.equal(whole.eval()(sample(IMAGE))["logits"], teacher.eval()(sample(IMAGE))["logits"])
    deeper = make(EfficientNetLite(kind="efficientnet_lite", stages=2, last_blocks=(3,)), IMAGE)
    with pytest.raises(RecipeError, match=re.escape("`stage2.2.path.depthwise.convolution.weight`")):
        initialise(deeper, teacher, BY_NAME)


def test_a_checkpoint_that_fits_is_where_the_student_starts(make: Make, sample: Sample, tmp_path: Path) -> None:
    source, student = make(*TEACHERS["cnn"]), make(*TEACHERS["cnn"], seed=1)
    save_weights(source, tmp_path / "w.safetensors")
    digest = hashlib.sha256((tmp_path / "w.safetensors").read_bytes()).hexdigest()
    start_from_checkpoint(
        student, FromCheckpoint(kind="checkpoint", weights="w.safetensors", weights_sha256=digest), tmp_path
    )
    assert torch.equal(student(sample(IMAGE))["logits"], source(sample(IMAGE))["logits"])
    wrong = FromCheckpoint(kind="checkpoint", weights="w.safetensors", weights_sha256="0" * 64)
    with pytest.raises(DataError, match=r"`student\.init\.weights_sha256`: expected 0{64}, got " + digest):
        start_from_checkpoint(student, wrong, tmp_path)
    with pytest.raises(DataError, match="no such file"):
        start_from_checkpoint(student, FromCheckpoint(kind="checkpoint", weights="other.safetensors"), tmp_path)
    narrower = make(Cnn(kind="cnn", channels=(4, 5)), IMAGE)
    with pytest.raises(DataError, match="the layers of the architecture"):
        start_from_checkpoint(narrower, FromCheckpoint(kind="checkpoint", weights="w.safetensors"), tmp_path)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("random", "random"),
        ("teacher", BY_NAME),
        ({"kind": "teacher", "layers": "every_kth"}, EVERY_KTH),
        (
            {"kind": "checkpoint", "weights": "a.safetensors"},
            FromCheckpoint(kind="checkpoint", weights="a.safetensors"),
        ),
    ],
)
def test_a_recipe_says_in_a_word_or_a_section_what_the_student_starts_from(given: Any, expected: Any) -> None:
    init = INIT.validate_python(given)
    assert init == expected
    assert INIT.validate_python(INIT.dump_python(init, mode="json")) == init


@pytest.mark.parametrize(
    ("given", "place", "said"),
    [
        ("ranndom", (), "'random', 'teacher', 'checkpoint'"),
        ({"kind": "norm"}, (), "'random', 'teacher', 'checkpoint'"),
        ({"weights": "a"}, (), "Unable to extract tag"),
        (4, (), "Unable to extract tag"),
        ({"kind": "teacher", "layers": "all"}, ("teacher", "layers"), "'by_name' or 'every_kth'"),
        ({"kind": "teacher", "chanels": "norm"}, ("teacher", "chanels"), "Extra inputs"),
        ({"kind": "checkpoint"}, ("checkpoint", "weights"), "Field required"),
    ],
)
def test_a_wrong_start_is_one_message_about_the_field_that_is_wrong(given: Any, place: Any, said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        INIT.validate_python(given)
    (error,) = refused.value.errors()
    assert error["loc"] == place
    assert said in error["msg"]


def test_the_schema_says_which_section_has_which_kind() -> None:
    mapping = INIT.json_schema()["discriminator"]["mapping"]
    assert mapping == {
        "teacher": "#/$defs/FromTeacher",
        "checkpoint": "#/$defs/FromCheckpoint",
        "wheel": "#/$defs/Pretrained",
        "champion": "#/$defs/FromChampion",
    }
