"""Pictures with boxes, from recipe to device."""

import base64
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.flows.conftest import Project, Said, make_project

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, prefect_api: str) -> tuple[Project, Said]:
    """A clone in which the synthetic recipe ran."""
    place = make_project(tmp_path_factory.mktemp("blobs"))
    project = Project(place.root, place.connections, prefect_api)
    return project, project.stillhouse("run", "params/blobs.yaml", "-v")


def folder_of(project: Project) -> Path:
    """Returns the folder with the release's bundle."""
    (manifest,) = (project.root / ".stillhouse").rglob("manifest.json")
    return manifest.parent


def test_a_recipe_of_boxes_becomes_a_promoted_student(run: tuple[Project, Said]) -> None:
    _, said = run
    assert said.code == 0, said.out + said.err
    assert set(said.stages.values()) == {"done"}
    assert "AP50" in said.out
    assert "labels.scores" in said.out
    assert "kl.places" in said.out
    assert "promoted to staging: version 1" in said.out


def test_a_device_tells_boxes_from_the_score_that_validation_gave(run: tuple[Project, Said]) -> None:
    project, said = run
    found = re.search(r"tells answers from a score of (0\.\d+) on: recall", said.out)
    assert found is not None
    manifest = json.loads((folder_of(project) / "manifest.json").read_text())
    least = manifest["targets"]["facts"]["least_score"]
    assert f"{least:.3f}" == found[1] != "0.300"  # of the reader


def test_the_report_shows_boxes_and_precision_at_each_recall(run: tuple[Project, Said]) -> None:
    project, said = run
    found = re.search(r"report: (\S+)", said.out)
    assert found is not None
    page = (project.root / found[1]).read_text()
    for words in ("Boxes", "Precision and recall", "lowest AP50 first", "triangle", "Each size of boxes"):
        assert words in page


def test_a_device_answers_with_boxes_and_on_request_with_the_picture(run: tuple[Project, Said], tmp_path: Path) -> None:
    from tasks.runtime.bundle.predictor import Predictor
    from tasks.runtime.preprocess.arrays import read_samples

    project, _ = run
    predictor = Predictor.from_bundle(folder_of(project))
    pixels = np.full((128, 128, 3), 120, dtype=np.uint8)
    pixels[40:80, 50:90] = (60, 240, 60)
    Image.fromarray(pixels).save(tmp_path / "square.png")
    samples = read_samples(
        (tmp_path / "square.png").read_bytes(), predictor.session.inputs["inputs"], predictor.preprocessor
    )
    (answer,) = predictor.answer(samples, "picture")
    json.dumps(answer, allow_nan=False)
    assert answer["size"] == [128, 128]
    best = answer["boxes"][0]
    assert np.abs(np.subtract(best["box"], (50, 40, 90, 80))).max() < 14
    assert np.asarray(Image.open(io.BytesIO(base64.b64decode(answer["picture"])))).shape == (64, 64, 3)
