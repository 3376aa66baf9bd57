from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import pytest
from mlflow import MlflowClient
from sqlalchemy import delete, event, insert, update
from sqlalchemy.exc import IntegrityError as NotUniqueError

from tasks.contracts.releases import Promotion
from tasks.core.errors import BusyError, InputError
from tasks.registry.ledger import database
from tasks.registry.ledger.chain import append, broken_links
from tasks.registry.ledger.history import History
from tasks.registry.ledger.tables import DECISIONS
from tasks.registry.promotion import AuditFinding, audit, carry_out, reconcile, roll_back
from tasks.registry.versions import KEY, alias_target, move_alias
from tests.registry.made import PASSED, REFUSED, leads, release_of, version_of


def test_a_key_registered_twice_is_one_version(registry: MlflowClient) -> None:
    assert version_of(registry, "twice", "a") == version_of(registry, "twice", "a") == 1
    assert version_of(registry, "twice", "b") == 2
    tags = registry.get_model_version("twice", "1").tags
    assert (tags[KEY], tags["data_version"]) == ("a", "v")


def test_a_passed_verdict_moves_the_alias_and_keeps_the_one_before(registry: MlflowClient) -> None:
    first, second = (release_of(registry, "moves", key) for key in "ab")
    assert carry_out(first, PASSED, "test").moved
    promotion = carry_out(second, PASSED, "test")
    assert (promotion.moved, promotion.previous) == (True, first.version)
    assert alias_target("moves", "staging") == second.version == History.load("moves").champion("moves", "staging")
    assert alias_target("moves", "staging-previous") == first.version


def test_a_refusal_is_recorded_and_moves_nothing(registry: MlflowClient) -> None:
    release = release_of(registry, "refused", "a")
    assert not carry_out(release, REFUSED, "test").moved
    assert alias_target("refused", "staging") is None
    assert History.load("refused").champion("refused", "staging") is None
    (row,) = History.load("refused").decisions
    assert (row.event, row.version, row.reason) == ("refused", release.version, "test")


def test_promoting_the_champion_again_changes_nothing(registry: MlflowClient) -> None:
    release = release_of(registry, "again", "a")
    assert carry_out(release, PASSED, "test").moved
    rows = len(History.load("again").decisions)
    assert not carry_out(release, PASSED, "test").moved
    assert len(History.load("again").decisions) == rows


def test_an_alias_moved_by_hand_is_put_back_by_the_next_promotion(registry: MlflowClient) -> None:
    first, second = (release_of(registry, "by-hand", key) for key in "ab")
    carry_out(second, PASSED, "test")
    registry.set_registered_model_alias("by-hand", "staging", str(first.version))
    assert carry_out(second, PASSED, "test").moved
    assert leads("by-hand") == (second.version, None)


def test_the_ledger_says_what_was_meant_before_and_what_was_done_after(registry: MlflowClient) -> None:
    carry_out(release_of(registry, "order", "a"), PASSED, "because")
    assert [(row.event, row.reason) for row in History.load("order").decisions] == [
        ("intended", "because"),
        ("promoted", "because"),
    ]


def test_each_rollback_goes_one_champion_further_back_until_there_is_none(registry: MlflowClient) -> None:
    for key in "abc":
        carry_out(release_of(registry, "back", key), PASSED, "test")
    assert leads("back") == (3, 2)
    done = roll_back("back", "staging", "too slow on the camera")
    assert (done.version, done.previous, done.verdict) == (2, 3, PASSED)
    assert leads("back") == (2, 1)
    roll_back("back", "staging", "no better")
    assert leads("back") == (1, None)
    with pytest.raises(InputError, match="got version 1 and none before it"):
        roll_back("back", "staging", "again")
    carry_out(release_of(registry, "back", "c"), PASSED, "corrected")
    assert leads("back") == (3, 1)


def test_nothing_is_rolled_back_where_nothing_was_promoted(registry: MlflowClient) -> None:
    release_of(registry, "never", "a")
    with pytest.raises(InputError, match="expected a champion and one before it, got none; see `stillhouse history"):
        roll_back("never", "staging", "test")


