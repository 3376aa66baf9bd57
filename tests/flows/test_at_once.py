"""Several first runs at once in a fresh clone: each makes its release, or waits for what another makes."""

import subprocess
from pathlib import Path

import pytest

from tests.flows.conftest import make_project
from tests.flows.tiny import write_tiny

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("count", [2, 4, 8])
def test_first_runs_at_once_all_come_to_a_release(tmp_path: Path, count: int) -> None:
    project, names = make_project(tmp_path), [f"tiny-{place}" for place in range(count)]
    write_tiny(project.root, *names)
    runs = [project.started("run", f"params/{name}.yaml") for name in names]
    assert all(_ended_well(run) for run in runs)
    status = project.stillhouse("status")
    assert [line.partition(" since")[0] for line in status.out.splitlines()] == [
        f"{name} staging: version 1" for name in names
    ]
    listed = (project.root / "dvc.yaml").read_text()
    assert all(f"      {name}: {{source: rows.csv, " in listed for name in names)


def test_two_first_runs_of_one_recipe_come_to_one_release(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    write_tiny(project.root, "tiny")
    runs = [project.started("run", "params/tiny.yaml") for _ in range(2)]
    assert all(_ended_well(run) for run in runs)
    assert project.stillhouse("status").out.startswith("tiny staging: version ")
    assert project.stillhouse("audit").code == 0


def _ended_well(run: "subprocess.Popen[str]") -> bool:
    out, err = run.communicate(timeout=900)
    assert run.returncode == 0, out + err
    return True
