"""The student that learns from its teachers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from params.distill import Distill
from params.student import Student
from tasks.contracts.beginnings import Beginning
from tasks.contracts.records import DataRecord, TeacherRecord
from tasks.core.errors import RecipeError, mismatch
from tasks.core.progress import Advance, Notice, say
from tasks.core.workspace import project_root
from tasks.distill import health
from tasks.distill.baseline import fine_tuned
from tasks.distill.loss import DistillationLoss
from tasks.distill.soft_labels.source import SoftLabelSource
from tasks.distill.soft_terms import per_of
from tasks.distill.starts import Start, from_file, from_release, held_to
from tasks.distill.teachers.load_teachers import open_teachers
from tasks.distill.teachers.teachers import Lesson, Teachers
from tasks.models.build import Network
from tasks.models.initialise import initialise
from tasks.training.loop import Objective, OnEpoch
from tasks.training.network import PreparedData, Trained, train_network

LARGE = 256
"""bytes of the soft labels of a sample from which on a run says what they take"""


@dataclass(frozen=True)
class Distilled:
    """A distilled network, and what a person should know about how it went."""

    trained: Trained
    warnings: tuple[str, ...]


def distill(
    params: Student,
    distillation: Distill,
    teachers: Teachers,
    data: PreparedData,
    seed: int,
    advance: Advance,
    on_epoch: OnEpoch,
    project: Path = Path(),
    start: Start | None = None,
) -> Distilled:
    """Returns the student: `alpha * CE + (1 - alpha) * sum of weight * objective`.

    With `start`, which fills in its weights, it begins there, instead of where the recipe says.

    Raises:
        RecipeError: a layer, an augmentation or an initialisation does not go with the networks or the data.
        IntegrityError: the soft labels on disk are not this teacher's.
        StageError: no gradient of the teacher's terms reaches the student, or it is not the teacher on record.
    """
    teachers.ready()
    plain, data = data, data.mixed(0.0 if _without_teacher(distillation) else distillation.unlabelled_share)
    scores = health.check_teachers(teachers, data)
    before = {teacher.name: health.weights_digest(teacher.network) for teacher in teachers.teachers}
    made: list[DistillationLoss] = []
    found: list[str] = []

    start = start or _from_teacher(params, teachers) or from_file(params, project)

    def objective(network: Network) -> Objective:
        network.to(teachers.device)
        augmenter, epochs = data.augmenter(params.training, seed), params.training.epochs
        source = teachers.soft_labels(Lesson(distillation, per_of(distillation), data, augmenter, epochs), advance)
        asked = partial(teachers.answers, data.splits.train)
        loss = DistillationLoss(distillation, params.training, source, network, teachers.network, data, asked)
        made.append(loss.to(teachers.device))
        batches = health.some_batches(data, params.training, seed, teachers.device)
        if not _without_teacher(distillation):
            health.require_soft_gradient(loss, network, batches)
        found.extend(health.score_on_what_the_student_sees(loss, data, batches, scores))
        return held_to(start, loss, network, data, params.training)

    first = train_network(params.architecture, params.training, data, objective, seed, advance, on_epoch, start)
    made[0].close()
    _tell_size(made[0].source)
    _tell_shares(first.fit.history)
    found += health.check_after(teachers, before, first.fit.history)
    return Distilled(fine_tuned(params, first, plain, seed, advance, on_epoch), tuple(found))


def _tell_size(source: SoftLabelSource) -> None:
    """Says what soft labels take on disk, where that is much for a sample."""
    for report in source.reports:
        if report.bytes_per_sample >= LARGE:
            views = f"{report.views} views, {report.bytes / 1e6:,.1f} MB in all"
            say(Notice("soft labels", f"{report.bytes_per_sample:,.0f} bytes a sample in each of {views}"))


def _tell_shares(history: Sequence[Mapping[str, float]]) -> None:
    """Says what part of the loss each of its terms was, where there are several."""
    if shares := health.shares_of_terms(history):
        say(Notice("loss", ", ".join(f"{name} {share:.0%}" for name, share in shares.items())))


def distillation_work(given: Mapping[str, Any], advance: Advance, on_epoch: OnEpoch) -> tuple[Trained, tuple[str, ...]]:
    """Distils the student in one of several processes."""
    student, data = Student.model_validate(given["student"]), DataRecord.model_validate(given["data"])
    how, prepared = Distill.model_validate(given["distill"]), PreparedData.open(data)
    teachers = open_teachers([TeacherRecord.model_validate(one) for one in given["teachers"]], prepared, data.digest)
    start = from_release(Beginning.model_validate(given["start"]) if given["start"] else None)
    done = distill(student, how, teachers, prepared, given["seed"], advance, on_epoch, project_root(), start)
    return done.trained, done.warnings


def _without_teacher(distillation: Distill) -> bool:
    """Returns whether the recipe itself gives the teacher no weight, for a comparison."""
    return distillation.alpha == 1


def _from_teacher(params: Student, teachers: Teachers) -> Start | None:
    how = params.first_init
    if how == "random" or how.kind != "teacher":
        return None
    teacher = teachers.network
    if teacher is None:
        do = "say `init: random`, or bring the teacher as a network (`kind: weights`)"
        raise RecipeError([mismatch("recipe", "student.init", "a teacher with weights", "one that only answers", do)])
    return lambda network: initialise(network, teacher, how)
