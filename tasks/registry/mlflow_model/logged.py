"""The model in MLflow behind a version: its files, its metrics, and what it was measured on.

MLflow calls it a logged model. There is one for each fingerprint, found by the same key as the version, so that what a
killed process has begun is finished and not made twice.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlflow.entities import LoggedModelOutput, Metric
from mlflow.models import Model

from tasks.contracts.metrics import finite
from tasks.contracts.scores import EvaluationRecord
from tasks.core.files import artefact_of
from tasks.core.record import Artefact
from tasks.registry.mlflow_model.folder import write_model
from tasks.registry.versions import KEY
from tasks.runtime.pyfunc import BUNDLE
from tasks.tracking.artifacts import upload_folder
from tasks.tracking.metric_names import metric_name
from tasks.tracking.runs import StageRun, client

VERSIONS = "mlflow.modelVersions"
"""by which the page of a model names its versions"""


def log_model(run: StageRun, name: str, evaluation: EvaluationRecord, bundle: Path) -> tuple[str, tuple[Artefact, ...]]:
    """Uploads a bundle as an MLflow model with its metrics; returns the model's id and the files of the bundle.

    Args:
        run: the open run, which the model's page names as its source.
        name: of the registered model.
        evaluation: which the bundle was made of.
        bundle: its folder, which is moved.
    """
    logged = _found_or_made(run, name, evaluation)
    place = str(logged.artifact_location)
    write_model(run.scratch / "model", bundle, _entry(run, logged))
    upload_folder(run.scratch / "model", place)
    client().log_batch(run.id, metrics=[*_metrics(logged.model_id, evaluation)])
    client().log_outputs(run.id, [LoggedModelOutput(logged.model_id, 0)])
    client().finalize_logged_model(logged.model_id, "READY")
    files = sorted((run.scratch / "model" / BUNDLE).iterdir())
    return logged.model_id, tuple(artefact_of(path, f"{place}/{BUNDLE}/{path.name}") for path in files)


def note_version(model_id: str, name: str, version: int) -> None:
    """Lets the page of a model name the version that it became."""
    client().set_logged_model_tags(model_id, {VERSIONS: json.dumps([{"name": name, "version": str(version)}])})


def _found_or_made(run: StageRun, name: str, evaluation: EvaluationRecord) -> Any:
    experiment = client().get_run(run.id).info.experiment_id
    found = client().search_logged_models([experiment], f"tags.`{KEY}` = '{evaluation.digest}'")
    tags = {KEY: evaluation.digest, "data_version": evaluation.data.version, "candidate": evaluation.chosen}
    return found[0] if found else client().create_logged_model(experiment, name, run.id, tags, _params(evaluation))


def _entry(run: StageRun, logged: Any) -> Model:
    """Returns what `MLmodel` says of where the model comes from."""
    return Model(
        artifact_path=logged.artifact_location, run_id=run.id, model_id=logged.model_id, model_uuid=logged.model_id
    )


def _params(evaluation: EvaluationRecord) -> dict[str, str]:
    return {
        "task": evaluation.data.task,
        "student": evaluation.student.architecture.kind,
        "teacher": evaluation.teacher.architecture.kind,
        "parameters": str(evaluation.shipped.parameters),
        "target": evaluation.target.isa,
        "threads": str(evaluation.target.threads),
    }


def _metrics(model_id: str, evaluation: EvaluationRecord) -> Iterator[Metric]:
    """Yields the numbers of the file that ships, of the test split."""
    shipped, now = evaluation.shipped, int(time.time() * 1000)
    measured = {
        **shipped.values,
        "agreement": shipped.agreement.value,
        "bytes": float(shipped.size),
        "p50_ms": shipped.p50_ms,
        "p95_ms": shipped.p95_ms,
    }
    for name, value in finite(measured).items():
        yield Metric(metric_name(name), value, now, 0, model_id, evaluation.data.name, evaluation.data.version)
