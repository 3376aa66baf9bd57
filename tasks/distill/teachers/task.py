"""The stage of the teacher: whatever kind it is, it is made, measured on validation data, and recorded."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from params.teacher import TeacherSection
from tasks.contracts.beginnings import Beginning
from tasks.contracts.records import DataRecord, ModelRecord
from tasks.core.fingerprint import TRAINING
from tasks.core.workspace import project_root, state_dir
from tasks.distill.interpolate import interpolated
from tasks.distill.teachers.fitness import Fitness, require_fitness
from tasks.distill.teachers.teacher_kind import MadeTeacher, TeacherWork, folder_of_answers, kind_of
from tasks.models.build import Network
from tasks.models.weights import save_weights
from tasks.tracking.runs import StageRun
from tasks.tracking.task import advance_of, stage
from tasks.training.loop import VALIDATION, Fit
from tasks.training.network import PreparedData, Trained
from tasks.training.record import record_of_file, summary_of, weights_file

TITLE = "teacher"


@stage(TITLE, TRAINING, summary_of)
def train_teacher(
    run: StageRun, teacher: TeacherSection, data: DataRecord, seed: int, start: Beginning | None
) -> ModelRecord:
    """Trains the teacher, or opens the one that was brought along, and measures it.

    Raises:
        DataError: what was brought along does not fit.
        StageError: it does not answer, or is no better than chance.
    """
    work = TeacherWork(
        project_root(),
        run.scratch,
        folder_of_answers(state_dir()),
        data,
        PreparedData.open(data),
        seed,
        advance_of(TITLE),
        run.metrics,
        start=start,
    )
    made = kind_of(teacher).make(teacher, work)
    if isinstance(made.network, Network) and made.fit:
        trained, start = interpolated(Trained(made.network, made.fit), start, work.data, run.metrics)
        made = replace(made, network=trained.network, fit=trained.fit)
    fitness = require_fitness(teacher, made, work)
    path = made.file or _saved(made, run)
    fit = made.fit or _once(fitness, run)
    return record_of_file(
        run,
        role="teacher",
        built=made.built,
        path=path,
        parameters=made.parameters,
        targets=made.network.spec.targets,
        fit=fit,
        data=data,
        warnings=(*made.warnings, *fitness.warnings),
        licences=tuple(dict.fromkeys((*teacher.licences, *(start.licences if start else ())))),
        beginning=start,
    )


def confirm_teacher(teacher: TeacherSection, data: DataRecord, made: ModelRecord, since: datetime) -> None:
    """Looks whether a teacher that was made before a time still answers as it did, where it can be asked again.

    Raises:
        StageError: it does not.
    """
    confirm: Callable[[TeacherSection, TeacherWork], None] | None = getattr(kind_of(teacher), "confirm", None)
    if confirm is None or made.created >= since:
        return
    store = folder_of_answers(state_dir())
    prepared = PreparedData.open(data)
    confirm(teacher, TeacherWork(project_root(), store, store, data, prepared, 0, advance_of(TITLE), _nothing))


def _saved(made: MadeTeacher, run: StageRun) -> Path:
    path = weights_file(run, "teacher")
    save_weights(made.network, path)
    return path


def _once(fitness: Fitness, run: StageRun) -> Fit:
    """Returns the metrics of a teacher that was not trained here as those of a single epoch."""
    metrics = {f"{VALIDATION}{name}": value for name, value in fitness.metrics.items()}
    run.metrics(1, metrics)
    return Fit(1, (metrics,))


def _nothing(_epoch: int, _metrics: object) -> None: ...
