"""The shapes a retrain can take besides one teacher and one student; runs after the plain recipe, in its project."""

from typing import Any

import pytest

pytestmark = pytest.mark.slow
QUICK = ("--set", "student.training.epochs=3", "--set", "promote.staging.approval=manual")
ASSISTANT = "assistant={architecture: {kind: cnn, channels: [16, 32]}, training: {epochs: 3, learning_rate: 0.01}}"
ENSEMBLE = "ensemble=[{architecture: {kind: mlp, hidden: [64]}, training: {epochs: 3}, seed: 1, weight: 0.5}]"
PEER = "peer={architecture: {kind: cnn, channels: [12, 24]}}"


def test_two_teachers_teach_an_assistant_who_teaches_the_student(project: Any, first_run: Any) -> None:
    said = project.stillhouse("run", "params/digits.yaml", "--set", ASSISTANT, "--set", ENSEMBLE, *QUICK)
    assert said.code == 0, said.err + said.out
    lines = [line.split()[:2] for line in said.out.splitlines() if line.startswith("  ")]
    stages = [words for words in lines if words[0] in ("done", "reused")]
    assert stages[1:6] == [
        ["reused", "teacher"],
        ["done", "teacher"],
        ["done", "student"],
        ["done", "assistant"],
        ["done", "student"],
    ]


def test_two_students_without_a_teacher_teach_each_other(project: Any, first_run: Any) -> None:
    said = project.stillhouse("run", "params/digits.yaml", "--set", "teacher=null", "--set", PEER, *QUICK)
    assert said.code == 0, said.err + said.out
    assert "peer" in said.out
    assert "student distilled" in said.out


def test_a_recipe_with_nobody_to_learn_from_is_one_message(project: Any, first_run: Any) -> None:
    said = project.stillhouse("check", "params/digits.yaml", "--set", "teacher=null")
    assert said.code == 2
    assert "`teacher`" in said.err
    assert "`peer`" in said.err
