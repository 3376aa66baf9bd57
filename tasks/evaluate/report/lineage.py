"""What the release is made of: every digest and version that leads back to data, code and runs."""

from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote, urlparse

from tasks.contracts.records import UNLABELLED, DataRecord, ModelRecord
from tasks.contracts.releases import Release
from tasks.contracts.scores import EvaluationRecord
from tasks.contracts.words import TIMES, moment
from tasks.core.record import Artefact
from tasks.evaluate.report.report import Report


@dataclass(frozen=True)
class LineageEntry:
    """A name and a value; `code` where the value is for machines."""

    name: str
    value: str
    code: bool = False


@dataclass(frozen=True)
class Origin:
    """One thing that the release is made of, and what is on record of it."""

    title: str
    entries: tuple[LineageEntry, ...]


def lineage(report: Report) -> tuple[Origin, ...]:
    """Returns data, teacher, student, evaluation and release; what is not on record is left out."""
    evaluation, release = report.evaluation, report.release
    version = (LineageEntry("version", str(release.teacher_version)),) if release else ()
    judged = (LineageEntry("run", evaluation.run_id, code=True), LineageEntry("made", moment(evaluation.created)))
    origins = (
        Origin("Data", _data(evaluation.data)),
        Origin("Teacher", (*version, *_model(evaluation.teacher))),
        Origin("Student", _model(evaluation.student)),
        Origin("Evaluation", judged),
        Origin("File that ships", _shipped(evaluation)),
        *(_registered(release) if release else ()),
    )
    return tuple(Origin(o.title, tuple(f for f in o.entries if f.value)) for o in origins if o.entries)


def input_in_words(data: DataRecord) -> str:
    """Returns what one sample is: `image, uint8, 1 × 8 × 8`."""
    return f"{data.input.layout}, {data.input.dtype}, {f' {TIMES} '.join(map(str, data.input.shape))}"


def samples_in_words(data: DataRecord) -> str:
    """Returns how many samples each split has; of those without labels, behind the others that are learned from."""
    told = {name: f"{name} {count:,}" for name, count in data.samples.items() if name != UNLABELLED}
    if data.learned_from:
        told["train"] = f"train {data.learned_from}"
    return ", ".join(told.values())


def quarantine_in_words(data: DataRecord) -> str:
    """Returns how many bad samples were left out, why, and where they are named; empty where none."""
    return data.in_quarantine and f"{data.in_quarantine}, named in quarantine.json of this version"


def _data(data: DataRecord) -> tuple[LineageEntry, ...]:
    return (
        LineageEntry("name", data.name),
        LineageEntry("version", data.version, code=True),
        LineageEntry("card sha256", data.card_sha256, code=True),
        LineageEntry("licence", data.licence or ""),
        LineageEntry("samples", samples_in_words(data)),
        LineageEntry("left out", data.left_out),
        LineageEntry("in quarantine", quarantine_in_words(data)),
        LineageEntry("input", input_in_words(data)),
        LineageEntry("targets", ", ".join(column.name for column in data.columns)),
        LineageEntry("groups", f"{len(data.targets.names):,}" if data.targets.names else ""),
    )


def _model(model: ModelRecord) -> tuple[LineageEntry, ...]:
    return (
        LineageEntry("architecture", model.architecture.kind),
        LineageEntry("parameters", f"{model.parameters:,}"),
        LineageEntry("licences", ", ".join(model.licences)),
        LineageEntry("run", model.run_id, code=True),
        LineageEntry("weights sha256", model.weights.sha256, code=True),
        LineageEntry("trained on data", model.data_version, code=True),
        LineageEntry("made", moment(model.created)),
    )


def _shipped(evaluation: EvaluationRecord) -> tuple[LineageEntry, ...]:
    onnx, target = evaluation.onnx, evaluation.target
    return (
        LineageEntry("ships", f"{evaluation.chosen}, {onnx.size:,} bytes"),
        LineageEntry("sha256 of the ONNX file", onnx.sha256, code=True),
        LineageEntry("target", f"{target.isa}, {target.threads} {'thread' if target.threads == 1 else 'threads'}"),
        LineageEntry("fingerprint", evaluation.digest, code=True),
    )


def _registered(release: Release) -> tuple[Origin, Origin]:
    entries = (
        LineageEntry("fingerprint", release.fingerprint, code=True),
        LineageEntry("git commit", release.git_commit, code=True),
        LineageEntry("Stillhouse", release.product_version),
        LineageEntry("sha256 of requirements.lock", release.library_lock, code=True),
        LineageEntry("run", release.run_id, code=True),
        LineageEntry("made", moment(release.created)),
    )
    files = tuple(_file(artefact) for artefact in release.bundle)
    return Origin("Release", entries), Origin("Files of the bundle", files)


def _file(artefact: Artefact) -> LineageEntry:
    name = PurePosixPath(unquote(urlparse(artefact.uri).path)).name
    return LineageEntry(f"{name}, {artefact.size:,} bytes", artefact.sha256, code=True)
