"""How models were judged: what the evaluation hands to the registry and to whoever reads its tables."""

from datetime import datetime
from typing import Any

from pydantic import Field

from params.compress import Target
from tasks.records import Artefact, DataRecord, ModelRecord, Record


class Interval(Record):
    """A value with the ends of its confidence interval."""

    value: float
    low: float
    high: float


class ClassScore(Record):
    """Quality on one class, and how many test samples it has."""

    label: str
    recall: float
    precision: float
    f1: float
    samples: int


class Score(Record):
    """One model on the test split; every number is of the ONNX file in the runtime, parity compares it with torch."""

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
    p95_ms: float
    parity: float
    heads: dict[str, Interval] = Field(default_factory=dict)
    """accuracy of each head but the first"""


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
    notes: tuple[str, ...] = ()
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
