"""Releases that are versions in a real MLflow, a bundle that runs, and who leads."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from mlflow import MlflowClient

from tasks.contracts.releases import Release, Verdict
from tasks.core.files import artefact_of
from tasks.registry.ledger import database
from tasks.registry.ledger.history import History
from tasks.registry.versions import alias_target, ensure_version
from tasks.runtime.bundle.bundle import golden_of, write_bundle
from tasks.runtime.bundle.session import Session
from tasks.tracking import runs
from tests.runtime.conftest import FACTS, linear_model

PASSED = Verdict(environment="staging")
REFUSED = Verdict(environment="staging", failure="it does not run")


def forget() -> None:
    """Closes what this process has open of another state folder."""
    runs.client.cache_clear()
    database.engine.cache_clear()


def version_of(client: MlflowClient, model: str, key: str) -> int:
    experiment = client.get_experiment_by_name("Default")
    assert experiment is not None
    run = client.create_run(experiment.experiment_id)
    return ensure_version(model, key, f"{run.info.artifact_uri}/bundle", run.info.run_id, {"data_version": "v"})


def release_of(client: MlflowClient, model: str, key: str) -> Release:
    return release(model, version_of(client, model, key), key)


def release(model: str, version: int, key: str) -> Release:
    """Returns the record of a version, whether there is one or not."""
    return Release(
        model=model,
        version=version,
        fingerprint=key,
        bundle=(artefact_of(Path(__file__)),),
        teacher_version=1,
        data_version="v",
        git_commit="none",
        run_id="r",
        created=datetime.now(UTC),
    )


def leads(model: str) -> tuple[int | None, int | None]:
    """Returns who leads staging and who led it before, as MLflow shows it; the ledger must agree."""
    now, before = alias_target(model, "staging"), alias_target(model, "staging-previous")
    assert now == History.load(model).champion(model, "staging")
    assert before == next(iter(History.load(model).champions_before(model, "staging")), None)
    return now, before


def bundle_in(folder: Path) -> Path:
    """Writes a bundle that passes its self-test and returns its directory."""
    pictures = np.arange(20, dtype=np.uint8).reshape(5, 1, 2, 2)
    write_bundle(folder / "bundle", FACTS, linear_model(), golden_of(Session(linear_model()), {"inputs": pictures}))
    return folder / "bundle"
