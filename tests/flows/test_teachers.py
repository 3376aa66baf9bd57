"""The digits recipe with its own teacher brought along in four ways; runs after the plain recipe, in its project."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
QUICK = (
    *("--set", "student.training.epochs=3", "--set", "promote.staging.approval=manual"),
    *("--set", "compress.candidates=[static_int8]"),
)
PROGRAM = """
import json, sys
import numpy as np, onnxruntime as ort
session = ort.InferenceSession("brought/teacher.onnx")
for line in sys.stdin:
    one = json.loads(line)
    with open("brought/asked.txt", "a") as log:
        log.write(one["id"] + "\\n")
    logits = session.run(None, {"inputs": np.array([one["inputs"]], np.uint8)})[0][0]
    print(json.dumps({"id": one["id"], "logits": logits.tolist()}))
"""
ANSWERS = """
import glob
import numpy as np, onnxruntime as ort, pandas as pd
from tasks.training.arrays import open_split
from pathlib import Path
session, folder, parts = ort.InferenceSession("brought/teacher.onnx"), Path("data/digits/prepared"), []
for split in ("train", "unlabelled", "validation", "test"):
    ids = pd.read_parquet(folder / f"{split}.parquet", columns=["id"])
    inputs = open_split(folder, split).gather(np.arange(len(ids))).inputs["inputs"]
    logits = session.run(None, {"inputs": inputs})[0]
    parts.append(pd.concat([ids, pd.DataFrame(logits, columns=[str(digit) for digit in range(10)])], axis=1))
pd.concat(parts).to_parquet("brought/answers.parquet")
"""


@pytest.fixture(scope="module")
def brought(served: Any, first_run: Any) -> Path:
    """A folder of the project with the teacher as a file of each kind."""
    assert first_run.code == 0, first_run.err
    folder: Path = served.root / "brought"
    folder.mkdir()
    exported = next(served.root.glob(".stillhouse/artifacts/digits/*/artifacts/teacher.onnx"))
    weights = next(served.root.glob(".stillhouse/artifacts/digits/*/artifacts/teacher-model.safetensors"))
    (folder / "teacher.onnx").write_bytes(exported.read_bytes())
    (folder / "teacher.safetensors").write_bytes(weights.read_bytes())
    (folder / "ask.py").write_text(PROGRAM)
    made = served.python("-c", ANSWERS)
    assert made.code == 0, made.err
    return folder


RESNET = "{kind: resnet, widths: [32, 64, 128], blocks: 1}"
FORMS = {
    "weights": f"{{kind: weights, weights: brought/teacher.safetensors, architecture: {RESNET}}}",
    "onnx": "{kind: onnx, file: brought/teacher.onnx, licence: Apache-2.0}",
    "answers": "{kind: answers, file: brought/answers.parquet, gives: logits}",
    "command": f"{{kind: command, command: [{sys.executable}, brought/ask.py], gives: logits, canaries: 2}}",
}


@pytest.mark.parametrize("form", FORMS)
def test_a_student_of_a_brought_teacher_and_a_second_run_that_asks_it_nothing(
    served: Any, brought: Path, form: str
) -> None:
    run = ("run", "params/digits.yaml", "--set", f"teacher={FORMS[form]}", *QUICK)
    first = served.stillhouse(*run)
    assert first.code == 0, first.err + first.out
    assert first.stages["teacher"] == "done"
    assert "validation accuracy 0.98" in first.out
    log = brought / "asked.txt"
    asked = log.read_text().splitlines() if log.is_file() else []
    log.unlink(missing_ok=True)
    assert len(set(asked)) == (1_797 if form == "command" else 0)
    again = served.stillhouse(*run, "--force")
    assert again.code == 0, again.err + again.out
    assert set(again.stages.values()) == {"reused"}
    canaries = log.read_text().splitlines() if log.is_file() else []
    assert len(canaries) == (2 if form == "command" else 0)
    log.unlink(missing_ok=True)


def test_a_brought_teacher_is_tried_before_anything_runs(served: Any, brought: Path) -> None:
    said = served.stillhouse("teacher", "params/digits.yaml", "--set", f"teacher={FORMS['onnx']}", "--json")
    assert said.code == 0, said.err
    (trial,) = json.loads(said.out)
    assert trial["metrics"]["accuracy"]["value"] > 0.97
    assert trial["bytes"] == 1_019 * 10 * 2
    assert trial["milliseconds"] > 0


def test_without_labels_the_teacher_alone_teaches(served: Any, brought: Path) -> None:
    run = ("run", "params/digits.yaml", "--set", "data.labels=none", "--set", f"teacher={FORMS['onnx']}", *QUICK)
    first = served.stillhouse(*run)
    assert first.code == 0, first.err + first.out
    assert "student alone" not in first.stages
    assert "student alone" not in first.out
    assert "To learn from there were 1,019 samples without labels." in first.out
    assert "is worth" not in first.out
    again = served.stillhouse(*run, "--force")
    assert {*again.stages.values()} == {"reused"}
    told = served.stillhouse("promote", "digits", "staging")
    assert "not_worse_than_baseline" not in told.out + told.err


def test_the_licence_of_a_teacher_that_the_gate_does_not_know_is_refused(served: Any, brought: Path) -> None:
    teacher = FORMS["onnx"].replace("Apache-2.0", "AGPL-3.0")
    said = served.stillhouse(
        *("run", "params/digits.yaml", "--set", f"teacher={teacher}", *QUICK[:2], *QUICK[4:]),
        *("--set", "promote.staging={approval: automatic, licences: [CC BY 4.0, MIT]}"),
    )
    assert said.code == 1
    assert (
        "`licences`: expected data and teacher under one of `CC BY 4.0`, `MIT`, got teacher under `AGPL-3.0`"
        in said.err
    )
