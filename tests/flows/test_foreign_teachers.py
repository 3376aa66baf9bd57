"""Recipes whose teachers others trained, taken out of their packages by YAML alone."""

import pytest

from tests.flows.conftest import Project

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("index")]
TAUGHT = {"magika": (3_163_737, "licence  BSD-3-Clause"), "text": (9_929_594, "samples without labels")}
"""recipe -> bytes of the teacher's network, and what the run tells of the data"""


@pytest.mark.parametrize("name", TAUGHT)
def test_a_student_agrees_with_it_at_a_tenth_of_its_bytes_and_a_second_run_asks_it_nothing(
    own_project: Project, name: str
) -> None:
    largest, told = TAUGHT[name][0] // 10, TAUGHT[name][1]
    first = own_project.stillhouse("run", f"params/{name}.yaml", timeout=3600)
    assert first.code == 0, first.err + first.out
    assert told in first.out
    assert "promoted to staging: version 1" in first.out, "its gate asks for agreement"
    assert (own_project.registered(name, 1) / "model.onnx").stat().st_size <= largest
    assert own_project.stillhouse("run", f"params/{name}.yaml").out.count("Nothing to do.") == 1
    again = own_project.stillhouse("run", f"params/{name}.yaml", "--force")
    assert again.code == 0, again.err
    assert set(again.stages.values()) == {"reused"}
