"""From a trained network to its record: weights stored as an artifact, the history logged epoch by epoch."""

from datetime import UTC, datetime
from pathlib import Path

from params.models import Architecture
from tasks.contracts.beginnings import Beginning
from tasks.contracts.records import Built, DataRecord, ModelRecord
from tasks.contracts.targets import TargetCard
from tasks.models.build import count_parameters
from tasks.models.weights import save_weights
from tasks.tracking.runs import StageRun
from tasks.training.loop import Fit
from tasks.training.network import Trained

WEIGHTS = "model.safetensors"
BEGAN = "stillhouse.began_from"
"""tag of the run of a training: of which release its first weights are, or why it began from nothing"""


def record_of(
    run: StageRun,
    role: str,
    architecture: Architecture,
    trained: Trained,
    data: DataRecord,
    warnings: tuple[str, ...] = (),
    licences: tuple[str, ...] = (),
    beginning: Beginning | None = None,
) -> ModelRecord:
    """Uploads the weights to the run and returns the record of a network.

    Args:
        run: of the stage.
        role: what the network is in this retrain.
        architecture: how to build it again.
        trained: the network and its history.
        data: what it was trained on.
        warnings: what a person should know about it.
        licences: of what it learned from or began with, beside the data.
        beginning: what it was asked to begin from; None where nothing was.
    """
    path = weights_file(run, role)
    save_weights(trained.network, path)
    return record_of_file(
        run,
        role=role,
        built=architecture,
        path=path,
        parameters=count_parameters(trained.network),
        targets=trained.network.spec.targets,
        fit=trained.fit,
        data=data,
        warnings=warnings,
        licences=licences,
        beginning=beginning,
    )


def weights_file(run: StageRun, role: str) -> Path:
    """Returns where the weights of a network are written before they are uploaded."""
    return run.scratch / f"{role}-{WEIGHTS}"


def record_of_file(
    run: StageRun,
    *,
    role: str,
    built: Built,
    path: Path,
    parameters: int,
    targets: TargetCard,
    fit: Fit,
    data: DataRecord,
    warnings: tuple[str, ...],
    licences: tuple[str, ...],
    beginning: Beginning | None,
) -> ModelRecord:
    """Uploads the file of a model to the run and returns its record; `built` says how to build it again with it."""
    best = {name: value for name, value in fit.best.items() if name.startswith("validation_")}
    run.metrics(fit.best_epoch, {f"best_{name}": value for name, value in best.items()})
    run.uses(data)
    if beginning:
        run.tags({BEGAN: beginning.words})
    return ModelRecord.model_validate(
        {
            "role": role,
            "architecture": built,
            "input": data.input,
            "task": data.task,
            "targets": targets,
            "weights": run.keep(path),
            "parameters": parameters,
            "data_version": data.version,
            "licences": licences,
            "beginning": beginning.on_record if beginning else None,
            "validation": best,
            "warnings": warnings,
            "run_id": run.id,
            "created": datetime.now(UTC),
        }
    )


def summary_of(record: ModelRecord) -> str:
    """Returns a line about a model: its size where that is known and, whatever the kind of task, its scores."""
    scores = [
        f"{name.replace('_', ' ')} {value:.4f}" for name, value in record.validation.items() if "loss" not in name
    ]
    size = f"{record.parameters:,} parameters" if record.parameters else record.architecture.kind
    return ", ".join([size, *scores])
