from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, delete, update
from sqlalchemy import text as sql

from tasks.contracts.releases import Verdict
from tasks.core.fingerprint import Ingredients
from tasks.registry.ledger import database
from tasks.registry.ledger import entries as ledger
from tasks.registry.ledger.chain import append, broken_links
from tasks.registry.ledger.history import History
from tasks.registry.ledger.seals import seal_of
from tasks.registry.ledger.tables import RELEASES, RUNS
from tests.evaluate.report.made import evaluation, release

PASSED = Verdict(environment="staging")
MADE_OF = Ingredients(recipe={"seed": 0}, data={}, code={}, libraries={})


@pytest.fixture(autouse=True)
def a_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A release, the run that made it, and a decision about it."""
    monkeypatch.setenv("STILLHOUSE_HOME", str(tmp_path))
    monkeypatch.delenv("STILLHOUSE_LEDGER_URI", raising=False)
    database.engine.cache_clear()
    ledger.add_release(release(), evaluation())
    ledger.add_run("trees", MADE_OF, "released", 3)
    append(History.load(), "promoted", "trees", "staging", 3, "test", PASSED)
    yield
    database.engine.cache_clear()


def change(table: Table, **values: Any) -> None:
    with database.engine().begin() as connection:
        connection.execute(update(table).values(**values))


def test_rows_as_they_were_written_hold() -> None:
    assert ledger.rows(History.load()) == (("run 1", "ok"), ("release trees 3", "ok"))
    assert list(broken_links(History.load())) == []


@pytest.mark.parametrize(
    ("table", "values", "row"),
    [
        (RELEASES, {"release": "{}"}, "release trees 3"),
        (RELEASES, {"evaluation": "{}"}, "release trees 3"),
        (RELEASES, {"fingerprint": "0"}, "release trees 3"),
        (RELEASES, {"seal": "0" * 64}, "release trees 3"),
        (RUNS, {"ingredients": "{}"}, "run 1"),
        (RUNS, {"version": 4}, "run 1"),
    ],
)
def test_a_changed_row_is_found_by_its_seal(table: Table, values: dict[str, Any], row: str) -> None:
    change(table, **values)
    assert ledger.damaged_rows(History.load()) == (f"ledger: {row} is changed",)


def test_a_release_that_was_sealed_again_or_taken_out_is_found_by_the_decision_about_it() -> None:
    with database.engine().begin() as connection:
        connection.execute(update(RELEASES).values(evaluation="{}"))
        row = connection.execute(RELEASES.select()).one()
        connection.execute(update(RELEASES).values(seal=seal_of(row._mapping)))
    assert ("release trees 3", "changed") in ledger.rows(History.load())
    with database.engine().begin() as connection:
        connection.execute(delete(RELEASES))
    assert ("release trees 3", "missing") in ledger.rows(History.load())


def test_a_decision_that_forgets_the_seal_of_its_release_breaks_the_chain() -> None:
    with database.engine().begin() as connection:
        connection.execute(sql("update decisions set release_seal = null"))
    (link,) = broken_links(History.load())
    assert "row 1 (trees staging promoted): expected digest" in str(link)
