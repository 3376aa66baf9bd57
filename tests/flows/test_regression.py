"""A number for each row: from a recipe that `init` wrote to a device."""

import re

import numpy as np
import pytest

from tasks.runtime.bundle.predictor import Predictor
from tasks.runtime.preprocess.arrays import read_samples
from tests.flows.conftest import Project, Said, make_project

pytestmark = pytest.mark.slow

ROWS = 400


def heat_of(current: float, wind: float) -> float:
    return 3 * current - 2 * wind + float(np.sin(2 * wind))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, prefect_api: str) -> tuple[Project, Said]:
    """A clone with a measured table, for which `init` wrote a recipe that ran."""
    place = make_project(tmp_path_factory.mktemp("heat"))
    project = Project(place.root, place.connections, prefect_api)
    draws = np.random.default_rng(0).uniform(-2, 2, (ROWS, 2))
    rows = [f"{current:.4f},{wind:.4f},{heat_of(current, wind):.4f}" for current, wind in draws]
    (project.root / "heat.csv").write_text("\n".join(["current,wind,heat", *rows]) + "\n")
    made = project.stillhouse("init", "heat", "--table", "heat.csv", "--label", "heat")
    assert made.code == 0, made.err
    assert "`heat` is a number from" in made.out + made.err
    return project, project.stillhouse("run", "params/heat.yaml", "-v")


def test_it_is_promoted_by_r_squared_and_the_report_shows_errors_by_range(run: tuple[Project, Said]) -> None:
    project, said = run
    assert said.code == 0, said.out + said.err
    assert set(said.stages.values()) == {"done"}
    assert "R squared" in said.out
    assert "promoted to staging: version 1" in said.out
    found = re.search(r"report: (\S+)", said.out)
    assert found is not None
    page = (project.root / found[1]).read_text()
    for words in ("Answered and true", "How far off the file that ships is, in each part of the range"):
        assert words in page


def test_a_device_answers_near_the_number_with_an_interval_around(run: tuple[Project, Said]) -> None:
    project, _ = run
    predictor = Predictor.from_bundle(project.registered("heat", 1))
    errors, inside = [], 0
    for current, wind in np.random.default_rng(9).uniform(-1.5, 1.5, (40, 2)):
        row = f"current,wind\n{current:.4f},{wind:.4f}\n".encode()
        samples = read_samples(row, predictor.session.inputs["inputs"], predictor.preprocessor)
        (answer,) = predictor.answer(samples)
        errors.append(abs(answer["value"] - heat_of(current, wind)))
        inside += answer["low"] <= heat_of(current, wind) <= answer["high"]
    assert np.mean(errors) < 1.0
    assert inside > 20


def test_nothing_is_done_a_second_time(run: tuple[Project, Said]) -> None:
    again = run[0].stillhouse("run", "params/heat.yaml")
    assert again.code == 0, again.err
    assert "nothing changed" in again.out
