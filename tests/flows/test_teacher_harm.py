"""A teacher that does harm, in a short run of the example: three epochs in which the labels alone teach more."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.flows.conftest import make_project

pytestmark = pytest.mark.slow
SHORT = (
    *("--set", "teacher.training.epochs=3"),
    *("--set", "student.training.epochs=3"),
    *("--set", "compress.candidates=[fp32]"),
)


def test_the_student_learns_from_the_labels_alone_and_the_run_says_so(tmp_path: Path, prefect_api: str) -> None:
    said = replace(make_project(tmp_path), api=prefect_api).stillhouse("run", "digits", *SHORT)
    lines = said.out.splitlines()
    (worth,) = [line for line in lines if "worth -" in line]
    alone, taught, again = [line for line in lines if "  student" in line and "done" in line][:3]
    assert "on validation data" in worth
    assert "student alone" in alone
    assert alone.split("validation accuracy ")[1][:6] == again.split("validation accuracy ")[1][:6]
    assert taught.split("validation accuracy ")[1][:6] < again.split("validation accuracy ")[1][:6]
    assert "its teacher did harm on validation data" in said.out
    assert "not_worse_than_baseline" not in said.err
