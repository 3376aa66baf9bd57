"""A release in the hands of MLflow's own tools: what they load answers as the runtime does."""

import io
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import onnxruntime
import pandas as pd
import pytest
from mlflow.models import Model
from numpy.typing import NDArray
from PIL import Image
from urllib3 import PoolManager, Retry

from infra.services.prefect_server import free_port
from tasks.contracts.records import InputSpec
from tasks.contracts.releases import Release
from tasks.core.files import artefact_of, local_path
from tasks.core.record import Artefact
from tasks.registry.ledger import database
from tasks.registry.mlflow_model.description import LONGEST, described
from tasks.registry.mlflow_model.folder import write_model
from tasks.registry.mlflow_model.signature import example_of, signature_of
from tasks.registry.versions import move_alias
from tasks.runtime.bundle.bundle import golden_of, write_bundle
from tasks.runtime.bundle.predictor import Predictor
from tasks.runtime.bundle.session import Session
from tasks.runtime.preprocess.cells import TableColumn
from tasks.runtime.preprocess.long_table import LongTablePreprocessor
from tasks.runtime.preprocess.picture_format import PictureFormat
from tasks.runtime.preprocess.table import TablePreprocessor
from tasks.runtime.pyfunc import RAW
from tasks.tracking import runs
from tests.registry.judged import judged_on, register
from tests.runtime.conftest import FACTS, mean_model
from tests.runtime.gallery.conftest import directions, picture

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


@pytest.fixture
def served(tiny_images: Path, tmp_path: Path, card: Artefact) -> Iterator[tuple[str, Path]]:
    """The address of `mlflow models serve` on a model's alias, and the bundle behind it."""
    release = register(judged_on(tiny_images, tmp_path), card)
    move_alias("trees", "staging", release.version)
    port = free_port(5100)
    command = ["mlflow", "models", "serve", "-m", "models:/trees@staging", "--env-manager", "local", "-p", str(port)]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with subprocess.Popen(command, env={**os.environ, "PATH": path}, start_new_session=True) as server:
        try:
            yield f"http://127.0.0.1:{port}", bundle_of(release)
        finally:
            os.killpg(server.pid, signal.SIGKILL)


def asked(address: str, question: dict[str, Any]) -> Any:
    """Returns what a server predicts; asks again until it is up."""
    retry = Retry(total=60, backoff_factor=1, backoff_max=1)
    answer = PoolManager(retries=retry).request("POST", f"{address}/invocations", json=question)
    return answer.json()["predictions"]


@pytest.mark.slow
def test_mlflow_models_serve_answers_over_http_as_the_runtime_does(served: tuple[str, Path]) -> None:
    address, bundle = served
    question = {"inputs": pictures()["inputs"].tolist()}
    logits = logits_of(asked(address, {**question, "params": {RAW: True}}))
    assert np.abs(logits - Session.from_bundle(bundle).predict(pictures())["logits"]).max() < 1e-6
    assert asked(address, question) == Predictor.from_bundle(bundle).predict(pictures())


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


def test_a_table_that_is_too_wide_for_the_page_loses_its_last_columns() -> None:
    row = "| a\\|b | " + " | ".join(map(str, range(12))) + " |"
    assert described(f"{CARD}{row}\n", "1", "r", "v").splitlines()[-1] != row
    assert "| a\\|b | 0 | 1 | 2 | 3 | 4 | 5 | 6 |\n" in described(f"# t\n{row}\n", "1", "r", "v")


def raw_bundle(folder: Path, facts: dict[str, Any], spec: InputSpec, samples: NDArray[Any], **further: Any) -> Path:
    """Writes an MLflow model of a bundle that reads raw samples; returns its folder."""
    model = mean_model(spec)
    told = replace(FACTS, preprocessing=facts, layout=spec.layout)
    write_bundle(folder / "bundle", told, model, golden_of(Session(model), {"inputs": samples, **further}))
    write_model(folder / "model", folder / "bundle", Model())
    return folder / "model"


