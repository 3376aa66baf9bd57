"""How models were judged: what the evaluation hands to the registry and to whoever reads its tables."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from params.compress import Target
from tasks.contracts.beginnings import Beginning
from tasks.contracts.metrics import Interval, values_of
from tasks.contracts.records import DataRecord, ModelRecord
from tasks.contracts.targets import TargetCard
from tasks.contracts.thresholds import Deferral, OperatingPoint, Verification
from tasks.core.record import Artefact, Record

TEACHER, BASELINE, STUDENT = "teacher", "baseline", "student"
"""the models that every evaluation has; what else there is are candidates"""


class SliceScore(Record):
    """The metrics on the test samples that have one value in one column of the split's table."""

    column: str
    value: str
    samples: int
    metrics: dict[str, Interval]
    """without those per group"""


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
    """One model on one split; every number is of the ONNX file in the runtime, parity compares it with torch."""

    name: str
    """teacher, baseline, student, or a candidate's name"""
    metrics: dict[str, Interval]
    """all that the kind of task measures, by name"""
    support: dict[str, int] = Field(default_factory=dict)
    """group of samples -> how many there are"""
    agreement: Interval
    """how alike its answers are to the teacher's, 0..1"""
    parameters: int
    size: int
    """bytes of the ONNX file"""
    p50_ms: float
    """of one sample, as the two that follow"""
    p95_ms: float
    p99_ms: float
    parity: float
    slices: tuple[SliceScore, ...] = ()
    batch: BatchTiming
    footprint: Footprint | None = None
    """measured on the test split alone"""

    @property
    def values(self) -> dict[str, float]:
        """The metrics without their intervals."""
        return values_of(self.metrics)


class Discordant(Record):
    """Samples that only one of two models has right; only for kinds of task whose samples are right or wrong."""

    only_challenger: int
    only_champion: int
    p_value: float
    """of McNemar's exact test: how likely so uneven a split is where both are equally good"""


FlipUnit = Literal["samples", "loss"]


class SliceFlips(Record):
    """Flips among the samples that have one value in one column of the split's table."""

    column: str
    value: str
    samples: int
    newly_wrong: Interval
    newly_right: Interval


class FlippedSample(Record):
    """A sample that a release answers otherwise than the champion."""

    name: str
    """its id in the table of the split"""
    before: str
    """what the champion makes of it, in the words of its kind of task"""
    now: str


class Flips(Record):
    """What a release breaks and repairs against a champion, as parts of all samples.

    For a kind of task whose samples are not right or wrong (`unit` is `loss`), it is how much their loss rose or fell,
    as a mean over all samples.
    """

    unit: FlipUnit
    newly_wrong: Interval
    newly_right: Interval
    slices: tuple[SliceFlips, ...]
    """each class or other label, and each slice of the report"""
    broken: tuple[FlippedSample, ...] = ()
    """some that are newly wrong, or those whose loss rose most, the worst first"""
    repaired: tuple[FlippedSample, ...] = ()
    """some that are newly right, or those whose loss fell most"""


class Challenge(Record):
    """A release against the champion of an environment, measured side by side on the release's own test data."""

    environment: str
    version: int
    """of the champion"""
    champion: Score
    challenger: Score
    gains: dict[str, Interval]
    """metric, the one that decides first -> that of the challenger minus that of the champion, paired by sample"""
    discordant: Discordant | None = None
    flips: Flips
    figures: tuple["Figure", ...] = ()
    """samples that flipped, where they are pictures"""


class Heading(Record):
    """Of a column in a table: what it says, and how its numbers are printed."""

    title: str
    unit: Literal["text", "count", "percent", "number"] = "text"


class Table(Record):
    """A table that only one kind of task has; numbers are numbers."""

    title: str
    head: tuple[Heading, ...]
    rows: tuple[tuple[str | int | float | None, ...], ...]


class Figure(Record):
    """A picture of the evaluation as an SVG file, and what it shows in words."""

    name: str
    title: str
    caption: str
    artefact: Artefact


class FreshScore(Record):
    """A model on labelled samples that came after it was made."""

    samples: int
    metrics: dict[str, float]
    support: dict[str, int]
    """group of samples -> how many there are; the model has none right of a group that is new to it"""


class ConstantScore(Record):
    """The best answer that looks at no input, on the test split; a model that is not better has learned nothing."""

    words: str
    """which answer it is"""
    metrics: dict[str, Interval]
    """those of a model, by name"""
    gains: dict[str, Interval]
    """metric -> that of the student minus that of the constant answer, on the same samples"""


