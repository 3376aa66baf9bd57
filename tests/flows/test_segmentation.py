"""Pictures with masks, from recipe to device."""

import base64
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.flows.conftest import Project, Said, make_project

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, prefect_api: str) -> tuple[Project, Said]:
    """A clone in which the synthetic recipe ran."""
    place = make_project(tmp_path_factory.mktemp("shapes"))
    project = Project(place.root, place.connections, prefect_api)
    return project, project.stillhouse("run", "params/shapes.yaml", "-v")


def folder_of(project: Project) -> Path:
    """Returns the folder with the release's bundle."""
    (manifest,) = (project.root / ".stillhouse").rglob("manifest.json")
    return manifest.parent


def test_a_recipe_of_masks_becomes_a_promoted_student(run: tuple[Project, Said]) -> None:
    _, said = run
    assert said.code == 0, said.out + said.err
    assert set(said.stages.values()) == {"done"}
    assert "mean IoU" in said.out
    assert "promoted to staging: version 1" in said.out


def test_the_report_shows_scenes_and_what_pixels_are_taken_for(run: tuple[Project, Said]) -> None:
    project, said = run
    found = re.search(r"report: (\S+)", said.out)
    assert found is not None
    page = (project.root / found[1]).read_text()
    for words in ("Scenes", "What pixels are taken for", "lowest IoU first", "triangle"):
        assert words in page


def test_a_device_answers_with_areas_and_on_request_with_the_mask(run: tuple[Project, Said], tmp_path: Path) -> None:
    from tasks.runtime.bundle.predictor import Predictor
    from tasks.runtime.preprocess.arrays import read_samples

    project, _ = run
    predictor = Predictor.from_bundle(folder_of(project))
    pixels = np.full((64, 64, 3), 120, dtype=np.uint8)
    pixels[16:48, 16:48] = (30, 240, 30)
    Image.fromarray(pixels).save(tmp_path / "square.png")
    samples = read_samples(
        (tmp_path / "square.png").read_bytes(), predictor.session.inputs["inputs"], predictor.preprocessor
    )
    (answer,) = predictor.answer(samples, "png")
    json.dumps(answer, allow_nan=False)
    assert next(iter(answer["areas"])) == "background"
    mask: Any = np.asarray(Image.open(io.BytesIO(base64.b64decode(answer["mask"]))))
    assert mask.shape == (64, 64)
    assert (mask[24:40, 24:40] != 0).mean() > 0.5
