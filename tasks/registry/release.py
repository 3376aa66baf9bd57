"""A release: the bundle of the file that ships, and a model version in MLflow, made once per fingerprint."""

from datetime import UTC, datetime
from math import prod
from pathlib import Path

import numpy as np
from mlflow.exceptions import MlflowException

from tasks.contracts.releases import Release
from tasks.contracts.scores import EvaluationRecord, Listening
from tasks.core.errors import IntegrityError, mismatch
from tasks.core.files import sha256_of
from tasks.core.record import Artefact
from tasks.core.workspace import git_commit, product_version, project_root
from tasks.kinds.limits import deciding
from tasks.registry.ledger import entries as ledger
from tasks.registry.ledger.history import History
from tasks.registry.mlflow_model.description import described
from tasks.registry.mlflow_model.logged import log_model, note_version
from tasks.registry.removal import refuse_removed, teacher_of
from tasks.registry.versions import ensure_version, registry_lock
from tasks.runtime.bundle.bundle import Facts, golden_of, self_test, write_bundle
from tasks.runtime.bundle.manifest import Defer, Processor, VerifyRules
from tasks.runtime.bundle.session import Session
from tasks.runtime.listen.rules import ListenRules
from tasks.runtime.pyfunc import BUNDLE
from tasks.tracking.artifacts import keep_at
from tasks.tracking.runs import StageRun, client, fetch
from tasks.training.arrays import FEW, open_split
from tasks.training.network import PreparedData

LEAST_GOLDEN, GOLDEN_BYTES = 2, 4_000_000
"""samples of the self-test at least, and bytes of their outputs above which there are no more than these"""
CARD, LOCK = "card.md", "requirements.lock"


def ensure_release(run: StageRun, model: str, evaluation: EvaluationRecord, card: Artefact) -> Release:
    """Returns the release of an evaluation: the one that is there for its fingerprint, else a new version.

    Args:
        run: the open MLflow run; its scratch folder is used.
        model: the name of the registered model.
        evaluation: which the release is made from.
        card: the model card that goes into the bundle, made of the evaluation alone.

    Raises:
        IntegrityError: files of the release that is there are gone, and cannot be made again as they were.
    """
    with registry_lock():
        known = ledger.find_release(model, evaluation.digest)
        if known:
            refuse_removed(known, History.load(model))
            return known if _intact(known) else _made_again(run, known, card)
        release = _registered(run, model, evaluation, card)
        ledger.add_release(release, evaluation)
        run.tags({"model": model, "model_version": str(release.version)})
        return release


def _registered(run: StageRun, model: str, evaluation: EvaluationRecord, card: Artefact) -> Release:
    """Makes the model and its version in MLflow, and that of the teacher; returns the record of it all."""
    bundle = _build_bundle(run.scratch / BUNDLE, evaluation, card)
    model_id, kept = log_model(run, model, evaluation, bundle)
    teacher_version = _register_teacher(model, evaluation)
    tags, words = _tags(evaluation, teacher_version), _description(run, evaluation, card)
    version = ensure_version(model, evaluation.digest, f"models:/{model_id}", run.id, tags, words, model_id)
    note_version(model_id, model, version)
    return Release(
        model=model,
        version=version,
        fingerprint=evaluation.digest,
        bundle=kept,
        teacher_version=teacher_version,
        data_version=evaluation.data.version,
        git_commit=git_commit(project_root()),
        product_version=product_version(),
        library_lock=_lock_digest(),
        run_id=run.id,
        created=datetime.now(UTC),
    )


def _rules(found: Listening | None) -> ListenRules | None:
    if found is None:
        return None
    return ListenRules(found.hop, found.smooth, found.threshold, found.refractory, found.silent)


def _intact(release: Release) -> bool:
    try:
        for artefact in release.bundle:
            fetch(artefact)
    except (IntegrityError, MlflowException, OSError):
        return False
    return True


