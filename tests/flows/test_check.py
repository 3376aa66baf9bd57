"""What `stillhouse check` refuses about how and what to teach, before a teacher trains for an hour."""

from typing import Any

import pytest


def test_a_recipe_with_nobody_to_learn_from_is_one_message(typed: Any) -> None:
    said = typed("check", "params/digits.yaml", "--set", "teacher=null")
    assert said.code == 2
    assert "`teacher`" in said.err
    assert "`peer`" in said.err


WRONG = {
    "an unknown layer": (
        ("distill.objectives=[{kind: hint, layers: [{student: stage9, teacher: group1}]}]",),
        "got `stage9`",
    ),
    "a layer that does not suit": (
        ("distill.objectives=[{kind: attention, layers: [{student: head.linear, teacher: group1}]}]",),
        "`head.linear` with 0",
    ),
    "a missing teacher file": (
        ("teacher.training=null", "teacher.weights=models/nowhere.safetensors"),
        "models/nowhere.safetensors`: `teacher.weights`: expected a safetensors file, got no such file",
    ),
    "an ONNX file that is not there": (
        ("teacher={kind: onnx, file: models/nowhere.onnx}",),
        "models/nowhere.onnx`: `teacher.file`: expected a file, got no such file",
    ),
    "layers of what only answers": (
        (
            "teacher={kind: onnx, file: t.onnx}",
            "distill.objectives=[{kind: hint, layers: [{student: stage2, teacher: group1}]}]",
        ),
        "`distill.objectives.hint`: a teacher of `kind: onnx` only answers and has no layers",
    ),
    "weights of what only answers": (
        ("teacher={kind: answers, file: a.csv}", "student.init={kind: teacher}"),
        "`student.init`: a teacher of `kind: answers` only answers",
    ),
    "stored answers that are asked for live": (
        ("teacher={kind: command, command: [python, ask.py]}", "distill.soft_labels=live"),
        "`soft_labels: live` goes without a teacher whose answers are stored: say `cached`",
    ),
    "a factory that does not say how it normalises": (
        ("teacher={kind: weights, architecture: {kind: import, factory: 'timm:create_model'}}",),
        "a factory that loads its weights needs `normalise`",
    ),
    "a normalisation of which there is none": (
        ("teacher={kind: onnx, file: t.onnx, normalise: imagnet}",),
        "teacher.normalise",
    ),
    "an unknown kind of teacher": (("teacher={kind: oracle}",), "`kind` to be one of `train`, `weights`, `onnx`"),
    "an unknown objective": (("distill.objectives=[{kind: telepathy}]",), "telepathy"),
    "an augmentation nobody knows": (("student.training.augment={steps: [{kind: squeeze}]}",), "squeeze"),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_a_mistake_in_how_to_teach_is_one_message_before_anything_runs(typed: Any, mistake: str) -> None:
    overrides, expected = WRONG[mistake]
    said = typed("check", "params/digits.yaml", *(word for o in overrides for word in ("--set", o)))
    assert said.code == 2
    assert expected in said.err
    assert len(said.err.strip().splitlines()) == 1
    assert "Traceback" not in said.err


def test_pictures_smaller_than_a_kernel_are_named_with_every_network_that_cannot_take_them(typed: Any) -> None:
    said = typed("check", "params/solar.yaml", "--set", "data.reader.size=[224, 1]")
    assert said.code == 2
    lines = said.err.strip().splitlines()
    assert len(lines) == 2
    for line, network in zip(lines, ("teacher", "student"), strict=True):
        assert f"`{network}.architecture`: expected to take samples of 1x224x1, got " in line
        assert "bring samples of another size (`data.reader.size` of pictures)" in line


def test_a_check_allocates_nothing_of_the_size_of_a_picture(typed: Any) -> None:
    said = typed("check", "params/solar.yaml", "--set", "data.reader.size=[1000000, 1000000]")
    assert said.code == 0
    assert "params/solar.yaml: valid" in said.out


def test_a_network_for_other_data_is_named_without_a_teacher_too(typed: Any) -> None:
    said = typed(
        *("check", "params/vowels.yaml", "--set", "teacher=null"),
        *("--set", "peer={architecture: {kind: cnn, channels: [4]}}"),
    )
    assert said.code == 2
    assert "`architecture.kind: cnn`: expected image data, got sequence" in said.err


@pytest.mark.parametrize(
    ("overrides", "field"),
    [
        (("teacher.training.freeze_batch_norm=0.5",), "teacher.training"),
        (("student.fine_tune={epochs: 1, freeze_batch_norm: 0.5}",), "student.fine_tune"),
        (
            ("teacher=null", "peer={architecture: {kind: gru, hidden: 8}}", "student.training.freeze_batch_norm=0.5"),
            "student.training",
        ),
    ],
)
def test_batch_norm_is_not_frozen_where_there_is_none(typed: Any, overrides: tuple[str, ...], field: str) -> None:
    said = typed("check", "params/vowels.yaml", *(word for o in overrides for word in ("--set", o)))
    assert said.code == 2
    expected = "expected nothing, since the network has no batch norm, got 0.5; leave it out, or take"
    assert f"`{field}.freeze_batch_norm`: {expected}" in said.err


def test_published_weights_for_layers_whose_names_are_not_known_are_refused(typed: Any) -> None:
    init = "{kind: wheel, package: theirs, version: '1', sha256: '" + "0" * 64 + "', file: weights.pth}"
    said = typed("check", "params/digits.yaml", "--set", f"student.init={init}")
    assert said.code == 2
    expected = "`student.architecture.kind`: expected efficientnet_lite, whose published names are known, got cnn"
    assert expected in said.err
