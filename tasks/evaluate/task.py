"""The doors of the evaluation room: all models of a retrain on the same test split, or one release on today's."""

from datetime import UTC, datetime

from params.evaluate import Evaluate
from tasks.evaluate.entrant import BASELINE, STUDENT, TEACHER, Entrant, export_entrant
from tasks.evaluate.evaluate import Evaluation, evaluate, score_alone
from tasks.evaluate.report import write_report
from tasks.fingerprint import MEASURING
from tasks.models.weights import load_model
from tasks.records import CandidatesRecord, DataRecord, ModelRecord
from tasks.scores import EvaluationRecord, Score
from tasks.task import advance_of, stage
from tasks.tracking import StageRun, fetch
from tasks.training.arrays import open_split
from tasks.training.network import PreparedData

TITLE = "evaluate"


def _summary(record: EvaluationRecord) -> str:
    shipped = record.shipped.accuracy
    return f"{record.chosen}: test accuracy {shipped.value:.4f} ({shipped.low:.4f} to {shipped.high:.4f})"


@stage("evaluate", TITLE, MEASURING, _summary)
def evaluate_candidates(
    run: StageRun,
    name: str,
    evaluation: Evaluate,
    candidates: CandidatesRecord,
    teacher: ModelRecord,
    baseline: ModelRecord,
    student: ModelRecord,
    data: DataRecord,
    seed: int,
) -> EvaluationRecord:
    """Judges teacher, baseline, student and every candidate on the test split, each as its ONNX file."""
    prepared = PreparedData.open(data)
    compared = {TEACHER: teacher, BASELINE: baseline, STUDENT: student}
    models = _exported(run, compared, prepared, seed) | _candidates(candidates)
    target = candidates.winner.target
    test = open_split(prepared.directory, "test")
    judged = evaluate(evaluation, models, prepared.kind, data.classes, test, target, seed, advance_of(TITLE))
    for path in write_report(judged, candidates.chosen, run.scratch):
        run.keep(path)
    run.uses(data)
    _log(run, judged)
    return EvaluationRecord(
        name=name,
        data=data,
        teacher=teacher,
        student=student,
        scores=judged.scores,
        chosen=candidates.chosen,
        onnx=candidates.winner.onnx,
        gain=judged.gain,
        target=target,
        notes=(*student.warnings, *judged.notes),
        run_id=run.id,
        created=datetime.now(UTC),
    )


def score_again(earlier: EvaluationRecord, data: DataRecord, params: Evaluate) -> Score:
    """Returns the score that the shipped file of an earlier evaluation gets on the test split of `data`."""
    prepared = PreparedData.open(data)
    shipped = earlier.shipped
    entrant = Entrant(fetch(earlier.onnx), earlier.onnx, shipped.parameters, shipped.parity)
    test = open_split(prepared.directory, "test")
    return score_alone(params, "champion", entrant, prepared.kind, data.classes, test, earlier.target, seed=0)


def _exported(run: StageRun, records: dict[str, ModelRecord], prepared: PreparedData, seed: int) -> dict[str, Entrant]:
    """Exports the networks that are compared with: latency and bytes are those of ONNX for all alike."""
    entrants: dict[str, Entrant] = {}
    for name, record in records.items():
        network = load_model(record, fetch(record.weights), prepared.card.statistics)
        path = run.scratch / f"{name}.onnx"
        entrants[name] = export_entrant(network, record.input, path, seed)
        run.keep(path)
    return entrants


def _candidates(candidates: CandidatesRecord) -> dict[str, Entrant]:
    return {
        candidate.name: Entrant(fetch(candidate.onnx), candidate.onnx, candidate.parameters, candidate.parity)
        for candidate in candidates.candidates
    }


def _log(run: StageRun, judged: Evaluation) -> None:
    for score in judged.scores:
        numbers = {
            "accuracy": score.accuracy.value,
            "macro_recall": score.macro_recall.value,
            "macro_f1": score.macro_f1.value,
            "agreement": score.agreement.value,
            "calibration_error": score.calibration_error,
            "bytes": float(score.size),
            "p50_ms": score.p50_ms,
            "p95_ms": score.p95_ms,
            "parity": score.parity,
            **{f"{head}_accuracy": accuracy.value for head, accuracy in score.heads.items()},
        }
        run.metrics(0, {f"{score.name}.{name}": value for name, value in numbers.items()})
    run.metrics(0, {"gain": judged.gain.value, "gain_low": judged.gain.low, "gain_high": judged.gain.high})