def _made_again(run: StageRun, known: Release, card: Artefact) -> Release:
    """Writes the files of a release again: the same evaluation gives the same bytes."""
    had = {artefact.uri.rpartition("/")[2]: artefact for artefact in known.bundle}
    evaluation = ledger.evaluation_of(known)
    bundle = _build_bundle(run.scratch / BUNDLE, evaluation, card)
    for path in sorted(bundle.iterdir()):
        if (got := sha256_of(path)) != had[path.name].sha256:
            do = f"put the bundle back from a copy, or run with the code of commit {known.git_commit}"
            what = f"{known.model} version {known.version}"
            raise IntegrityError(mismatch(what, path.name, f"sha256 {had[path.name].sha256}", got, do))
    for path in sorted(bundle.iterdir()):
        keep_at(path, had[path.name].uri.rpartition("/")[0])
    return known


def _golden_count(session: Session) -> int:
    """Returns how many samples stand for all in the self-test: fewer where outputs are as large as maps are."""
    sizes = (4 * prod(side or 1 for side in output.shape[1:]) for output in session.outputs.values())
    return max(LEAST_GOLDEN, min(FEW, GOLDEN_BYTES // max(sum(sizes), 1)))


def _build_bundle(directory: Path, evaluation: EvaluationRecord, card: Artefact) -> Path:
    """Writes the bundle from the bytes that were measured, and lets it pass the self-test that a device will run.

    It is dated as the evaluation, so that it can be repeated.
    """
    model = fetch(evaluation.onnx).read_bytes()
    session = Session(model, evaluation.target.threads)
    prepared = PreparedData.open(evaluation.data)
    test = open_split(prepared.directory, "test")
    samples = test.gather(test.few(_golden_count(session)))
    golden = golden_of(session, samples.inputs)
    facts = Facts(
        name=evaluation.name,
        task=evaluation.data.task,
        targets=evaluation.targets.model_dump(mode="json"),
        preprocessing=evaluation.data.preprocessing,
        layout=evaluation.data.input.layout,
        target=Processor(evaluation.target.isa, evaluation.target.threads),
        data_version=evaluation.data.version,
        fingerprint=evaluation.digest,
        created=evaluation.created.isoformat(),
        licences=evaluation.licences,
        listen=_rules(evaluation.listening),
        defer=Defer(found.metric, found.limit, found.threshold) if (found := evaluation.deferral) else None,
        verify=VerifyRules(told.threshold, told.far) if (told := evaluation.verification) else None,
        tolerance=evaluation.tolerance * max(1.0, *(float(np.abs(values).max()) for values in golden.outputs.values())),
    )
    write_bundle(directory, facts, model, golden, {CARD: fetch(card).read_bytes()})
    self_test(directory)
    return directory


def _lock_digest() -> str:
    path = project_root() / LOCK
    return sha256_of(path) if path.is_file() else ""


def _register_teacher(model: str, evaluation: EvaluationRecord) -> int:
    teacher = evaluation.teacher
    source = teacher.weights.uri.rpartition("/")[0]
    tags = {"data_version": teacher.data_version, "weights_sha256": teacher.weights.sha256}
    return ensure_version(teacher_of(model), teacher.digest, source, teacher.run_id, tags)


def _description(run: StageRun, evaluation: EvaluationRecord, card: Artefact) -> str:
    experiment = client().get_run(run.id).info.experiment_id
    data = f"{evaluation.data.name} {evaluation.data.version}"
    return described(fetch(card).read_text(encoding="utf-8"), experiment, run.id, data)


def _tags(evaluation: EvaluationRecord, teacher_version: int) -> dict[str, str]:
    metric = deciding(evaluation.data.task)
    return {
        "data_version": evaluation.data.version,
        "teacher_version": str(teacher_version),
        "teacher_sha256": evaluation.teacher.weights.sha256,
        "student_run": evaluation.student.run_id,
        "evaluation_run": evaluation.run_id,
        "onnx_sha256": evaluation.onnx.sha256,
        "candidate": evaluation.chosen,
        metric.name: f"{evaluation.shipped.metrics[metric.name].value:.4f}",
        "git_commit": git_commit(project_root()),
        "stillhouse_version": product_version(),
    }
