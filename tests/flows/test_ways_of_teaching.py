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
    mutual = ("--set", "teacher=null", "--set", PEER, "--set", "data.labels=all")
    said = served.stillhouse("run", "params/digits.yaml", *mutual, *QUICK)
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
    assert "logits.npy`: expected a whole array of float16 (1019, 10)" in said.err
    assert "remove the folder" in said.err
    assert "Traceback" not in said.err
    for file in kept:
        shutil.rmtree(file.parent)
    said = served.stillhouse(*run)
    assert said.code == 0, said.err + said.out


def test_a_brought_teacher_with_other_classes_stops_the_run_by_name(served: Any, first_run: Any) -> None:
    weights = served.files_of("digits-teacher", 1) / "teacher-model.safetensors"
    classes = ", ".join(f"'{digit}'" for digit in ("one", *"123456789"))
    said = served.stillhouse(
        *("run", "params/digits.yaml", "--set", "teacher.training=null", "--set", f"teacher.weights={weights}"),
        *("--set", f"teacher.classes=[{classes}]"),
    )
    assert said.code == 2
    assert "`teacher.classes`: expected classes of the data: `0`, `1`, `2`" in said.err
    assert "got `one`; map the outputs" in said.err
    assert "Traceback" not in said.err
