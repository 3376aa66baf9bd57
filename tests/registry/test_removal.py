import pytest
from mlflow import MlflowClient

from tasks.contracts.releases import Release
from tasks.core.errors import InputError, RefusedError
from tasks.registry.ledger import entries as ledger
from tasks.registry.ledger.history import History
from tasks.registry.promotion import approve, audit, carry_out, roll_back
from tasks.registry.removal import finish, idle_teachers, older, removable, remove, unfinished
from tasks.registry.versions import ensure_version, versions_of
from tests.evaluate.report.made import evaluation
from tests.registry.made import PASSED, leads, release_of


def registered(client: MlflowClient, model: str, keys: str, teacher: int = 1) -> list[Release]:
    """Returns releases that are in MLflow and in the ledger, one per letter."""
    made = [release_of(client, model, key).model_copy(update={"teacher_version": teacher}) for key in keys]
    for release in made:
        ledger.add_release(release, evaluation())
    return made


def versions(releases: object) -> list[int]:
    return [release.version for release in releases]  # type: ignore[attr-defined]


def test_a_removed_version_can_be_neither_promoted_nor_approved_nor_removed_again(registry: MlflowClient) -> None:
    first, second = registered(registry, "gone", "ab")
    carry_out(second, PASSED, "test")
    remove(first, "no longer wanted")
    for attempt in (
        lambda: carry_out(first, PASSED, "x"),
        lambda: approve(first, "edge", "x"),
        lambda: remove(first, ""),
    ):
        with pytest.raises(InputError, match=r"got one that was removed .* by .* \(no longer wanted\)"):
            attempt()
    assert ledger.latest_release("gone", History.load("gone")) == second
    assert leads("gone") == (second.version, None)
    assert audit(repair=False) == ()


def test_a_rollback_goes_past_a_version_that_was_removed(registry: MlflowClient) -> None:
    releases = registered(registry, "past", "abcd")
    for release in releases:
        carry_out(release, PASSED, "test")
    remove(releases[1], "test")
    assert leads("past") == (4, 3)
    roll_back("past", "staging", "test")
    assert leads("past") == (3, 1)
    roll_back("past", "staging", "test")
    assert leads("past") == (1, None)
    assert audit(repair=False) == ()


def test_what_leads_or_led_before_or_has_an_alias_is_not_removable_and_the_message_says_why(
    registry: MlflowClient,
) -> None:
    for release in registered(registry, "held", "abcd")[:2]:
        carry_out(release, PASSED, "test")
    registry.set_registered_model_alias("held", "best", "3")
    expected = {1: "the place before the champion of `staging`", 2: "`staging`", 3: "alias `best`"}
    for version, place in expected.items():
        with pytest.raises(RefusedError, match=f"expected one that nothing points to, got one in {place}; promote or"):
            removable("held", version, History.load())
    assert removable("held", 4, History.load()).version == 4
    with pytest.raises(InputError, match="got no version 5"):
        removable("held", 5, History.load())
    assert versions(release for release in older(1, set(), History.load()) if release.model == "held") == []


def test_the_newest_stay_and_with_them_what_the_last_run_came_to(registry: MlflowClient) -> None:
    registered(registry, "many", "abcde")
    assert versions(release for release in older(2, set(), History.load()) if release.model == "many") == [1, 2, 3]
    assert versions(release for release in older(2, {("many", 2)}, History.load()) if release.model == "many") == [1, 3]
    assert versions(release for release in older(9, set(), History.load()) if release.model == "many") == []


def test_a_removal_that_was_interrupted_is_finished_and_its_fingerprint_makes_another_version(
    registry: MlflowClient,
) -> None:
    first, _ = registered(registry, "again", "ab")
    remove(first, "test")
    assert unfinished(first)
    registry.delete_model_version("again", "1")
    assert unfinished(first)
    for _ in range(2):
        finish(first)
        assert not unfinished(first)
    assert ledger.release_of("again", 1) == first
    assert ledger.evaluation_of(first) == evaluation()
    (made,) = registered(registry, "again", "a")
    assert made.version == 3
    assert ledger.find_release("again", "a") == made
    assert versions_of("again") == {2, 3}
    assert [row.event for row in History.load("again").decisions] == ["removed"]


def test_a_teacher_goes_with_the_last_version_that_learned_from_it(registry: MlflowClient) -> None:
    for key in "xyz":
        ensure_version("taught-teacher", key, "source", "run", {})
    registered(registry, "taught", "ab", teacher=1)
    registered(registry, "taught", "cd", teacher=2)
    assert list(idle_teachers({("taught", 1)})) == []
    assert list(idle_teachers({("taught", 1), ("taught", 2)})) == [("taught-teacher", 1)]
    registry.set_registered_model_alias("taught-teacher", "reference", "1")
    assert list(idle_teachers({("taught", 1), ("taught", 2)})) == []
