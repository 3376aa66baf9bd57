"""A release in the hands of MLflow's own tools: what they load answers as the runtime does."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from tasks.contracts.releases import Release
from tasks.core.files import artefact_of, local_path
from tasks.core.record import Artefact
from tasks.registry.ledger import database
from tasks.registry.mlflow_model.description import LONGEST, described
from tasks.registry.versions import move_alias
from tasks.runtime.bundle.predictor import Predictor
from tasks.runtime.bundle.session import Session
from tasks.runtime.pyfunc import RAW
from tasks.tracking import runs
from tests.registry.judged import judged_on, register

Named = dict[str, NDArray[Any]]
CARD = "---\ntags: [a]\n---\n\n# trees\n\n- 97 %\n\n## Data\n\nten\n\n## Lineage\n\nlong\n"


@pytest.fixture(scope="module", autouse=True)
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """MLflow and ledger of their own."""
    home = tmp_path_factory.mktemp("state")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STILLHOUSE_HOME", str(home))
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home / 'mlflow.db'}")
        runs.client.cache_clear()
        database.engine.cache_clear()
        yield
        runs.client.cache_clear()
        database.engine.cache_clear()


@pytest.fixture
def card(tmp_path: Path) -> Artefact:
    path = tmp_path / "card.md"
    path.write_text(CARD)
    return artefact_of(path)


def bundle_of(release: Release) -> Path:
    path = local_path(release.bundle[0].uri)
    assert path is not None
    return path.parent


def pictures() -> Named:
    return {"inputs": np.random.default_rng(1).integers(0, 17, (7, 1, 8, 8)).astype(np.uint8)}


def sequences() -> Named:
    frames = np.random.default_rng(1).normal(size=(7, 9, 3)).astype(np.float32)
    return {"inputs": frames, "lengths": np.array([9, 8, 7, 6, 5, 4, 3])}


def logits_of(answers: list[dict[str, Any]]) -> NDArray[Any]:
    return np.array([answer["logits"] for answer in answers])


def all_ways(uri: str, samples: Named) -> dict[str, NDArray[Any]]:
    """Returns logits by the name of the way in which they were asked for."""
    given = samples if len(samples) > 1 else samples["inputs"]
    python = mlflow.pyfunc.load_model(uri).predict(given, params={RAW: True})
    session = onnxruntime.InferenceSession(mlflow.onnx.load_model(uri).SerializeToString())
    return {"pyfunc": logits_of(python), "onnx": session.run(["logits"], samples)[0]}


def test_pictures_by_the_alias_of_the_model_give_the_logits_of_the_runtime(
    tiny_images: Path, tmp_path: Path, card: Artefact
) -> None:
    release = register(judged_on(tiny_images, tmp_path), card)
    move_alias("trees", "staging", release.version)
    expected = Session.from_bundle(bundle_of(release)).predict(pictures())["logits"]
    for way, logits in all_ways("models:/trees@staging", pictures()).items():
        assert np.abs(logits - expected).max() < 1e-6, way


def test_sequences_of_different_lengths_give_the_logits_of_the_runtime(
    tiny_sequences: Path, tmp_path: Path, card: Artefact
) -> None:
    release = register(judged_on(tiny_sequences, tmp_path), card)
    expected = Session.from_bundle(bundle_of(release)).predict(sequences())["logits"]
    for way, logits in all_ways(f"models:/trees/{release.version}", sequences()).items():
        assert np.abs(logits - expected).max() < 1e-6, way


def test_without_a_wish_the_answers_are_those_of_the_runtime(tiny_images: Path, tmp_path: Path, card: Artefact) -> None:
    release = register(judged_on(tiny_images, tmp_path), card)
    expected = Predictor.from_bundle(bundle_of(release)).predict(pictures())
    answers = mlflow.pyfunc.load_model(f"models:/trees/{release.version}").predict(pictures()["inputs"])
    assert answers == expected
    assert {"label", "confidence", "probabilities"} <= answers[0].keys()


def test_a_bundle_that_was_changed_does_not_load(tiny_images: Path, tmp_path: Path, card: Artefact) -> None:
    release = register(judged_on(tiny_images, tmp_path), card)
    (bundle_of(release) / "card.md").write_text("another")
    with pytest.raises(Exception, match=r"card\.md.*expected"):
        mlflow.pyfunc.load_model(f"models:/trees/{release.version}")


def test_the_page_of_the_model_has_signature_example_metrics_and_where_it_comes_from(
    tiny_images: Path, tmp_path: Path, card: Artefact
) -> None:
    release = register(judged_on(tiny_images, tmp_path), card)
    version = runs.client().get_model_version("trees", str(release.version))
    (logged,) = (m for m in runs.client().search_logged_models(["1"]) if version.source == f"models:/{m.model_id}")
    info = mlflow.models.get_model_info(f"models:/trees/{release.version}")
    assert (str(logged.status), logged.source_run_id) == ("READY", release.run_id)
    assert {metric.key for metric in logged.metrics or ()} >= {"accuracy", "bytes", "p50_ms", "agreement"}
    assert {metric.dataset_name for metric in logged.metrics or ()} == {"trees"}
    assert info.signature is not None
    assert "uint8" in str(info.signature.inputs)
    assert info.saved_input_example_info is not None
    assert "python_model" not in info.flavors["python_function"]
    assert logged.tags["mlflow.modelVersions"] == f'[{{"name": "trees", "version": "{release.version}"}}]'
    assert "## Data" in str(version.description)
    assert f"/runs/{release.run_id}/artifacts/report.html" in str(version.description)


def test_a_description_has_whole_sections_and_fits_every_database() -> None:
    long = CARD + f"\n## Limits\n\n{'x' * LONGEST}\n"
    text = described(long, "1", "r", "trees v")
    assert len(text) <= LONGEST
    assert "## Data" in text
    assert not any(word in text for word in ("tags:", "## Lineage", "## Limits", "xxx"))
