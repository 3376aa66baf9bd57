"""The frozen records handed from room to room: digests, URIs, and the few facts the next room needs.

Never a tensor, a model or a table: Prefect persists and hashes records, and the ledger keeps them. The `digest` of a
record covers what the next stage's numbers depend on; where a thing lies and when it was made are left out.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue

from params.compress import Target
from params.models import Architecture
from params.readers import Layout
from params.teacher import AnswerTable, OnnxModel
from tasks.contracts.beginnings import Beginning
from tasks.contracts.metrics import Check
from tasks.contracts.targets import Column, TargetCard
from tasks.core.record import Artefact, Place, Record


class InputSpec(Record):
    """What one sample looks like, without the batch axis.

    `shape` is (channels, height, width) for an image, (frames, features) for a sequence, where `frames` is the longest
    in the data and shorter ones are padded with zeros, (features,) for a vector, and (samples,) for a waveform. Values
    are raw: the network normalises.
    """

    layout: Layout
    dtype: Literal["uint8", "float32"]
    shape: tuple[int, ...]


class Statistics(Record):
    """Mean and standard deviation per channel or feature, over the training split, padding left out."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


class DataSpec(Record):
    """What a network is built for: what samples look like, what is asked of them, and how they are spread."""

    input: InputSpec
    task: str
    targets: TargetCard
    statistics: Statistics


class DataFile(Record):
    """A file beside `dataset.json`."""

    name: str
    sha256: str
    size: int


class Shard(Record):
    """Consecutive samples of one split: `.npy` arrays of `samples` rows each."""

    samples: int
    inputs: dict[str, DataFile]
    """by name: `inputs`, and what the layout has besides, one number per sample"""
    targets: dict[str, DataFile]
    """by column"""
    offsets: dict[str, DataFile] = Field(default_factory=dict)
    """of each ragged column"""

    @property
    def files(self) -> tuple[DataFile, ...]:
        """Every file of the shard."""
        return (*self.inputs.values(), *self.targets.values(), *self.offsets.values())


UNLABELLED = "unlabelled"
"""the split of the samples that have no targets: only teachers say what the outputs should be"""


class SplitCard(Record):
    """One split: its shards in order, what the kind of task says of its targets, and a Parquet table of the samples.

    The table's columns are `id`, those of the targets that results can be looked at by, and whatever else the reader of
    the recipe keeps of each sample.
    """

    samples: int
    shards: tuple[Shard, ...]
    table: DataFile
    summary: dict[str, JsonValue] = Field(default_factory=dict)

    @property
    def files(self) -> tuple[DataFile, ...]:
        """Every file of the split."""
        return (*(file for shard in self.shards for file in shard.files), self.table)


class Quarantine(Record):
    """Bad samples that were left out: how many for which reason, and the file beside `dataset.json` that names each."""

    reasons: dict[str, int]
    file: DataFile


def counted(reasons: Mapping[str, int]) -> str:
    """Returns `2 corrupt, 1 unknown label`."""
    return ", ".join(f"{count:,} {reason}" for reason, count in reasons.items())


class DatasetCard(Record):
    """`dataset.json`: everything there is to know about prepared data without opening an array."""

    format: Literal[2] = 2
    name: str
    task: str
    input: InputSpec
    columns: tuple[Column, ...]
    """of the targets, as the shards hold them"""
    targets: TargetCard
    preprocessing: dict[str, JsonValue]
    """how a raw sample becomes the input, for `tasks.runtime.preprocess`: its `kind`, and what that alone reads"""
    feature_names: tuple[str, ...] = ()
    statistics: Statistics
    split_rule: dict[str, Any]
    splits: dict[str, SplitCard]
    """train, validation, test; and `unlabelled`, whose shards have no columns, where there are such samples"""
    dropped: dict[str, int] = Field(default_factory=dict)
    """reason -> number of samples left out"""
    quarantine: Quarantine | None = None
    """bad samples; of those in `dropped` nothing is wrong but that there are several"""
    warnings: tuple[str, ...] = ()
    """what a person should know of the data, though nothing was refused"""
    licence: str | None = None

    @property
    def spec(self) -> DataSpec:
        """What a network for this data is built for."""
        return DataSpec(input=self.input, task=self.task, targets=self.targets, statistics=self.statistics)

    @property
    def files(self) -> tuple[DataFile, ...]:
        """Every file beside `dataset.json`."""
        of_splits = tuple(file for split in self.splits.values() for file in split.files)
        return (*of_splits, self.quarantine.file) if self.quarantine else of_splits


