"""Recipes whose teachers others trained, taken out of their packages by YAML alone."""

import pytest

from tests.flows.conftest import Project

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("index")]
TENTH = 3_163_737 // 10
"""of the bytes of magika's network"""


def test_a_student_of_magika_agrees_with_it_at_a_tenth_of_its_bytes_and_a_second_run_asks_it_nothing(
    own_project: Project,
) -> None:
    first = own_project.stillhouse("run", "params/magika.yaml", timeout=3600)
    assert first.code == 0, first.err + first.out
    assert "licence  BSD-3-Clause" in first.out
    assert "promoted to staging: version 1" in first.out, "its gate asks for 97 % agreement"
    assert (own_project.registered("magika", 1) / "model.onnx").stat().st_size <= TENTH
    assert own_project.stillhouse("run", "params/magika.yaml").out.count("Nothing to do.") == 1
    again = own_project.stillhouse("run", "params/magika.yaml", "--force")
    assert again.code == 0, again.err
    assert set(again.stages.values()) == {"reused"}
