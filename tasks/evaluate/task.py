"""The doors of the evaluation room: all models of a retrain on the same test split, several students on validation
data, or one release on today's test split.
"""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from prefect import task
from prefect.cache_policies import NO_CACHE

from params.compress import Target
from params.evaluate import Evaluate
from params.teacher import AnswerTable
from tasks.contracts.metrics import GROUP, finite
from tasks.contracts.raw_columns import selection
from tasks.contracts.records import Candidate, CandidatesRecord, DataRecord, ModelRecord
from tasks.contracts.scores import (
    BASELINE,
    STUDENT,
    TEACHER,
    Challenge,
    ComparisonRecord,
    EvaluationRecord,
    Figure,
    TeacherWorth,
)
from tasks.contracts.words import (
    deferral_in_words,
    gain_in_digits,
    interval_in_digits,
    listening_in_words,
    operating_in_words,
    verification_in_words,
)
from tasks.core.fingerprint import DRAWING, MEASURING
from tasks.core.record import sha256_of_text
from tasks.distill.teachers.load_teachers import load_teacher
from tasks.distill.teachers.teacher_kind import Answerer
from tasks.drawing.svg import Drawing
from tasks.evaluate.against.challenge import Champion, challenge
from tasks.evaluate.evaluate import VALIDATION, Evaluation, evaluate, score_all
from tasks.evaluate.illustrate import illustrate
from tasks.evaluate.listening.det import draw_det
from tasks.evaluate.listening.judge import listening
from tasks.evaluate.model_under_test import AskedModel, ModelUnderTest, export_model, fed_through
from tasks.evaluate.numbers import write_numbers
from tasks.evaluate.thresholds.defer import deferral
from tasks.evaluate.thresholds.verify import verification
from tasks.kinds.limits import deciding, metrics_of
from tasks.tracking.runs import StageRun, fetch, history
from tasks.tracking.task import advance_of, stage
from tasks.training.loop import VALIDATION as VALIDATED
from tasks.training.network import PreparedData

TITLE, COMPARISON, WORTH = "evaluate", "compare", "worth"


def _summary(record: EvaluationRecord) -> str:
    metric = deciding(record.data.task)
    told = f"{record.chosen}: test {metric.title} {interval_in_digits(record.shipped.metrics[metric.name])}"
    lines = [told]
    if always := record.constant:
        lines.append(f"{always.words}: {interval_in_digits(always.metrics[metric.name])}")
    if record.listening:
        lines.append(listening_in_words(record.listening))
    if record.deferral:
        lines.append(deferral_in_words(record.deferral))
    if record.verification:
        lines.append(verification_in_words(record.verification))
    if record.operating:
        lines.append(operating_in_words(record.operating, metrics_of(record.data.task), record.shipped))
    return "\n".join(lines)


@stage(TITLE, (*MEASURING, *DRAWING), _summary)
def evaluate_candidates(
    run: StageRun,
    name: str,
    evaluation: Evaluate,
    candidates: CandidatesRecord,
    teacher: ModelRecord,
    baseline: ModelRecord | None,
    student: ModelRecord,
    data: DataRecord,
    seed: int,
) -> EvaluationRecord:
    """Judges teacher, baseline, student and every candidate on the test split, each as its ONNX file."""
    prepared = PreparedData.open(data)
    compared = {TEACHER: teacher, **({BASELINE: baseline} if baseline else {}), STUDENT: student}
    models = _exported(run, compared, prepared, seed) | _candidates(candidates)
    target = candidates.winner.target
    judged = evaluate(evaluation, models, prepared, target, seed, advance_of(TITLE))
    run.keep(write_numbers(judged, candidates.chosen, run.scratch))
    metric = prepared.measuring.deciding
    curves = {role: np.array(history(record.run_id, VALIDATED + metric.name)) for role, record in compared.items()}
    shipped = models[candidates.chosen].open(target.threads)
    tables, drawings = illustrate(judged, candidates.chosen, prepared, curves, shipped)
    detected = listening(evaluation, shipped, prepared) if evaluation.listen else None
    drawings += (draw_det(detected, candidates.chosen),) if detected else ()
    run.uses(data)
    _log(run, judged)
    shipped = models[candidates.chosen].open(target.threads)
    return EvaluationRecord(
        name=name,
        data=data,
        teacher=teacher,
        student=student,
        baseline=baseline,
        scores=judged.scores,
        chosen=candidates.chosen,
        reason=candidates.reason,
        onnx=candidates.winner.onnx,
        machine=judged.machine,
        gains=judged.gains,
        constant=judged.constant,
        listening=detected,
        deferral=deferral(evaluation, shipped, prepared) if evaluation.defer else None,
        verification=verification(evaluation, shipped, prepared) if evaluation.verify else None,
        operating=judged.points.get(candidates.chosen),
        target=target,
        tolerance=candidates.winner.tolerance,
        notes=(*teacher.warnings, *_on_stored(teacher), *student.warnings, *candidates.winner.notes, *judged.notes),
        tables=tables,
        figures=tuple(_kept(run, drawing) for drawing in drawings),
        run_id=run.id,
        created=datetime.now(UTC),
    )


def _summary_of_worth(record: TeacherWorth) -> str:
    name, gain = next(iter(record.gains.items()))
    return f"the teacher is worth {gain_in_digits(gain)} {name} on validation data"


