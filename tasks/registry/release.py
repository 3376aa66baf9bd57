"""A release: the bundle of the file that ships, and a model version in MLflow, made once per fingerprint."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from tasks.registry import ledger
from tasks.registry.removal import refuse_removed, teacher_of
from tasks.registry.versions import ensure_version, registry_lock
from tasks.releases import Release
from tasks.runtime.bundle import Facts, golden_of, self_test, write_bundle
from tasks.runtime.manifest import MANIFEST, Head, Processor
from tasks.runtime.session import Session
from tasks.scores import EvaluationRecord
from tasks.tracking import StageRun, fetch
from tasks.training.arrays import open_split
from tasks.training.network import PreparedData
from tasks.workspace import git_commit, project_root

BUNDLE = "bundle"
FP32_TOLERANCE, INT8_TOLERANCE = 1e-3, 5e-2
"""of the golden logits, as a part of the largest; processors without VNNI round int8 products otherwise"""


def ensure_release(run: StageRun, model: str, evaluation: EvaluationRecord) -> Release:
    """Returns the release of an evaluation: the one that is there for its fingerprint, else a new version.

    The files of a release that was made before are written again where they are gone: equal evaluation, equal bytes.
    """
    with registry_lock():
        known = ledger.find_release(model, evaluation.digest)
        if known:
            refuse_removed(known)
        home = StageRun(known.run_id, run.scratch) if known else run
        bundle = _build_bundle(run.scratch / BUNDLE, evaluation)
        kept = {path.name: home.keep(path, BUNDLE) for path in sorted(bundle.iterdir())}
        if known:
            return known
        source = kept[MANIFEST].uri.removesuffix(f"/{MANIFEST}")
        teacher_version = _register_teacher(model, evaluation)
        version = ensure_version(model, evaluation.digest, source, run.id, _tags(evaluation, teacher_version))
        release = Release(
            model=model,
            version=version,
            fingerprint=evaluation.digest,
            bundle=tuple(kept.values()),
            teacher_version=teacher_version,
            data_version=evaluation.data.version,
            git_commit=git_commit(project_root()),
            run_id=run.id,
            created=datetime.now(UTC),
        )
        ledger.add_release(release, evaluation)
        run.tags({"model": model, "model_version": str(version)})
        return release


def _build_bundle(directory: Path, evaluation: EvaluationRecord) -> Path:
    """Writes the bundle from the bytes that were measured, and lets it pass the self-test that a device will run.

    It is dated as the evaluation, so that it can be repeated.
    """
    model = fetch(evaluation.onnx).read_bytes()
    session = Session(model, evaluation.target.threads)
    prepared = PreparedData.open(evaluation.data)
    test = open_split(prepared.directory, "test")
    samples = test.gather(prepared.kind.golden(test.labels()))
    golden = golden_of(session, samples.inputs, samples.lengths)
    part = FP32_TOLERANCE if evaluation.chosen == "fp32" else INT8_TOLERANCE
    facts = Facts(
        name=evaluation.name,
        task=evaluation.data.task,
        classes=evaluation.data.classes,
        layout=evaluation.data.input.layout,
        target=Processor(evaluation.target.isa, evaluation.target.threads),
        data_version=evaluation.data.version,
        fingerprint=evaluation.digest,
        created=evaluation.created.isoformat(),
        heads=tuple(Head(name, classes) for name, classes in prepared.card.heads.items()),
        tolerance=part * max(1.0, float(np.abs(golden.logits).max())),
    )
    write_bundle(directory, facts, model, golden)
    self_test(directory)
    return directory


def _register_teacher(model: str, evaluation: EvaluationRecord) -> int:
    teacher = evaluation.teacher
    source = teacher.weights.uri.rpartition("/")[0]
    tags = {"data_version": teacher.data_version, "weights_sha256": teacher.weights.sha256}
    return ensure_version(teacher_of(model), teacher.digest, source, teacher.run_id, tags)


def _tags(evaluation: EvaluationRecord, teacher_version: int) -> dict[str, str]:
    return {
        "data_version": evaluation.data.version,
        "teacher_version": str(teacher_version),
        "teacher_sha256": evaluation.teacher.weights.sha256,
        "student_run": evaluation.student.run_id,
        "evaluation_run": evaluation.run_id,
        "onnx_sha256": evaluation.onnx.sha256,
        "candidate": evaluation.chosen,
        "accuracy": f"{evaluation.shipped.accuracy.value:.4f}",
        "git_commit": git_commit(project_root()),
    }