class DataRecord(Record):
    """Prepared data: `version` is the md5 that DVC keeps in `dvc.lock`, `card_sha256` the digest of `dataset.json`."""

    name: str
    version: str
    card_sha256: str
    directory: Place
    task: str
    input: InputSpec
    columns: tuple[Column, ...]
    targets: TargetCard
    preprocessing: dict[str, JsonValue]
    samples: dict[str, int]
    dropped: dict[str, int] = Field(default_factory=dict)
    """reason -> samples and files that a rule of the recipe or the reader left out, such as copies"""
    quarantined: dict[str, int] = Field(default_factory=dict)
    """reason -> bad samples left out; `quarantine.json` in the directory names them"""
    warnings: tuple[str, ...] = ()
    """what a person should know of the data, though nothing was refused"""
    news: tuple[str, ...] = ()
    """categories that the data of the latest release did not have, with their rows"""
    licence: str | None = None
    reused: bool = False

    @property
    def left_out(self) -> str:
        """How many samples and files were dropped, and why: `12 (10 duplicate, 2 missing value)`; empty where none."""
        count = sum(self.dropped.values())
        return f"{count:,} ({counted(self.dropped)})" if count else ""

    @property
    def learned_from(self) -> str:
        """What there is to learn from: `200 samples with labels and 819 without`; empty where all have labels."""
        told, untold = self.samples["train"], self.samples.get(UNLABELLED, 0)
        if not told:
            return f"{untold:,} samples without labels"
        return f"{told:,} samples with labels and {untold:,} without" if untold else ""

    @property
    def in_quarantine(self) -> str:
        """How many samples were left out because they are bad, and why: `3 samples (2 corrupt, 1 unknown label)`."""
        count = sum(self.quarantined.values())
        noun = "sample" if count == 1 else "samples"
        return f"{count:,} {noun} ({counted(self.quarantined)})" if count else ""

    def content(self) -> dict[str, Any]:
        """`dataset.json` holds the digest of every file, so its own digest stands for all of them."""
        return {"card_sha256": self.card_sha256}


Built = Annotated[Architecture | OnnxModel | AnswerTable, Field(discriminator="kind")]
"""how a model is built again: a network of ours, or what only a teacher is"""


class ModelRecord(Record):
    """A trained network: its architecture as data and its weights as safetensors. A teacher may be something else."""

    role: Literal["teacher", "student", "baseline", "assistant", "peer"]
    architecture: Built
    input: InputSpec
    task: str
    targets: TargetCard
    weights: Artefact
    """of a teacher that is no network: the ONNX file, or its answers"""
    parameters: int
    """0 where nothing tells"""
    data_version: str
    licences: tuple[str, ...] = ()
    """of what was brought along for it: a teacher's own, a student's those of its teachers"""
    validation: dict[str, float]
    """metric -> value at the epoch whose weights were kept"""
    beginning: Beginning | None = None
    """None where the recipe asks for no champion to begin from"""
    warnings: tuple[str, ...] = ()
    """what a person should know about how it was trained"""
    run_id: str
    created: datetime

    def content(self) -> dict[str, Any]:
        """The weights and how to build what they go into."""
        return {
            "role": self.role,
            "architecture": self.architecture.model_dump(mode="json"),
            "weights": self.weights.sha256,
            "licences": list(self.licences),
        }


class TeacherRecord(Record):
    """A teacher and its part in the mean of an ensemble."""

    model: ModelRecord
    weight: float = 1.0

    def content(self) -> dict[str, Any]:
        """The network, whoever made it and when."""
        return {"model": self.model.digest, "weight": self.weight}


class PairRecord(Record):
    """Two networks that taught each other."""

    student: ModelRecord
    peer: ModelRecord

    @property
    def run_id(self) -> str:
        """Of the training of both."""
        return self.student.run_id

    @property
    def created(self) -> datetime:
        """When the student's weights were kept."""
        return self.student.created


class Candidate(Record):
    """One file that could ship, measured on validation data through the runtime."""

    name: str
    onnx: Artefact
    target: Target
    metrics: dict[str, float]
    """by name, on validation data"""
    p50_ms: float
    p95_ms: float
    same_latency: tuple[str, ...] = ()
    """names of the candidates whose latency cannot be told from its own"""
    parity: float
    """largest difference between its outputs and those of its network in torch"""
    operators: dict[str, int]
    """operator type -> count in the graph that ONNX Runtime really executes"""
    tolerance: float
    """how far its outputs may be on another machine, as a part of the largest; larger for integers than for floats"""
    packed_bytes: int
    """of the file after zlib: zeros and repeated weights show here, and only here"""
    architecture: Architecture
    parameters: int
    weights: Artefact | None = None
    """of its network as safetensors, where passes changed that of the student"""
    checks: tuple[Check, ...] = ()
    """its numbers against the limits of the recipe"""
    notes: tuple[str, ...] = ()
    """what a person should know about these numbers, such as that the target is another processor"""
    on_front: bool = False
    """no other candidate is at least as good, as fast and as small, and better in one of the three"""

    @property
    def broken(self) -> tuple[Check, ...]:
        """The limits that it does not keep."""
        return tuple(check for check in self.checks if not check.passed)

    def content(self) -> dict[str, Any]:
        """The file; timings differ from run to run."""
        return {"name": self.name, "onnx": self.onnx.sha256}


class CandidatesRecord(Record):
    """All candidates and the name of the one that ships."""

    candidates: tuple[Candidate, ...]
    chosen: str
    reason: str = ""
    """why it is that one, in a sentence"""
    refused: dict[str, str] = Field(default_factory=dict)
    """candidate that could not be built, or failed a check -> why"""
    run_id: str
    created: datetime

    @property
    def winner(self) -> Candidate:
        """The candidate that ships."""
        return next(c for c in self.candidates if c.name == self.chosen)

    def content(self) -> dict[str, Any]:
        """The files and the choice."""
        return {"chosen": self.chosen, "candidates": [c.content() for c in self.candidates]}