class ThresholdScore(Record):
    """What a threshold comes to on a stream of sound."""

    threshold: float
    miss_rate: float
    false_alarms_per_hour: float


class Listening(Record):
    """What decides while a device listens, and what it comes to on a stream made of test clips in noise."""

    hop: int
    """samples from one look to the next"""
    smooth: int
    threshold: float
    refractory: int
    """samples"""
    silent: tuple[str, ...]
    hours: float
    """of the stream"""
    words: int
    """that are spoken in it"""
    misses: int
    false_alarms: int
    miss_rate: Interval
    false_alarms_per_hour: Interval
    latency_s: float | None
    """median from the end of a word until it is told; None where none is"""
    curve: tuple[ThresholdScore, ...]
    """at other thresholds, the lowest first"""


class Machine(Record):
    """Where latencies were measured, and what went on beside it."""

    processor: str
    cores: int
    threads: int
    """that a model was given"""
    load_before: float | None = None
    """average of a minute, this process included"""
    load_after: float | None = None
    others: float | None = None
    """cores that other processes used meanwhile, on average"""


class EvaluationRecord(Record):
    """All models on the same test split, and the file that would ship."""

    name: str
    data: DataRecord
    teacher: ModelRecord
    student: ModelRecord
    baseline: ModelRecord | None = None
    """the student without its teacher; None in records from before it was kept"""
    scores: tuple[Score, ...]
    chosen: str
    reason: str = ""
    """why it is that one, in a sentence"""
    onnx: Artefact
    machine: Machine | None = None
    gains: dict[str, Interval]
    """metric -> that of the student minus that of the baseline, on the same samples; empty without a baseline"""
    constant: ConstantScore | None = None
    """None in records from before it was measured"""
    deferral: Deferral | None = None
    listening: Listening | None = None
    """None of models that are given clips alone"""
    verification: Verification | None = None
    """None where the recipe asks for none"""
    operating: OperatingPoint | None = None
    """of the file that ships; None where the recipe asks for none"""
    target: Target
    tolerance: float
    """how far outputs of the file may be on another machine, as a part of the largest"""
    notes: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()
    run_id: str
    created: datetime

    @property
    def licences(self) -> dict[str, tuple[str, ...]]:
        """Of the data, and of the teachers that were brought along: what the file that ships was made of."""
        teachers = tuple(dict.fromkeys((*self.teacher.licences, *self.student.licences)))
        return {"data": (self.data.licence or "unknown",), **({"teacher": teachers} if teachers else {})}

    @property
    def roles(self) -> tuple[str, ...]:
        """Teacher, baseline if there is one, and student: those that are no candidates."""
        names = {score.name for score in self.scores}
        return tuple(role for role in (TEACHER, BASELINE, STUDENT) if role in names)

    @property
    def beginnings(self) -> dict[str, Beginning]:
        """What each training began from, where the recipe asks for a champion to begin from."""
        models = {TEACHER: self.teacher, BASELINE: self.baseline, STUDENT: self.student}
        return {role: model.beginning for role, model in models.items() if model and model.beginning}

    def score(self, name: str) -> Score:
        """Returns the score of one model."""
        return next(s for s in self.scores if s.name == name)

    @property
    def shipped(self) -> Score:
        """The score of the file that would ship."""
        return self.score(self.chosen)

    @property
    def targets(self) -> TargetCard:
        """What a device is told of the targets: with the threshold that validation data gave, where there is one."""
        return self.operating.told(self.data.targets) if self.operating else self.data.targets

    def content(self) -> dict[str, Any]:
        """What was judged; the same files judged again are the same release, unless a device has other rules for it."""
        defer, listen, verify, operate = self.deferral, self.listening, self.verification, self.operating
        return {
            "name": self.name,
            "onnx": self.onnx.sha256,
            "data": self.data.digest,
            "teacher": self.teacher.digest,
            "student": self.student.digest,
            **({"defer": [defer.metric, defer.limit, defer.threshold]} if defer else {}),
            **({"listen": [listen.hop, listen.smooth, listen.threshold, listen.refractory]} if listen else {}),
            **({"verify": [verify.threshold, verify.far]} if verify else {}),
            **({"operate": operate.threshold} if operate else {}),
        }


class TeacherWorth(Record):
    """What the teacher was worth to the student on validation data, where what ships is chosen."""

    gains: dict[str, Interval]
    """metric -> that of the student minus that of the same one without its teacher, paired by sample"""
    run_id: str
    created: datetime


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
