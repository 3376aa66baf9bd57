"""`stillhouse doctor` as it is typed."""

import shutil
from typing import Any

import pytest

from tests.flows.conftest import Project, make_project


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A clone of its own: in the one that others type in, a server may still be making its database."""
    return make_project(tmp_path_factory.mktemp("doctor"))


def test_a_fresh_clone_is_well_and_stays_as_it_was(fresh: Any) -> None:
    said = fresh.stillhouse("doctor")
    assert said.code == 0, said.out
    assert "wrong" not in said.out
    assert not (fresh.root / ".stillhouse/mlflow.db").exists()


def test_what_is_wrong_is_one_line_with_the_command_that_mends_it_and_exit_1(fresh: Any) -> None:
    damaged = fresh.root / ".dvc/cache/files/md5/00/1122"
    damaged.parent.mkdir(parents=True)
    damaged.write_text("other bytes")
    said = fresh.stillhouse("doctor", "--deep")
    shutil.rmtree(fresh.root / ".dvc/cache")
    assert said.code == 1
    (line,) = [line for line in said.out.splitlines() if "expected" in line]
    assert f"; rm -f {damaged} && stillhouse run RECIPE" in line
    assert "1 finding" in said.err