def test_rows_of_a_table_are_taken_raw_with_gaps_and_numbers_of_any_type(tmp_path: Path) -> None:
    columns = (TableColumn("kind", "category", ("oak", "elm"), fill="oak"), TableColumn("height", "number", fill="2"))
    table = TablePreprocessor(columns)
    features = table.from_records([{"kind": "elm", "height": 3}]).arrays["inputs"]
    spec = InputSpec(layout="vector", dtype="float32", shape=features.shape[1:])
    model = mlflow.pyfunc.load_model(str(raw_bundle(tmp_path, table.facts(), spec, features)))
    rows = pd.DataFrame({"kind": ["elm", None, "ash"], "height": [3, np.nan, 12.5], "further": 1})
    records: list[dict[str, Any]] = [
        {"kind": "elm", "height": 3},
        {"kind": None, "height": None},
        {"kind": "ash", "height": 12.5},
    ]
    runtime = Predictor.from_bundle(tmp_path / "model/bundle")
    expected = runtime.session.predict(table.from_records(records).arrays)["logits"]
    assert np.abs(logits_of(model.predict(rows, params={RAW: True})) - expected).max() < 1e-6
    assert model.predict(rows) == runtime.answer(table.from_records(records))
    assert "notes" in model.predict(rows)[2]
    assert model.predict(model.input_example)


def test_sequences_are_taken_as_lists_of_numbers_by_column(tmp_path: Path) -> None:
    columns = (TableColumn("x", "number"), TableColumn("y", "number"))
    walks = LongTablePreprocessor("walk", "", columns)
    records: list[dict[str, Any]] = [{"x": [1, 2.5, 3], "y": [4, 5, 6]}, {"x": [7], "y": [8]}]
    arrays = dict(walks.from_records(records).arrays)
    spec = InputSpec(layout="sequence", dtype="float32", shape=arrays["inputs"].shape[1:])
    folder = raw_bundle(tmp_path, walks.facts(), spec, arrays["inputs"], lengths=arrays["lengths"])
    model = mlflow.pyfunc.load_model(str(folder))
    runtime = Predictor.from_bundle(tmp_path / "model/bundle")
    assert model.predict(pd.DataFrame(records)) == runtime.answer(walks.from_records(records))
    alone = pd.DataFrame([{"x": np.array([7.0]), "y": np.array([8.0])}])
    assert model.predict(alone) == runtime.answer(walks.from_records(records[1:]))
    assert model.predict(model.input_example)


def test_picture_files_are_taken_as_their_bytes(tmp_path: Path) -> None:
    format_ = PictureFormat((8, 8), channels=1)
    spec = InputSpec(layout="image", dtype="uint8", shape=(1, 8, 8))
    model = mlflow.pyfunc.load_model(str(raw_bundle(tmp_path, format_.facts(), spec, pictures()["inputs"])))
    stream = io.BytesIO()
    Image.fromarray(np.arange(400, dtype=np.uint8).reshape(20, 20)).save(stream, "PNG")
    runtime = Predictor.from_bundle(tmp_path / "model/bundle")
    expected = runtime.answer(runtime.preprocessor.from_file(stream.getvalue()))
    assert model.predict(pd.DataFrame({"image": [stream.getvalue()]})) == expected
    assert model.predict(model.input_example)


def test_whole_numbers_in_answers_are_no_reason_to_warn(tmp_path: Path) -> None:
    model, taken = directions(), {"inputs": picture(1)}
    facts = replace(FACTS, task="embedding", targets={"names": [], "facts": {"width": 16}})
    write_bundle(tmp_path / "bundle", facts, model, golden_of(Session(model), taken))
    predictor = Predictor.from_bundle(tmp_path / "bundle")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = signature_of(predictor, example_of(predictor, taken))
    assert found.outputs.input_names() == ["embedding", "width"]
