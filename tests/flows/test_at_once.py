"""Several first runs at once in a fresh clone: each makes its release, or waits for what another makes."""

import subprocess
from pathlib import Path

import pytest

from tests.flows.conftest import make_project
from tests.flows.tiny import write_tiny

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("count", [2, 4])
def test_first_runs_at_once_all_come_to_a_release(tmp_path: Path, count: int) -> None:
    project, names = make_project(tmp_path), [f"tiny-{place}" for place in range(count)]
    write_tiny(project.root, *names)
    runs = [project.started("run", f"params/{name}.yaml") for name in names]
    for run in runs:
        said(run)
    status = project.stillhouse("status")
    assert [line.partition(" since")[0] for line in status.out.splitlines()] == [
        f"{name} staging: version 1" for name in names
    ]
    listed = (project.root / "dvc.yaml").read_text()
    assert all(f"      {name}: {{source: rows.csv}}\n" in listed for name in names)


def test_eight_first_commands_at_once_all_end_well(tmp_path: Path) -> None:
    """Three of them are runs, two of these of one recipe, which comes to one release; the first makes the databases.

    Eight runs would need eight times the processor time of one, which says no more. Eight servers at once start in
    `tests/infra/test_prefect_database.py`.
    """
    project = make_project(tmp_path)
    write_tiny(project.root, "one", "two")
    runs = [("run", "params/one.yaml"), ("run", "params/two.yaml"), ("run", "params/one.yaml")]
    looks = [("status",), ("status", "--json"), ("check", "params/two.yaml"), ("audit",), ("channel", "status")]
    commands = [project.started(*command) for command in (*runs, *looks)]
    for command in commands:
        said(command)
    assert [line.partition(" since")[0] for line in project.stillhouse("status").out.splitlines()] == [
        "one staging: version 1",
        "two staging: version 1",
    ]
    assert project.stillhouse("audit").code == 0
    again = [project.started(*command) for command in (*runs, *runs, *runs[:2])]
    assert all("nothing changed since " in said(command) for command in again)


def said(run: "subprocess.Popen[str]") -> str:
    out, err = run.communicate(timeout=900)
    assert run.returncode == 0, out + err
    return out
