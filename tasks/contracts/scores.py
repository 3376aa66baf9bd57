"""How models were judged: what the evaluation hands to the registry and to whoever reads its tables."""

from datetime import datetime
from typing import Any

from pydantic import Field

from params.compress import Target
from tasks.contracts.metrics import Interval
from tasks.contracts.records import DataRecord, ModelRecord
from tasks.core.record import Artefact, Record


class ClassScore(Record):
    """Quality on one class, and how many test samples it has."""

    label: str
    recall: float
    precision: float
    f1: float
    samples: int


class SliceScore(Record):
    """Accuracy on the test samples that have one value in one column of the split's table."""

    column: str
    value: str
    samples: int
    accuracy: Interval


class ConfidenceBin(Record):
    """Test samples of about the same confidence: how sure the model is of them on average, how often it is right."""

    low: float
    high: float
    samples: int
    confidence: float
    accuracy: float


class Footprint(Record):
    """What one model costs a process that has nothing but numpy and ONNX Runtime: a fresh one for each model."""

    load_ms: float
    """from the bytes of the file to the first answer"""
    peak_bytes: int
    """highest resident memory of the process, Python and libraries included"""


class BatchTiming(Record):
    """Latency of a batch of the recipe's choice."""

    batch_size: int
    p50_ms: float


class Score(Record):
    """One model on the test split; every number is of the ONNX file in the runtime, parity compares it with torch.

    What has a default was not measured when the oldest records were written.
    """

    name: str
    """teacher, baseline, student, or a candidate's name"""
    accuracy: Interval
    macro_recall: Interval
    macro_f1: Interval
    classes: tuple[ClassScore, ...]
    agreement: Interval
    """part of predictions equal to the teacher's"""
    calibration_error: float
    parameters: int
    size: int
    """bytes of the ONNX file"""
    p50_ms: float
    """of one sample, as the two that follow"""
    p95_ms: float
    p99_ms: float | None = None
    parity: float
    heads: dict[str, Interval] = Field(default_factory=dict)
    """accuracy of each head but the first"""
    slices: tuple[SliceScore, ...] = ()
    confidence: tuple[ConfidenceBin, ...] = ()
    """from the least confident; only bins that hold samples"""
    batch: BatchTiming | None = None
    footprint: Footprint | None = None


class Challenge(Record):
    """A release against whoever is in an environment: both measured side by side on the release's own test data."""

    environment: str
    version: int
    """of the champion"""
    champion: Score
    challenger: Score
    gain: Interval
    """accuracy of the challenger minus that of the champion, paired by sample"""
    only_challenger: int
    """samples that the challenger has right and the champion wrong"""
    only_champion: int
    p_value: float
    """of McNemar's exact test: how likely so uneven a split is where both are equally good"""


class Figure(Record):
    """A picture of the evaluation as an SVG file, and what it shows in words."""

    name: str
    title: str
    caption: str
    artefact: Artefact


class FreshScore(Record):
    """A model on labelled samples that came after it was made."""

    samples: int
    accuracy: float
    classes: tuple[ClassScore, ...]
    """those the model knows, then those that are new: it has none of them right"""
    calibration_error: float


class EvaluationRecord(Record):
    """All models on the same test split, and the file that would ship."""

    name: str
    data: DataRecord
    teacher: ModelRecord
    student: ModelRecord
    scores: tuple[Score, ...]
    chosen: str
    onnx: Artefact
    gain: Interval
    """accuracy of the student minus that of the baseline, on the same samples"""
    target: Target
    tolerance: float
    """how far outputs of the file may be on another machine, as a part of the largest"""
    notes: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    run_id: str
    created: datetime

    def score(self, name: str) -> Score:
        """Returns the score of one model."""
        return next(s for s in self.scores if s.name == name)

    @property
    def shipped(self) -> Score:
        """The score of the file that would ship."""
        return self.score(self.chosen)

    def content(self) -> dict[str, Any]:
        """What was judged; the same files judged again are the same release."""
        return {
            "name": self.name,
            "onnx": self.onnx.sha256,
            "data": self.data.digest,
            "teacher": self.teacher.digest,
            "student": self.student.digest,
        }


class ComparisonRecord(Record):
    """Several students of one teacher on the same validation data, side by side, each as the file that would ship."""

    teacher: Score
    students: tuple[Score, ...]
    """in the order they were given, under the names they were given"""
    onnx: tuple[Artefact, ...]
    """the files, in the same order"""
    run_id: str
    created: datetime

    def content(self) -> dict[str, Any]:
        """What was compared; timings differ from run to run."""
        return {"students": [[s.name, file.sha256] for s, file in zip(self.students, self.onnx, strict=True)]}
