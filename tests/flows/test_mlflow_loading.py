"""What recipes registered, loaded by MLflow in its three ways: the logits are those of the runtime of devices."""

import csv
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import onnxruntime
import pandas as pd
import pytest
from numpy.typing import NDArray
from urllib3 import PoolManager, Retry

from infra.services.prefect_server import free_port
from tasks.runtime.bundle.predictor import Predictor
from tasks.runtime.pyfunc import RAW
from tasks.training.arrays import open_split
from tests.flows.conftest import Project
from tests.flows.tiny import write_tiny

pytestmark = pytest.mark.slow
LEARNS = ("--set", "teacher.training.epochs=30")
QUICK = ("--set", "teacher.training.epochs=3", "--set", "student.training.epochs=3")
LOGITS = "logits"


@pytest.fixture
def mlflow_of(own_project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """The project, whose models MLflow finds in this process and in those that it starts."""
    address = f"sqlite:///{own_project.root / '.stillhouse/mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(address)
    yield own_project
    mlflow.set_tracking_uri(before)


def made(project: Project, name: str, *options: str) -> Predictor:
    """Runs a recipe; returns the runtime with what came of it, let in by a gate or not."""
    said = project.stillhouse("run", name, *options)
    assert "version 1" in said.out, said.err + said.out
    return Predictor.from_bundle(project.registered(name, 1))


@contextmanager
def served(name: str) -> Iterator[str]:
    """Serves version 1 with `mlflow models serve`, and gives the address."""
    port = free_port(5200)
    command = ["mlflow", "models", "serve", "-m", f"models:/{name}/1", "--env-manager", "local", "-p", str(port)]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with subprocess.Popen(command, env={**os.environ, "PATH": path}, start_new_session=True) as server:
        try:
            yield f"http://127.0.0.1:{port}/invocations"
        finally:
            os.killpg(server.pid, signal.SIGKILL)


def require_the_same(predictor: Predictor, name: str, arrays: Any, given: Any, question: dict[str, Any]) -> None:
    """Compares what all ways answer with the runtime.

    Args:
        predictor: the runtime.
        name: of the model.
        arrays: what goes into the network.
        given: what goes into `predict`.
        question: what goes to the server.
    """
    expected = predictor.session.predict(arrays)[LOGITS]
    assert len(expected) > 50
    python = mlflow.pyfunc.load_model(f"models:/{name}/1").predict(given, params={RAW: True})
    network = mlflow.onnx.load_model(f"models:/{name}/1").SerializeToString()
    found = {"pyfunc": logits_of(python), "onnx": onnxruntime.InferenceSession(network).run([LOGITS], {**arrays})[0]}
    with served(name) as address:
        asking = PoolManager(retries=Retry(total=120, backoff_factor=1, backoff_max=1))
        answer = asking.request("POST", address, json={**question, "params": {RAW: True}})
        found["serve"] = logits_of(answer.json()["predictions"])
    assert {way: bool(np.abs(logits - expected).max() < 1e-6) for way, logits in found.items()} == dict.fromkeys(
        ("pyfunc", "onnx", "serve"), True
    )


def logits_of(answers: list[dict[str, Any]]) -> NDArray[Any]:
    return np.array([answer[LOGITS] for answer in answers])


@pytest.mark.parametrize("name", ["digits", "vowels"])
def test_arrays_of_a_recipe_of_ours(name: str, mlflow_of: Project) -> None:
    predictor = made(mlflow_of, name, *QUICK)
    arrays = open_split(mlflow_of.root / "data" / name / "prepared", "test").gather(np.arange(100)).inputs
    plain = {one: values.tolist() for one, values in arrays.items()}
    one_array = len(arrays) == 1
    given, asked = (arrays["inputs"], plain["inputs"]) if one_array else (arrays, plain)
    require_the_same(predictor, name, arrays, given, {"inputs": asked})


def test_raw_rows_of_a_table(mlflow_of: Project) -> None:
    write_tiny(mlflow_of.root, "tiny")
    predictor = made(mlflow_of, "tiny", *LEARNS)
    rows = pd.read_csv(mlflow_of.root / "rows.csv").drop(columns="label")
    with (mlflow_of.root / "rows.csv").open(newline="") as stream:
        arrays = predictor.preprocessor.from_records([*csv.DictReader(stream)]).arrays
    question = {"dataframe_split": rows.to_dict(orient="split", index=False)}
    require_the_same(predictor, "tiny", arrays, rows, question)
