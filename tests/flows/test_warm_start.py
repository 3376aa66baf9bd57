"""A recipe that goes on from release to release, run for real: what is begun with, how long it takes, what is said."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from mlflow import MlflowClient

from tests.flows.conftest import Project, Said, make_project
from tests.flows.tiny import RECIPE, write_tiny

pytestmark = pytest.mark.slow
INIT = "{kind: champion, fresh_every: 3"
"""the beginning of the section"""
BEGAN = "version 1, warm start 1 in a row"
HELD = rf"{BEGAN}, held to what that has right \(weight 2\), \d+% of the weights its own"
WARM = (
    RECIPE.replace("epochs: 20, ", "epochs: 20, warm: {epochs: 3}, ", 1)
    .replace("epochs: 2, ", "epochs: 6, warm: {epochs: 2}, ", 1)
    .replace("student:\n", f"  init: {INIT}}}\nstudent:\n  init: {INIT}, focal: 2, interpolate: true}}\n")
)
ANYHOW = ("--set", "promote.staging.not_worse_than_champion=false")
ROLES = ("teacher", "student alone", "student")
TOLD = ("teacher", "student alone", "student distilled")


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory, prefect_api: str) -> Project:
    """A clone with a recipe that begins with its champion; one release leads staging."""
    project = replace(make_project(tmp_path_factory.mktemp("warm")), api=prefect_api)
    write_tiny(project.root, "tiny")
    (project.root / "params/tiny.yaml").write_text(WARM)
    said = run(project)
    for role in TOLD:
        assert f"{role} from nothing: there is no release yet" in said.out
    assert epochs(project) == {"teacher": 20, "student alone": 6, "student": 6}
    return project


def run(project: Project, *more: str) -> Said:
    said = project.stillhouse("run", "params/tiny.yaml", *ANYHOW, *more)
    assert said.code == 0, said.err + said.out
    return said


def new_week(project: Project) -> None:
    """Adds a few rows to the data."""
    path = project.root / "rows.csv"
    lines = path.read_text().splitlines()
    more = [
        f"{20 + place / 7:.2f},{95 + len(lines) / 9 + place / 3:.2f},{'good' if place % 2 else 'bad'}"
        for place in range(20)
    ]
    path.write_text("\n".join([*lines, *more]) + "\n")


def stages(project: Project) -> dict[str, Any]:
    """Returns the stages of the last retrain by name, as MLflow has them."""
    client = MlflowClient(f"sqlite:///{project.root / '.stillhouse/mlflow.db'}")
    experiment = client.get_experiment_by_name("tiny")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id], order_by=["attributes.start_time DESC"])
    parent = next(run for run in runs if "mlflow.parentRunId" not in run.data.tags)
    prefix = "stillhouse.stage."
    return {
        "": parent,
        **{
            name.removeprefix(prefix): client.get_run(value)
            for name, value in parent.data.tags.items()
            if name.startswith(prefix) and value != "none"
        },
    }


def epochs(project: Project) -> dict[str, int]:
    """Returns how many epochs each training of the last retrain had."""
    client = MlflowClient(f"sqlite:///{project.root / '.stillhouse/mlflow.db'}")
    found = stages(project)
    return {role: len(client.get_metric_history(found[role].info.run_id, "train_loss")) for role in ROLES}


def test_the_second_release_begins_with_the_first_costs_fewer_epochs_and_says_so_everywhere(warm: Project) -> None:
    new_week(warm)
    said = run(warm)
    for role in TOLD:
        assert f"{role} from {BEGAN}" in said.out
    for role in ("student distilled", "student alone"):
        assert f"{role} from {BEGAN}, held to what that has right (weight 2)" in said.out
    assert epochs(warm) == {"teacher": 3, "student alone": 2, "student": 2}
    found = stages(warm)
    assert found["teacher"].data.tags["stillhouse.began_from"] == BEGAN
    assert re.fullmatch(HELD, found["student"].data.tags["stillhouse.began_from"])
    assert re.fullmatch(HELD, found[""].data.tags["stillhouse.began_from.baseline"])
    assert "train_focal_loss" in found["student"].data.metrics
    (page,) = (warm.root / ".stillhouse/artifacts").rglob(f"{found['register'].info.run_id}/artifacts/report.html")
    assert "Training began:" in page.read_text()
    assert re.search(f"student distilled from {HELD}", page.read_text())
    assert re.search(f"began from: {HELD}", warm.stillhouse("lineage", "staging").out)


def test_other_limits_on_the_same_data_train_nothing_again_though_another_release_leads(warm: Project) -> None:
    said = run(warm, "--set", "evaluate.resamples=600")
    assert {stage: said.stages[stage] for stage in ROLES} == dict.fromkeys(ROLES, "reused")


def test_bad_data_reached_what_began_with_its_release(warm: Project) -> None:
    first = json.loads(warm.stillhouse("lineage", "--model", "tiny", "--version", "1", "--json").out)
    (data,) = [one for one in first[0]["ancestors"] if one["kind"] == "data"]
    said = warm.stillhouse("lineage", "--data", data["version"]).out
    assert re.search(r"tiny version 2, .*by its beginning with version 1", said)


def test_another_architecture_begins_from_nothing_and_says_why(warm: Project) -> None:
    new_week(warm)
    said = run(warm, "--set", "student.architecture.hidden=[5]")
    assert "the student cannot begin with that of version" in said.out + said.err
    assert epochs(warm)["student"] == 6
    assert epochs(warm)["teacher"] == 3
    assert "of shape" in stages(warm)["student"].data.tags["stillhouse.began_from"]
