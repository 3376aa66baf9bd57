"""Characters that were never met, told apart: from recipe to device."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from params.sources import GlyphsSource
from tasks.data.sources.glyphs import drawn
from tasks.runtime.bundle.manifest import MANIFEST, Manifest, read_manifest
from tests.flows.conftest import Project, Said, make_project

pytestmark = pytest.mark.slow

STRANGERS = GlyphsSource(kind="glyphs", identities=8, samples=4, seed=7)
"""of another seed than those of the recipe: no split has them"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, prefect_api: str) -> tuple[Project, Said]:
    """A clone in which the recipe ran."""
    place = make_project(tmp_path_factory.mktemp("glyphs"))
    project = Project(place.root, place.connections, prefect_api)
    return project, project.stillhouse("run", "params/glyphs.yaml", "-v")


def bundle_of(project: Project) -> tuple[Path, Manifest]:
    (manifest,) = (project.root / ".stillhouse").rglob(MANIFEST)
    return manifest.parent, read_manifest(manifest.read_bytes())


def test_a_student_that_was_told_no_identity_is_promoted_by_its_equal_error_rate(run: tuple[Project, Said]) -> None:
    _, said = run
    assert said.code == 0, said.out + said.err
    assert set(said.stages.values()) == {"done"}
    assert "verification accuracy" in said.out
    assert "promoted to staging: version 1" in said.out  # by limits on verification accuracy and equal error rate


def test_the_card_says_what_the_threshold_comes_to_and_what_not_to_do(run: tuple[Project, Said]) -> None:
    project, _ = run
    (path,) = bundle_of(project)[0].glob("*.md")
    card = path.read_text()
    assert "Verifying, it accepts" in card
    assert "What it must not be used for" in card
    assert "No column of the data says for whom it works worse" in card


def test_the_report_shows_the_curve_the_histogram_and_the_hardest_pairs(run: tuple[Project, Said]) -> None:
    project, said = run
    found = re.search(r"report: (\S+)", said.out)
    assert found is not None
    page = (project.root / found[1]).read_text()
    for words in ("Who is accepted, at the cost of whom", "How alike pairs are", "Hardest pairs"):
        assert words in page


def test_no_identity_leaves_with_the_release(run: tuple[Project, Said]) -> None:
    folder, manifest = bundle_of(run[0])
    assert manifest.targets["names"] == []
    for path in folder.iterdir():
        assert b"00012/" not in path.read_bytes()


def test_a_device_tells_strangers_apart_by_the_signed_threshold(run: tuple[Project, Said], tmp_path: Path) -> None:
    from tasks.runtime.bundle.predictor import Predictor
    from tasks.runtime.preprocess.arrays import read_samples

    folder, manifest = bundle_of(run[0])
    assert manifest.verify is not None
    assert manifest.verify.threshold is not None
    assert manifest.verify.far == 0.01
    predictor = Predictor.from_bundle(folder)
    vectors = []
    for identity in range(STRANGERS.identities):
        for number in range(STRANGERS.samples):
            Image.fromarray(drawn(STRANGERS, identity, number)).save(tmp_path / "one.png")
            content = (tmp_path / "one.png").read_bytes()
            samples = read_samples(content, predictor.session.inputs["inputs"], predictor.preprocessor)
            (answer,) = predictor.answer(samples, "all")
            json.dumps(answer, allow_nan=False)
            vectors.append(answer["embedding"])
    cosines = np.array(vectors) @ np.array(vectors).T
    who = np.repeat(np.arange(STRANGERS.identities), STRANGERS.samples)
    first, second = np.triu_indices(len(who), 1)
    same = who[first] == who[second]
    accepted = cosines[first, second] >= manifest.verify.threshold
    assert accepted[~same].mean() < 0.06  # a rate of 1 % on other identities, and few of these
    assert accepted[same].mean() > 0.3
