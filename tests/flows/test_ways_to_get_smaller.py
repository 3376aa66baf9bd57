"""A retrain with passes that learn, and one that nothing is small enough for; in the project of the plain recipe."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlflow import MlflowClient

PASSES = (
    "[{kind: low_rank, energy: 0.5, recovery: {epochs: 2}}, mixed_int8,"
    " {kind: qat_int8, weight_bits: 6, recovery: {epochs: 2}}]"
)
MADE = ("fp32", "low_rank0.5", "mixed_int8", "qat_int8_w6")


def versions(served: Any) -> int:
    client = MlflowClient(f"sqlite:///{served.root / '.stillhouse/mlflow.db'}")
    return len(client.search_model_versions("name = 'digits'"))


def kept(served: Any, name: str) -> set[str]:
    found: list[Path] = list((served.root / ".stillhouse/artifacts").rglob(f"{name}.*"))
    return {path.suffix for path in found}


@pytest.mark.slow
def test_passes_that_learn_go_through_a_whole_run(served: Any, first_run: Any) -> None:
    said = served.stillhouse(
        *("run", "params/digits.yaml", "--set", f"compress.candidates={PASSES}"),
        *("--set", "compress.limits.below_student.accuracy=0.5", "--set", "promote.staging.approval=manual", "-v"),
    )
    assert said.code == 0, said.err + said.out
    assert said.stages["student"] == "reused"
    # Where fp32 is the fastest again, it is the release that is there already.
    assert (said.stages["compress"], said.stages["evaluate"]) == ("done", "done")
    tried = re.findall(r"^ +tried (\S+) [\d,]+ bytes", said.out, re.MULTILINE)
    assert tried == list(MADE)
    assert kept(served, "low_rank0.5") == {".onnx", ".safetensors"}
    assert kept(served, "mixed_int8") == kept(served, "qat_int8_w6") == {".onnx"}


@pytest.mark.slow
def test_limits_that_nothing_keeps_show_the_front_and_register_nothing(served: Any, first_run: Any) -> None:
    before = versions(served)
    said = served.stillhouse("run", "params/digits.yaml", "--set", "compress.limits.bytes=1")
    assert said.code == 1
    recipe = yaml.safe_load((served.root / "params/digits.yaml").read_text())
    lines = [line for line in said.err.splitlines() if "`limits.bytes`: expected at most 1, got" in line]
    assert len(lines) == len(recipe["compress"]["candidates"]) + 1  # fp32 is always one
    assert all(re.search(r"\(accuracy [\d.]+, p95 [\d.]+ ms, [\d,]+ bytes", line) for line in lines)
    assert 1 <= sum("on the Pareto front" in line for line in lines) <= len(lines)
    assert "Traceback" not in said.err
    assert versions(served) == before
