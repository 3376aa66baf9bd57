"""Words as sound, from a folder to a device: made-up ones, which prove nothing but that all parts fit together."""

import sqlite3
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tasks.contracts.scores import EvaluationRecord
from tasks.runtime.bundle.predictor import Predictor
from tasks.runtime.preprocess.arrays import read_samples
from tests.data.audio.sounds import write_words
from tests.flows.conftest import Project

pytestmark = pytest.mark.slow
RECIPE = """\
seed: 0
data:
  source: {kind: folder, path: words}
  reader:
    kind: audio_folder
    sample_rate: 8_000
    seconds: 0.5
    pattern: '(?P<speaker>[a-z]+)_\\d+[.]wav$'
  split: {kind: grouped, by: speaker, validation: [ann], test: [dan], seed: 0}
teacher:
  architecture:
    kind: audio
    front_end: {kind: log_mel, sample_rate: 8_000, mels: 32, hop_ms: 20}
    network: {kind: ds_cnn, channels: 24, blocks: 2}
  training: {epochs: 12, batch_size: 16, learning_rate: 0.01}
student:
  architecture:
    kind: audio
    front_end: {kind: log_mel, sample_rate: 8_000, mels: 32, hop_ms: 20}
    network: {kind: cnn, channels: [8, 16, 24]}
  training: {epochs: 12, batch_size: 16, learning_rate: 0.01}
compress:
  target: {isa: x86-vnni, threads: 1}
  candidates: [fp32, fp16, static_int8, [{kind: prune, keep: 0.75, recovery: {epochs: 2}}]]
evaluate:
  listen: {minutes: 2, smooth: 2, threshold: 0.6}
promote:
  staging: {approval: automatic, not_worse_than_baseline: false, miss_rate: 0.9, false_alarms_per_hour: 1_000}
"""


def test_words_of_a_speaker_that_nothing_was_trained_on_are_told_apart(own_project: Project) -> None:
    root = own_project.root
    write_words(root / "words", 12)
    (root / "params/words.yaml").write_text(RECIPE)
    said = own_project.stillhouse("run", "params/words.yaml")
    assert said.code == 0, said.err + said.out
    assert "promoted to staging: version 1" in said.out
    with sqlite3.connect(root / ".stillhouse/ledger.db") as ledger:
        (row,) = ledger.execute("select evaluation from releases where model = 'words'")
    found = EvaluationRecord.model_validate_json(row[0])
    tested = pq.read_table(root / "data/words/prepared/test.parquet").to_pylist()
    assert {sample["speaker"] for sample in tested} == {"dan"}
    assert found.shipped.metrics["accuracy"].value > 0.8
    assert {"fp32", "fp16", "static_int8", "prune0.75"} <= {score.name for score in found.scores}
    assert found.listening is not None
    assert found.listening.misses < found.listening.words
    assert "det" in {figure.name for figure in found.figures}
    require_equal_answers(own_project.registered("words", 1), root / "words", found)


def require_equal_answers(bundle: Path, words: Path, found: EvaluationRecord) -> None:
    """The device's own code answers to files as the evaluation says."""
    predictor = Predictor.from_bundle(bundle)
    assert found.listening is not None
    assert predictor.manifest.listen is not None
    assert predictor.manifest.listen.threshold == found.listening.threshold
    files = sorted(words.glob("*/dan_*.wav"))
    takes = predictor.session.inputs["inputs"]
    answers = [predictor.answer(read_samples(file.read_bytes(), takes, predictor.preprocessor)) for file in files]
    right = sum(answer["label"] == file.parent.name for file, (answer,) in zip(files, answers, strict=True))
    assert right / len(files) == pytest.approx(found.shipped.metrics["accuracy"].value)
