"""What a release is made of, from the environment it leads back to the raw data."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tasks.contracts.ancestors import Ancestor
from tasks.contracts.records import ModelRecord
from tasks.contracts.releases import Release, Verdict
from tasks.contracts.scores import EvaluationRecord
from tasks.contracts.words import interval_in_digits, limit_texts
from tasks.core.fingerprint import Ingredients
from tasks.core.record import Artefact, canonical_digest
from tasks.kinds.limits import deciding

LOCK = "dvc.lock"


def ancestry(
    release: Release,
    evaluation: EvaluationRecord,
    entries: Mapping[str, Verdict],
    ingredients: Ingredients | None,
    locks: Iterable[str],
    soft_labels: Mapping[str, str],
    verdicts: Mapping[str, Artefact],
) -> tuple[Ancestor, ...]:
    """Returns all that a release is made of, the newest first.

    Args:
        release: the release.
        evaluation: which it was made from.
        entries: environment that it leads -> the verdict by which it was promoted.
        ingredients: of the run that made it, where that is on record.
        locks: texts of `dvc.lock`, one of which may be of the data that it was made from.
        soft_labels: what is on record of those that the student learned from.
        verdicts: the files of all verdicts on it.
    """
    return (
        *(_gate(environment, verdict) for environment, verdict in entries.items()),
        *_verdicts(verdicts),
        _release(release),
        _artefact(evaluation),
        _model("student", evaluation.student),
        Ancestor("soft labels", soft_labels),
        _teacher(release, evaluation),
        _data(evaluation),
        *_raw(evaluation, locks),
        *_code(release, ingredients),
    )


def project_of(evaluation: EvaluationRecord) -> Path:
    """Returns the DVC project that prepared the data of a release: it lies in `data/NAME/prepared` there."""
    return Path(evaluation.data.directory, "../../..").resolve()


def _gate(environment: str, verdict: Verdict) -> Ancestor:
    limits = {text.limit: f"expected {text.expected}, got {text.got}" for text in limit_texts(verdict)}
    return Ancestor("gate", {"environment": environment, "evidence": verdict.digest, **limits})


def _verdicts(files: Mapping[str, Artefact]) -> Iterator[Ancestor]:
    if files:
        yield Ancestor("verdicts", {name: artefact.sha256 for name, artefact in files.items()}, files)


def _release(release: Release) -> Ancestor:
    facts = {
        "model": release.model,
        "version": str(release.version),
        "fingerprint": release.fingerprint,
        "run": release.run_id,
        "made": release.created.isoformat(timespec="seconds"),
    }
    bundle = {artefact.uri.rpartition("/")[2]: artefact for artefact in release.bundle}
    return Ancestor("release", facts, bundle)


def _artefact(evaluation: EvaluationRecord) -> Ancestor:
    shipped, metric = evaluation.shipped, deciding(evaluation.data.task)
    facts = {
        "candidate": evaluation.chosen,
        "sha256": evaluation.onnx.sha256,
        "bytes": f"{evaluation.onnx.size:,}",
        "target": f"{evaluation.target.isa}, threads {evaluation.target.threads}",
        metric.title: interval_in_digits(shipped.metrics[metric.name]),
        "evaluation run": evaluation.run_id,
    }
    return Ancestor("artefact", facts, {"model.onnx": evaluation.onnx})


def _model(kind: str, record: ModelRecord) -> Ancestor:
    facts = {
        "run": record.run_id,
        "architecture": record.architecture.kind,
        "parameters": f"{record.parameters:,}",
        "weights": record.weights.sha256,
        "trained on": record.data_version,
        **({"began from": record.beginning.words} if record.beginning else {}),
        **({"licences": ", ".join(record.licences)} if record.licences else {}),
        "made": record.created.isoformat(timespec="seconds"),
    }
    return Ancestor(kind, facts, {"weights": record.weights})


def _teacher(release: Release, evaluation: EvaluationRecord) -> Ancestor:
    teacher = _model("teacher", evaluation.teacher)
    return Ancestor("teacher", {"version": str(release.teacher_version), **teacher.facts}, teacher.files)


def _data(evaluation: EvaluationRecord) -> Ancestor:
    data = evaluation.data
    facts = {
        "name": data.name,
        "version": data.version,
        "samples": ", ".join(f"{split} {count:,}" for split, count in data.samples.items()),
        **({"licence": data.licence} if data.licence else {}),
    }
    card = Path(data.directory) / "dataset.json"
    size = card.stat().st_size if card.is_file() else 0
    return Ancestor("data", facts, {card.name: Artefact(uri=str(card), sha256=data.card_sha256, size=size)})


def _raw(evaluation: EvaluationRecord, locks: Iterable[str]) -> Iterator[Ancestor]:
    """Yields the source, if a lock is of the same version of the data that the release was made from."""
    fetched = next((stage for lock in locks for stage in _fetched(evaluation, lock)), None)
    if fetched is None:
        return
    params: list[dict[str, Any]] = [*fetched.get("params", {}).values()]
    source = params[0].get("data.source", {}) if params else {}
    project = project_of(evaluation)
    for out in fetched["outs"]:
        facts = {"folder": out["path"], "md5": out["md5"], "bytes": f"{out['size']:,}", "source": _in_a_line(source)}
        yield Ancestor("raw data", facts, folders={str(project / out["path"]): out["md5"]})


def _fetched(evaluation: EvaluationRecord, lock: str) -> Iterator[dict[str, Any]]:
    stages = (yaml.safe_load(lock) or {}).get("stages", {})
    name, version = evaluation.data.name, evaluation.data.version
    prepared, fetched = (stages.get(f"{stage}@{name}") for stage in ("prepare", "fetch"))
    if prepared and fetched and version in [out["md5"] for out in prepared["outs"]]:
        yield fetched


def _code(release: Release, ingredients: Ingredients | None) -> Iterator[Ancestor]:
    if ingredients is not None:
        fields = f"{len(ingredients.recipe)}"
        yield Ancestor("recipe", {"digest": canonical_digest(ingredients.recipe), "fields": fields})
    facts = {"git commit": release.git_commit}
    if release.product_version:
        facts["Stillhouse"] = release.product_version
    if release.library_lock:
        facts["requirements.lock"] = release.library_lock
    if ingredients is not None:
        facts["libraries"] = ", ".join(f"{name} {version}" for name, version in sorted(ingredients.libraries.items()))
    yield Ancestor("code", facts)


def _in_a_line(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_in_a_line(inner)}" for key, inner in value.items())
    if isinstance(value, list):
        return " ".join(_in_a_line(inner) for inner in value)
    return str(value)