@pytest.mark.parametrize("intent", ["intended", "rolling back"])
@pytest.mark.parametrize("moved", [0, 1, 2])
def test_what_was_interrupted_between_intention_and_end_is_finished_by_the_next_who_comes(
    registry: MlflowClient, intent: Any, moved: int
) -> None:
    model = f"cut-{intent[0]}-{moved}"
    first, second = (release_of(registry, model, key) for key in "ab")
    carry_out(first, PASSED, "test")
    if intent == "rolling back":
        carry_out(second, PASSED, "test")
    wanted, before = (2, 1) if intent == "intended" else (1, None)
    append(History.load(), intent, model, "staging", wanted, "test", PASSED)
    for alias, version in [("staging", wanted), ("staging-previous", before)][:moved]:
        move_alias(model, alias, version)
    (said,) = reconcile(model)
    assert f"version {wanted} is" in said
    assert leads(model) == (wanted, before)
    assert reconcile(model) == ()


def test_an_alias_moved_by_hand_is_reported_and_put_back_on_request(registry: MlflowClient) -> None:
    for key in "ab":
        carry_out(release_of(registry, "strayed", key), PASSED, "test")
    assert audit(repair=False) == ()
    registry.set_registered_model_alias("strayed", "staging", "1")
    (line,) = audit(repair=False)
    assert line == AuditFinding("MLflow alias `staging` of `strayed`: expected version 2, got 1")
    assert audit(repair=True) == (AuditFinding(f"{line}; put back", repaired=True),)
    assert audit(repair=False) == ()
    assert leads("strayed") == (2, 1)


def test_a_decision_that_was_changed_or_removed_breaks_the_chain_where_it_was(registry: MlflowClient) -> None:
    carry_out(release_of(registry, "tampered", "a"), PASSED, "test")
    carry_out(release_of(registry, "tampered", "b"), REFUSED, "test")
    row = History.load("tampered").decisions[-1]
    for change in ({"reason": "better so"}, {"version": 1}, {"event": "promoted"}, {"verdict": "{}"}):
        old = {name: getattr(row, name) for name in change}
        rewrite(row.id, change)
        (link,) = broken_links(History.load())
        assert link.row.startswith(f"ledger: row {row.id} (tampered staging")
        rewrite(row.id, old)
    assert list(broken_links(History.load())) == []
    carry_out(release_of(registry, "tampered", "c"), REFUSED, "test")
    with database.engine().begin() as connection:
        connection.execute(delete(DECISIONS).where(DECISIONS.c.id == row.id))
    (link,) = broken_links(History.load())
    assert "rows are missing or moved" in link.problem
    with database.engine().begin() as connection:
        connection.execute(insert(DECISIONS).values(**asdict(row)))


def rewrite(row: int, values: dict[str, Any]) -> None:
    with database.engine().begin() as connection:
        connection.execute(update(DECISIONS).where(DECISIONS.c.id == row).values(**values))


def test_two_who_saw_the_same_last_row_cannot_both_add_the_next(registry: MlflowClient) -> None:
    carry_out(release_of(registry, "race", "a"), PASSED, "test")
    last = History.load().decisions[-1]
    with pytest.raises(NotUniqueError), database.engine().begin() as connection:
        connection.execute(insert(DECISIONS).values({**asdict(last), "id": None}))


@contextmanager
def decisions_read() -> Iterator[list[str]]:
    """Yields the queries on the table of decisions that the block makes."""
    read: list[str] = []

    def note(*arguments: Any) -> None:
        if f"FROM {DECISIONS.name}" in arguments[2]:
            read.append(arguments[2])

    event.listen(database.engine(), "before_cursor_execute", note)
    yield read
    event.remove(database.engine(), "before_cursor_execute", note)


def test_a_promotion_a_rollback_and_a_refusal_each_read_the_decisions_once(registry: MlflowClient) -> None:
    first, second = (release_of(registry, "frugal", key) for key in "ab")
    steps: list[Callable[[], Promotion]] = [
        lambda: carry_out(first, PASSED, "test"),
        lambda: carry_out(second, PASSED, "test"),
        lambda: carry_out(second, REFUSED, "test"),
        lambda: roll_back("frugal", "staging", "test"),
    ]
    for decide in steps:
        with decisions_read() as read:
            decide()
        assert len(read) == 1
    assert leads("frugal") == (first.version, None)


def test_a_decision_is_not_added_by_a_process_that_has_not_read_the_last_one(registry: MlflowClient) -> None:
    carry_out(release_of(registry, "late", "a"), PASSED, "test")
    seen = History.load()
    append(seen, "approved", "late", "edge", 1, "by another process")
    with pytest.raises(BusyError, match="added meanwhile"):
        append(seen, "approved", "late", "edge", 1, "on a history of before")
    with pytest.raises(ValueError, match="history of all models"):
        append(History.load("late"), "approved", "late", "edge", 1, "on a part of the history")
