"""A run whose students are trained by two processes each, through every stage."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from tests.flows.conftest import Project, make_project

pytestmark = pytest.mark.slow
EPOCHS = 8
SETTINGS = (
    "teacher.training.epochs=3",
    f"student.training.epochs={EPOCHS}",
    "student.training.batch_size=32",
    "compress.candidates=[fp32]",
    "promote.staging.approval=manual",
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, prefect_api: str) -> Project:
    return replace(make_project(tmp_path_factory.mktemp("processes")), api=prefect_api)


def run(place: Project, processes: int) -> dict[str, Any]:
    """Runs the recipe; returns the newest MLflow run of each stage."""
    settings = (*SETTINGS, f"student.processes={processes}")
    said = place.stillhouse("run", "params/digits.yaml", *(word for one in settings for word in ("--set", one)))
    assert said.code == 0, said.err + said.out
    client = MlflowClient(f"sqlite:///{place.root / '.stillhouse/mlflow.db'}")
    experiment = client.get_experiment_by_name("digits")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    return {str(run.info.run_name): run for run in sorted(runs, key=lambda run: run.info.start_time)}


def test_two_processes_come_to_the_accuracy_of_one_and_log_each_epoch_once(place: Project) -> None:
    one, two = run(place, 1), run(place, 2)
    client = MlflowClient(f"sqlite:///{place.root / '.stillhouse/mlflow.db'}")
    for stage in ("student", "student alone"):
        assert one[stage].info.run_id != two[stage].info.run_id
        assert len(client.get_metric_history(two[stage].info.run_id, "train_loss")) == EPOCHS
        accuracies = [runs[stage].data.metrics["best_validation_accuracy"] for runs in (one, two)]
        assert min(accuracies) > 0.6
        assert abs(accuracies[0] - accuracies[1]) < 0.05, accuracies
    assert one["teacher"].info.run_id == two["teacher"].info.run_id
    kept = [path.name for path in Path(two["student"].info.artifact_uri.removeprefix("file://")).iterdir()]
    assert kept == ["student-model.safetensors"]
    assert [*(place.root / ".stillhouse/checkpoints").iterdir()] == []
