"""A teacher that does not do: the run stops with one message before anything learns from it."""

import re
import sys

import pytest

from tests.flows.conftest import Project, Said
from tests.flows.tiny import write_tiny

pytestmark = pytest.mark.slow
READS = """\
import hashlib, json, sys
asked = [json.loads(line) for line in sys.stdin]
def tell(one, values):
    print(json.dumps({"id": one["id"], "probabilities": values}))
"""
KNOWS = READS + "for one in asked: tell(one, [0.1, 0.9] if one['inputs'][0] > 22.5 else [0.9, 0.1])\n"
WRONG = {
    "hangs": ("import time\ntime.sleep(60)\n", "expected answers within 2 seconds, got none in one attempt"),
    "dies": (READS + "sys.exit('no key')\n", "expected a program that ends well, got exit code 1, .*no key"),
    "prints garbage": (READS + "print('Sure!')\n", "a line that is no answer: Sure!"),
    "leaves one out": (READS + "for one in asked[1:]: tell(one, [0.5, 0.5])\n", "expected an answer to every sample"),
    "has other outputs": (READS + "for one in asked: tell(one, [0.2, 0.3, 0.5])\n", "expected 2 outputs, .* got 3"),
    "knows nothing": (
        READS + "for one in asked: tell(one, [1, 0] if hashlib.md5(one['id'].encode()).digest()[0] % 2 else [0, 1])\n",
        "expected a teacher that is better than chance on validation samples",
    ),
}


@pytest.fixture(scope="module")
def home(own_project: Project) -> Project:
    """A project with a recipe for each mistake, all of them of the same table."""
    write_tiny(own_project.root, *(name.replace(" ", "-") for name in WRONG), "changes", labels=("bad", "good"))
    return own_project


def run(home: Project, name: str, program: str) -> Said:
    """Runs a recipe whose teacher is a program."""
    script = home.root / f"{name}.py"
    script.write_text(program)
    options = "seconds: 2, retries: 0, canaries: 4, batch_size: 1000"
    teacher = f"{{kind: command, command: [{sys.executable}, {script.name}], {options}}}"
    return home.stillhouse("run", f"params/{name}.yaml", "--set", f"teacher={teacher}")


def require_refused(said: Said, expected: str) -> None:
    assert said.code in (1, 2), said.err
    assert said.stages["teacher"] == "failed"
    assert not {"student alone", "student"} & said.stages.keys(), "nothing was trained"
    (message,) = [line for line in said.err.splitlines() if line.startswith("stillhouse: ")]
    assert re.search(expected, message), message


@pytest.mark.parametrize("mistake", WRONG)
def test_a_program_that_does_not_do_stops_the_run_before_anything_is_trained(home: Project, mistake: str) -> None:
    program, expected = WRONG[mistake]
    require_refused(run(home, mistake.replace(" ", "-"), program), expected)


def test_a_program_that_answers_otherwise_than_before_stops_the_next_run(home: Project) -> None:
    first = run(home, "changes", KNOWS)
    assert first.code == 0, first.err
    rows = home.root / "rows.csv"
    rows.write_text(rows.read_text() + "31.5,60.1,good\n")
    require_refused(run(home, "changes", KNOWS.replace("0.1, 0.9", "0.4, 0.6")), "`canaries`: expected for .* before")
