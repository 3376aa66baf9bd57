from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from mlflow import MlflowClient

from tasks import tracking
from tasks.records import Artefact
from tasks.registry import ledger
from tasks.registry.promotion import carry_out
from tasks.registry.versions import KEY, alias_target, ensure_version
from tasks.releases import Release, Verdict

PASSED = Verdict(environment="staging", passed=True, checks=())
REFUSED = Verdict(environment="staging", passed=False, checks=())


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowClient]:
    """A real MLflow on a new SQLite file, and a new ledger beside it."""
    home = tmp_path_factory.mktemp("state")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STILLHOUSE_HOME", str(home))
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home / 'mlflow.db'}")
        forget()
        yield tracking.client()
        forget()


def forget() -> None:
    tracking.client.cache_clear()
    ledger._engine.cache_clear()


def version_of(client: MlflowClient, model: str, key: str) -> int:
    experiment = client.get_experiment_by_name("Default")
    assert experiment is not None
    run = client.create_run(experiment.experiment_id)
    return ensure_version(model, key, f"{run.info.artifact_uri}/bundle", run.info.run_id, {"data_version": "v"})


def release_of(client: MlflowClient, model: str, key: str) -> Release:
    return Release(
        model=model,
        version=version_of(client, model, key),
        fingerprint=key,
        bundle=(Artefact(uri="file:///m", sha256="0" * 64, size=1),),
        teacher_version=1,
        data_version="v",
        run_id="r",
        created=datetime.now(UTC),
    )


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
    assert alias_target("moves", "staging") == second.version == ledger.champion("moves", "staging")
    assert alias_target("moves", "staging-previous") == first.version


def test_a_refusal_is_recorded_and_moves_nothing(registry: MlflowClient) -> None:
    release = release_of(registry, "refused", "a")
    assert not carry_out(release, REFUSED, "test").moved
    assert alias_target("refused", "staging") is None
    assert ledger.champion("refused", "staging") is None
    (row,) = ledger.promotions("refused")
    assert (row.event, row.version, row.reason) == ("refused", release.version, "test")


def test_promoting_the_champion_again_changes_nothing(registry: MlflowClient) -> None:
    release = release_of(registry, "again", "a")
    assert carry_out(release, PASSED, "test").moved
    rows = len(ledger.promotions("again"))
    assert not carry_out(release, PASSED, "test").moved
    assert len(ledger.promotions("again")) == rows


def test_an_alias_moved_by_hand_is_put_back_by_the_next_promotion(registry: MlflowClient) -> None:
    first, second = (release_of(registry, "by-hand", key) for key in "ab")
    carry_out(second, PASSED, "test")
    registry.set_registered_model_alias("by-hand", "staging", str(first.version))
    assert carry_out(second, PASSED, "test").moved
    assert alias_target("by-hand", "staging") == second.version


def test_the_ledger_says_what_was_meant_before_and_what_was_done_after(registry: MlflowClient) -> None:
    carry_out(release_of(registry, "order", "a"), PASSED, "because")
    assert [(row.event, row.reason) for row in ledger.promotions("order")] == [
        ("intended", "because"),
        ("promoted", "because"),
    ]
