"""The ledger and MLflow's registry of a team, on a real PostgreSQL."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError as NotUniqueError

from benchmarks.registry import replayed
from tasks.core.errors import InputError
from tasks.registry.ledger import database
from tasks.registry.ledger import entries as ledger
from tasks.registry.ledger.history import History
from tasks.registry.promotion import approve, audit, carry_out, roll_back
from tasks.registry.removal import refuse_removed, remove
from tasks.tracking import runs
from tests.evaluate.report.made import evaluation
from tests.postgresql import Cluster
from tests.registry.contestant import MODEL, RELEASES
from tests.registry.made import PASSED, REFUSED, forget, leads, release_of
from tests.registry.test_database import differences


@pytest.fixture(scope="module")
def team(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowClient]:
    """A machine of a team: the state folder is its own, ledger and MLflow are on the server."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STILLHOUSE_HOME", str(tmp_path_factory.mktemp("state")))
        patch.setenv("STILLHOUSE_LEDGER_URI", cluster.database("ledger"))
        patch.setenv("MLFLOW_TRACKING_URI", cluster.database("mlflow"))
        forget()
        yield runs.client()
        database.engine().dispose()
        forget()


def test_releases_are_found_again_and_a_fingerprint_is_registered_once(team: MlflowClient) -> None:
    release = release_of(team, "found", "a")
    ledger.add_release(release, evaluation())
    assert ledger.find_release("found", "a") == release == ledger.latest_release("found", History.load("found"))
    assert ledger.evaluation_of(release) == evaluation()
    with pytest.raises(NotUniqueError):
        ledger.add_release(release, evaluation())


def test_promotions_approvals_rollbacks_and_removals_leave_a_chain_that_holds(team: MlflowClient) -> None:
    first, second, third = (release_of(team, "moves", key) for key in "abc")
    for release in (first, second, third):
        ledger.add_release(release, evaluation())
        carry_out(release, REFUSED, "test")
    approve(second, "staging", "tested on the bench")
    for release in (first, second):
        carry_out(release, PASSED, "test")
    assert leads("moves") == (2, 1)
    assert History.load("moves").approval("moves", "staging", 2) is not None
    assert 0 < History.load("moves").hours_led("moves", "staging", 2) < 1
    roll_back("moves", "staging", "drops frames")
    assert leads("moves") == (1, None)
    assert History.load("moves").approval("moves", "staging", 2) is None
    remove(third, "test")
    with pytest.raises(InputError, match="removed"):
        refuse_removed(third, History.load())
    events = [row.event for row in History.load("moves").decisions]
    assert events[3:] == ["approved", *["intended", "promoted"] * 2, "rolling back", "rolled back", "removed"]
    assert audit(repair=False) == ()


def test_machines_that_decide_at_once_always_leave_exactly_one_champion(team: MlflowClient, tmp_path: Path) -> None:
    for key in range(RELEASES):
        release_of(team, MODEL, str(key))
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.registry.contestant", str(seed), "10"],
            env={**os.environ, "STILLHOUSE_HOME": str(tmp_path / str(seed))},
            stderr=subprocess.PIPE,
            text=True,
        )
        for seed in (1, 2)
    ]
    assert [process.communicate()[1] for process in running] == ["", ""]
    rows = History.load(MODEL).decisions
    assert {row.reason for row in rows} == {"contestant 1", "contestant 2"}
    assert replayed(rows) == []
    assert audit(repair=False) == ()


def test_migrations_make_the_tables_that_the_code_describes(team: MlflowClient) -> None:
    assert differences(database.engine()) == []


def test_a_ledger_of_version_0_1_is_refused(
    cluster: Cluster, team: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = create_engine(cluster.database("old"))
    with old.begin() as connection:
        connection.execute(text("create table promotions (id serial primary key, model varchar(40))"))
    monkeypatch.setenv("STILLHOUSE_LEDGER_URI", old.url.render_as_string(hide_password=False))
    database.engine.cache_clear()
    with pytest.raises(InputError, match=r"got that of version 0\.1; .* name an empty database in"):
        database.engine()
    database.engine.cache_clear()
    old.dispose()
