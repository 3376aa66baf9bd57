"""From a trained network to its record: weights stored as an artifact, the history logged epoch by epoch."""

from datetime import UTC, datetime

from params.models import Architecture
from tasks.contracts.records import DataRecord, ModelRecord
from tasks.models.build import count_parameters
from tasks.models.weights import save_weights
from tasks.tracking.runs import StageRun
from tasks.training.network import Trained

WEIGHTS = "model.safetensors"


def record_of(
    run: StageRun,
    role: str,
    architecture: Architecture,
    trained: Trained,
    data: DataRecord,
    warnings: tuple[str, ...] = (),
) -> ModelRecord:
    """Uploads the weights to the run and returns the record of a network.

    Args:
        run: of the stage.
        role: what the network is in this retrain.
        architecture: how to build it again.
        trained: the network and its history.
        data: what it was trained on.
        warnings: what a person should know about it.
    """
    path = run.scratch / f"{role}-{WEIGHTS}"
    save_weights(trained.network, path)
    best = {name: value for name, value in trained.fit.best.items() if name.startswith("validation_")}
    run.metrics(trained.fit.best_epoch, {f"best_{name}": value for name, value in best.items()})
    run.uses(data)
    return ModelRecord.model_validate(
        {
            "role": role,
            "architecture": architecture,
            "input": data.input,
            "task": data.task,
            "targets": trained.network.spec.targets,
            "weights": run.keep(path),
            "parameters": count_parameters(trained.network),
            "data_version": data.version,
            "validation": best,
            "warnings": warnings,
            "run_id": run.id,
            "created": datetime.now(UTC),
        }
    )


def summary_of(record: ModelRecord) -> str:
    """Returns a line about a trained network: its size and, whatever the kind of task, its scores on validation."""
    scores = [
        f"{name.replace('_', ' ')} {value:.4f}" for name, value in record.validation.items() if "loss" not in name
    ]
    return ", ".join([f"{record.parameters:,} parameters", *scores])
