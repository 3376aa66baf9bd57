"""The shapes a retrain can take besides one teacher and one student; runs after the plain recipe, in its project."""

from typing import Any

import pytest

pytestmark = pytest.mark.slow
QUICK = ("--set", "student.training.epochs=3", "--set", "promote.staging.approval=manual")
ASSISTANT = "assistant={architecture: {kind: cnn, channels: [16, 32]}, training: {epochs: 3, learning_rate: 0.01}}"
ENSEMBLE = "ensemble=[{architecture: {kind: mlp, hidden: [64]}, training: {epochs: 3}, seed: 1, weight: 0.5}]"


def test_two_teachers_teach_an_assistant_who_teaches_the_student(project: Any, first_run: Any) -> None:
    said = project.stillhouse("run", "params/digits.yaml", "--set", ASSISTANT, "--set", ENSEMBLE, *QUICK)
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


def test_a_recipe_with_nobody_to_learn_from_is_one_message(project: Any, first_run: Any) -> None:
    said = project.stillhouse("check", "params/digits.yaml", "--set", "teacher=null")
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
def test_a_mistake_in_how_to_teach_is_one_message_before_anything_runs(project: Any, mistake: str) -> None:
    overrides, expected = WRONG[mistake]
    said = project.stillhouse("check", "params/digits.yaml", *(word for o in overrides for word in ("--set", o)))
    assert said.code == 2
    assert expected in said.err
    assert len(said.err.strip().splitlines()) == 1
    assert "Traceback" not in said.err


def test_a_brought_teacher_with_other_classes_stops_the_run_by_name(project: Any, first_run: Any) -> None:
    weights = project.registered("digits-teacher", 1) / "teacher-model.safetensors"
    classes = ", ".join(f"'{digit}'" for digit in "1023456789")
    said = project.stillhouse(
        *("run", "params/digits.yaml", "--set", "teacher.training=null", "--set", f"teacher.weights={weights}"),
        *("--set", f"teacher.classes=[{classes}]"),
    )
    assert said.code == 2
    assert "`teacher.classes`: expected `0`, `1`, `2`" in said.err
    assert "got `1`, `0`, `2`" in said.err
    assert "Traceback" not in said.err
