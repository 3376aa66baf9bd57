"""The shapes a retrain can take besides one teacher and one student; runs after the plain recipe, in its project."""

import shutil
from typing import Any

import pytest

pytestmark = pytest.mark.slow
QUICK = ("--set", "student.training.epochs=3", "--set", "promote.staging.approval=manual")
ASSISTANT = "assistant={architecture: {kind: cnn, channels: [16, 32]}, training: {epochs: 3, learning_rate: 0.01}}"
ENSEMBLE = "ensemble=[{architecture: {kind: mlp, hidden: [64]}, training: {epochs: 3}, seed: 1, weight: 0.5}]"


def test_two_teachers_teach_an_assistant_who_teaches_the_student(served: Any, first_run: Any) -> None:
    said = served.stillhouse("run", "params/digits.yaml", "--set", ASSISTANT, "--set", ENSEMBLE, *QUICK)
    assert said.code == 0, said.err + said.out
    lines = [line.split()[:2] for line in said.out.splitlines() if line.startswith("  ")]
    stages = [words for words in lines if words and words[0] in ("done", "reused")]
    assert stages[1:6] == [
        ["reused", "teacher"],
        ["done", "teacher"],
        ["done", "student"],
        ["done", "assistant"],
        ["done", "student"],
    ]


PEER = "peer={architecture: {kind: cnn, channels: [12, 24]}}"


def test_two_students_teach_each_other_without_a_teacher(served: Any, first_run: Any) -> None:
    said = served.stillhouse("run", "params/digits.yaml", "--set", "teacher=null", "--set", PEER, *QUICK)
    assert said.code == 0, said.err + said.out
    assert "student and peer" in said.out
    assert "teacher" not in said.out.split("student and peer")[0].split("running because", 1)[1].split("\n", 1)[1]


def test_soft_labels_that_were_cut_short_stop_the_run_until_they_are_gone(served: Any, first_run: Any) -> None:
    kept = list((served.root / ".stillhouse/soft-labels").glob("*/logits.npy"))
    for file in kept:
        file.write_bytes(file.read_bytes()[:-100])
    run = ("run", "params/digits.yaml", "--set", "distill.temperature=3.5", "--set", "promote.staging.approval=manual")
    said = served.stillhouse(*run)
    assert said.code == 1
    assert "logits.npy`: expected a whole array of float16 (1079, 10)" in said.err
    assert "remove the folder" in said.err
    assert "Traceback" not in said.err
    for file in kept:
        shutil.rmtree(file.parent)
    said = served.stillhouse(*run)
    assert said.code == 0, said.err + said.out


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
        ("distill.objectives=[{kind: attention, layers: [{student: head, teacher: group1}]}]",),
        "`head` with 0",
    ),
    "a missing teacher file": (
        ("teacher.training=null", "teacher.weights=models/nowhere.safetensors"),
        "models/nowhere.safetensors`: `teacher.weights`: expected a safetensors file, got no such file",
    ),
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


def test_a_brought_teacher_with_other_classes_stops_the_run_by_name(served: Any, first_run: Any) -> None:
    weights = served.registered("digits-teacher", 1) / "teacher-model.safetensors"
    classes = ", ".join(f"'{digit}'" for digit in "1023456789")
    said = served.stillhouse(
        *("run", "params/digits.yaml", "--set", "teacher.training=null", "--set", f"teacher.weights={weights}"),
        *("--set", f"teacher.classes=[{classes}]"),
    )
    assert said.code == 2
    assert "`teacher.classes`: expected `0`, `1`, `2`" in said.err
    assert "got `1`, `0`, `2`" in said.err
    assert "Traceback" not in said.err
