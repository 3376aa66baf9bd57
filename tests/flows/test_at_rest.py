"""What a run leaves on the disk is closed to others, and what is a person's own is not."""

from pathlib import Path
from typing import Any

OTHERS = 0o077
OWN = ("dvc.yaml", "dvc.lock", "params/digits.yaml", "data/digits/prepared/dataset.json", "data/digits/prepared")
OPEN = {"dvc-remote", "code"}
"""folders in which others decide: DVC's objects, and copies of the runtime, which is public. The state is closed"""


def test_others_reach_nothing_of_the_state(project: Any, first_run: Any) -> None:
    assert first_run.code == 0, first_run.err
    state: Path = project.root / ".stillhouse"
    assert state.stat().st_mode & OTHERS == 0
    found = [path for path in state.rglob("*") if not OPEN & {*path.relative_to(state).parts} and not path.is_symlink()]
    assert {"mlflow.db", "ledger.db", "prefect.db"} <= {path.name for path in found}
    assert [path for path in found if path.lstat().st_mode & OTHERS] == []


def test_files_of_a_person_have_the_usual_permissions(project: Any, first_run: Any) -> None:
    assert first_run.code == 0, first_run.err
    closed = [name for name in OWN if not (project.root / name).stat().st_mode & 0o040]
    assert closed == []
