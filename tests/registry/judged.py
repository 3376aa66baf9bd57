"""An evaluation whose files are there, and its registration in a real MLflow."""

from pathlib import Path

from tasks.contracts.records import DataRecord
from tasks.contracts.releases import Release
from tasks.contracts.scores import EvaluationRecord
from tasks.contracts.targets import Column, TargetCard
from tasks.core.files import artefact_of, sha256_of
from tasks.core.record import Artefact
from tasks.registry.release import ensure_release
from tasks.runtime.preprocess.preprocessor import ARRAYS
from tasks.tracking import runs
from tasks.training.arrays import CARD, read_card
from tests.evaluate.report.made import CLASSES, evaluation, model
from tests.runtime.conftest import mean_model


def judged_on(directory: Path, folder: Path) -> EvaluationRecord:
    """Returns an evaluation on prepared data, of an ONNX file that is written into a folder."""
    spec = read_card(directory).input
    onnx, weights = folder / "fp32.onnx", folder / "teacher.safetensors"
    onnx.write_bytes(mean_model(spec))
    weights.write_bytes(str(folder).encode())  # another teacher for each test: another fingerprint
    data = DataRecord(
        name="trees",
        version="v",
        card_sha256=sha256_of(directory / CARD),
        directory=str(directory),
        task="classification",
        input=spec,
        columns=(Column(name="label", dtype="int64"),),
        targets=TargetCard(names=CLASSES),
        preprocessing=dict(ARRAYS),
        samples={},
    )
    return evaluation(data=data, onnx=artefact_of(onnx), teacher=model("teacher", weights=artefact_of(weights)))


def register(judged: EvaluationRecord, card: Artefact) -> Release:
    with runs.flow_run("trees", "retrain trees", "flow", {}) as run:
        return ensure_release(run, "trees", judged, card)