@stage(WORTH, MEASURING, _summary_of_worth)
def weigh_teacher(
    run: StageRun, evaluation: Evaluate, baseline: ModelRecord, student: ModelRecord, data: DataRecord, seed: int
) -> TeacherWorth:
    """Compares the student with the same one without its teacher on validation data, each as its ONNX file."""
    prepared = PreparedData.open(data)
    models = _exported(run, {BASELINE: baseline, STUDENT: student}, prepared, seed)
    advance = advance_of(WORTH)
    _, context = score_all(evaluation, models, BASELINE, prepared, Target(), seed, advance, VALIDATION)
    return TeacherWorth(gains=context.gains(STUDENT, BASELINE), run_id=run.id, created=datetime.now(UTC))


def _summary_of_comparison(record: ComparisonRecord) -> str:
    return f"{len(record.students)} students on validation data"


@stage(COMPARISON, MEASURING, _summary_of_comparison)
def compare_students(
    run: StageRun,
    evaluation: Evaluate,
    names: tuple[str, ...],
    students: tuple[CandidatesRecord, ...],
    teacher: ModelRecord,
    data: DataRecord,
    seed: int,
) -> ComparisonRecord:
    """Judges the file that would ship of each of several students on validation data, side by side.

    All are timed in one process, in which nothing else goes on: what each cost where it was made says less.
    """
    prepared = PreparedData.open(data)
    winners = [candidates.winner for candidates in students]
    found = {name: _model_of(winner) for name, winner in zip(names, winners, strict=True)}
    models = _exported(run, {TEACHER: teacher}, prepared, seed) | found
    target = winners[0].target
    scores, _ = score_all(evaluation, models, TEACHER, prepared, target, seed, advance_of(COMPARISON), VALIDATION)
    run.uses(data)
    return ComparisonRecord(
        teacher=scores[0],
        students=scores[1:],
        onnx=tuple(winner.onnx for winner in winners),
        run_id=run.id,
        created=datetime.now(UTC),
    )


@task(name="challenge", cache_policy=NO_CACHE)
def challenge_champion(
    evaluation: EvaluationRecord, environment: str, version: int, champion: EvaluationRecord, params: Evaluate
) -> Challenge:
    """Returns how the shipped file of an evaluation does against that of a champion, on the test data of the former.

    A champion that knows other categories is fed as a device feeds it.
    """
    prepared, ours = PreparedData.open(evaluation.data), _shipped(evaluation)
    with TemporaryDirectory() as folder:
        model, features = _shipped(champion), selection(evaluation.data, champion.data)
        fed = model if features is None else fed_through(model, features, Path(folder, "champion.onnx"))
        keep = partial(_kept_apart, StageRun(evaluation.run_id, Path(folder)))
        return challenge(params, Champion(environment, version, fed), ours, prepared, evaluation.target, 0, keep)


def _on_stored(teacher: ModelRecord) -> tuple[str, ...]:
    """Says what the cost of a teacher means that is a table of answers."""
    if not isinstance(teacher.architecture, AnswerTable):
        return ()
    return ("the teacher is stored answers: its milliseconds and bytes are those of looking them up",)


def _shipped(evaluation: EvaluationRecord) -> ModelUnderTest:
    score = evaluation.shipped
    return ModelUnderTest(fetch(evaluation.onnx), evaluation.onnx, score.parameters, score.parity)


def _kept(run: StageRun, drawing: Drawing, suffix: str = "") -> Figure:
    path = run.scratch / f"{drawing.name}{suffix}.svg"
    path.write_bytes(drawing.svg)
    return Figure(name=drawing.name, title=drawing.title, caption=drawing.caption, artefact=run.keep(path, "figures"))


def _kept_apart(run: StageRun, drawing: Drawing) -> Figure:
    """Keeps a picture under a name of its own: another one that is drawn later must not take its place."""
    return _kept(run, drawing, f"-{sha256_of_text(drawing.svg.decode())[:12]}")


def _exported(
    run: StageRun, records: dict[str, ModelRecord], prepared: PreparedData, seed: int
) -> dict[str, ModelUnderTest]:
    """Exports the networks that are compared with: latency and bytes are those of ONNX for all alike."""
    found: dict[str, ModelUnderTest] = {}
    for name, record in records.items():
        network = load_teacher(record, prepared)
        if isinstance(network, Answerer):
            found[name] = AskedModel(fetch(record.weights), record.weights, record.parameters, 0.0, network)
            continue
        path = run.scratch / f"{name}.onnx"
        found[name] = export_model(network, path, seed)
        run.keep(path)
    return found


def _candidates(candidates: CandidatesRecord) -> dict[str, ModelUnderTest]:
    return {candidate.name: _model_of(candidate) for candidate in candidates.candidates}


def _model_of(candidate: Candidate) -> ModelUnderTest:
    return ModelUnderTest(fetch(candidate.onnx), candidate.onnx, candidate.parameters, candidate.parity)


def _log(run: StageRun, judged: Evaluation) -> None:
    for score in judged.scores:
        numbers = {
            **{name: value for name, value in score.values.items() if GROUP not in name},
            "agreement": score.agreement.value,
            "bytes": float(score.size),
            "p50_ms": score.p50_ms,
            "p95_ms": score.p95_ms,
            "p99_ms": score.p99_ms,
            "batch_p50_ms": score.batch.p50_ms,
            **({} if score.footprint is None else score.footprint.model_dump()),
            "parity": score.parity,
        }
        run.metrics(0, {f"{score.name}.{name}": value for name, value in finite(numbers).items()})
    plain = {name: found.value for name, found in judged.constant.metrics.items() if GROUP not in name}
    run.metrics(0, {f"constant.{name}": value for name, value in finite(plain).items()})
    for name, gain in judged.gains.items():
        run.metrics(0, {f"gain.{name}": gain.value, f"gain.{name}.low": gain.low, f"gain.{name}.high": gain.high})
