"""From a recipe to a registered, and where the gate allows promoted, student.

data -> teacher -> student -> compress -> evaluate -> register (-> promote)
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from prefect import flow
from prefect.runtime import flow_run

from flows.logs import follow
from flows.promote import promote, report, report_on_moved
from flows.teacher_harm import without_harm, without_teacher
from flows.warm_start import WarmStart, cold_student, cold_teacher
from params.pipeline import Recipe
from params.promote import ENVIRONMENTS, Gate
from params.student import Student
from params.teacher import TeacherSection, TrainedTeacher
from tasks.compress.task import compress_student
from tasks.contracts.beginnings import Beginning
from tasks.contracts.records import DataRecord, ModelRecord, TeacherRecord
from tasks.contracts.releases import Promotion, Release
from tasks.contracts.scores import EvaluationRecord
from tasks.contracts.words import with_ends
from tasks.core.fingerprint import LIBRARIES, Ingredients, flatten, library_versions
from tasks.core.locks import shared
from tasks.core.record import Artefact, Record
from tasks.data.task import prepare_data
from tasks.distill.task import distill_assistant, distill_student, teach_each_other, train_baseline
from tasks.distill.teachers.task import confirm_teacher, train_teacher
from tasks.evaluate.report.task import write_card
from tasks.evaluate.task import evaluate_candidates
from tasks.kinds.limits import deciding
from tasks.registry.ledger import entries as ledger
from tasks.registry.task import register_student
from tasks.tracking import job_runs, runs
from tasks.tracking.run_tags import source_tags
from tasks.tracking.runs import StageRun
from tasks.training.record import BEGAN


class Retrained(Record):
    """What a retrain came to: the release, how it was judged, and which gates it was shown to."""

    evaluation: EvaluationRecord
    release: Release
    promotions: tuple[Promotion, ...]
    report: Artefact
    """the page of the release"""


@flow(name="retrain", flow_run_name="retrain {recipe.name}")
def retrain(recipe: Recipe) -> Retrained:
    """Makes a student as the recipe says, reusing whatever was made before from the same ingredients."""
    follow()
    with job_runs.job_run(recipe.name, "retrain", run_id=flow_run.id):
        with shared(), parent_run(recipe) as run:
            data = prepare_data(recipe, ledger.released_data(recipe.name))
            warm = WarmStart(recipe.name, data)
            teachers = train_teachers(recipe, data, warm)
            baseline, begin_alone = train_without_teacher(recipe, data, warm)
            taught_by, student = teach_student(recipe, teachers, data, warm)
            distillation, student = without_harm(recipe, taught_by, baseline, student, data, begin_alone)
            candidates = compress_student(
                recipe.compress, recipe.student, distillation, taught_by, student, data, recipe.seed
            )
            evaluation = evaluate_candidates(
                recipe.name,
                recipe.evaluate,
                candidates,
                (teachers or taught_by)[0].model,
                baseline,
                student,
                data,
                recipe.seed,
            )
            release = register_student(recipe.name, evaluation, write_card(evaluation))
            _summarise(run, evaluation, release)
        promotions = promote_automatically(recipe, release)
        page = report(release, recipe.evaluate, _ingredients(recipe))
        report_on_moved(recipe.name, {promotion.previous for promotion in promotions if promotion.moved})
    return Retrained(evaluation=evaluation, release=release, promotions=promotions, report=page)


def train_teachers(recipe: Recipe, data: DataRecord, warm: WarmStart | None = None) -> tuple[TeacherRecord, ...]:
    """Returns all teachers; none beside a peer. Weight and seed are no part of what a teacher is made from.

    Without `warm` all begin as if there were no release.
    """
    teachers = []
    for teacher in recipe.teachers:
        started = datetime.now(UTC)
        teacher, start = warm.teacher(teacher) if warm else (cold_teacher(teacher), None)
        if isinstance(teacher, TrainedTeacher):
            params: TeacherSection = teacher.model_copy(update={"weight": 1.0, "seed": None})
            seed = recipe.seed if teacher.seed is None else teacher.seed
        else:
            params, seed = teacher.model_copy(update={"weight": 1.0}), 0
        model = train_teacher(params, data, seed, start)
        confirm_teacher(teacher, data, model, started)
        teachers.append(TeacherRecord(model=model, weight=teacher.weight))
    return tuple(teachers)


def train_without_teacher(
    recipe: Recipe, data: DataRecord, warm: WarmStart | None = None
) -> tuple[ModelRecord | None, tuple[Student, Beginning | None]]:
    """Returns what the student is compared with, and where that began; None where no training sample has a label.

    Without `warm` it begins as if there were no release.
    """
    alone = without_teacher(recipe.student)
    if recipe.data.labels.none:
        return None, (alone, None)
    section, start = warm.baseline(alone) if warm else (cold_student(alone), None)
    return train_baseline(section, data, recipe.seed, start), (section, start)


def teach_student(
    recipe: Recipe, teachers: tuple[TeacherRecord, ...], data: DataRecord, warm: WarmStart | None = None
) -> tuple[tuple[TeacherRecord, ...], ModelRecord]:
    """Returns the models that taught the student, and the student: of teachers, an assistant, or a peer.

    Without `warm` the student begins as if there were no release.
    """
    if recipe.peer:
        pair = teach_each_other(recipe.student, recipe.peer, recipe.distill, data, recipe.seed)
        return (TeacherRecord(model=pair.peer),), pair.student
    if recipe.assistant:
        assistant = distill_assistant(recipe.assistant, teachers, data, recipe.seed)
        nearest: tuple[TeacherRecord, ...] = (TeacherRecord(model=assistant),)
    else:
        nearest = teachers
    student, start = warm.student(recipe.student) if warm else (cold_student(recipe.student), None)
    return nearest, distill_student(student, recipe.distill, nearest, data, recipe.seed, start)


def promote_automatically(recipe: Recipe, release: Release) -> tuple[Promotion, ...]:
    """Shows the release to each gate that needs neither a person nor time, in order; a refusal ends the way."""
    promotions: list[Promotion] = []
    for environment in ENVIRONMENTS:
        gate: Gate = getattr(recipe.promote, environment)
        refused = any(not earlier.verdict.passed for earlier in promotions)
        if refused or gate.approval != "automatic" or gate.minimum_hours:
            break
        promotions.append(promote(release, environment, gate, recipe.evaluate, reason="retrain"))
    return tuple(promotions)


def _ingredients(recipe: Recipe) -> Ingredients:
    """Returns what the page of a release says of recipe and libraries; the ledger gets all of it when the run ends."""
    fields = flatten(recipe.model_sections)
    return Ingredients(recipe=fields, data={}, code={}, libraries=library_versions(LIBRARIES))


def _summarise(run: StageRun, evaluation: EvaluationRecord, release: Release) -> None:
    """Puts on the parent run what a person compares retrains by."""
    run.uses(evaluation.data)
    run.tags({"data_version": evaluation.data.version, "model_version": str(release.version)})
    run.tags({f"{BEGAN}.{role}": began.words for role, began in evaluation.beginnings.items()})
    run.rename(f"{flow_run.name}: version {release.version}")
    run.note(_outcome(evaluation, release))
    models = {**{role: role for role in evaluation.roles}, "shipped": evaluation.chosen}
    metric = deciding(evaluation.data.task).name
    values = {role: evaluation.score(name).metrics[metric].value for role, name in models.items()}
    run.metrics(0, {f"{role}.{metric}": value for role, value in values.items()})
    run.metrics(0, {"shipped.bytes": float(evaluation.shipped.size), "shipped.p50_ms": evaluation.shipped.p50_ms})


def _outcome(evaluation: EvaluationRecord, release: Release) -> str:
    """Returns in Markdown what a retrain came to."""
    metric, shipped = deciding(evaluation.data.task), evaluation.shipped
    numbers = f"{metric.title} {with_ends(metric, shipped.metrics[metric.name])}, {shipped.size:,} bytes"
    version = f"[{release.model} version {release.version}](#/models/{release.model}/versions/{release.version})"
    return f"{version}: {evaluation.chosen} ships, with {numbers}."


@contextmanager
def parent_run(recipe: Recipe, **more: str) -> Iterator[StageRun]:
    """Opens the MLflow run that all stages of this flow run are children of; `more` are further tags."""
    tags = {runs.RECIPE: recipe.name, **source_tags(recipe.name), **more}
    with runs.flow_run(recipe.name, flow_run.name, flow_run.id, tags) as run:
        run.params(flatten(recipe.model_dump(mode="json")))
        yield run
