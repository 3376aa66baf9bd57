"""A project of one's own, from the built wheel: nothing of this repository is on its way."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.soak.world import QUICK

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel installs; the libraries are those of this environment."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "-q"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", folder / "dist", ROOT], check=True)
    (wheel,) = (folder / "dist").glob("stillhouse-*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", folder / "site", wheel], check=True)
    return folder / "site"


def stillhouse(site: Path, folder: Path, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("STILLHOUSE_", "MLFLOW_"))}
    environment |= {"PYTHONPATH": str(site), "COLUMNS": "200"}
    command = [sys.executable, "-m", "cli.main", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_an_installed_wheel_makes_a_project_in_which_everything_works(site: Path, tmp_path: Path) -> None:
    where = subprocess.run(
        [sys.executable, "-c", "import cli; print(cli.__file__)"],
        env=os.environ | {"PYTHONPATH": str(site)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert where.stdout.startswith(str(site))
    stillhouse(site, tmp_path, "new", "mine")
    project = tmp_path / "mine"
    quick = [word for one in QUICK for word in ("--set", one)]
    assert "promoted to staging: version 1" in stillhouse(site, project, "run", "params/digits.yaml", *quick)
    assert "nothing changed" in stillhouse(site, project, "run", "params/digits.yaml", *quick)
    assert "files are there with the bytes on record" in stillhouse(site, project, "lineage", "staging", "--verify")
    stillhouse(site, project, "doctor")
    stillhouse(site, project, "audit")
