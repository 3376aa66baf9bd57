"""A teacher that is trained here on hard labels, in one process or several."""

from collections.abc import Mapping
from typing import Any

from params.models import Architecture
from params.teacher import TrainedTeacher
from params.training import Training
from tasks.contracts.beginnings import Beginning
from tasks.contracts.records import DataRecord
from tasks.core.progress import Advance
from tasks.distill.starts import Start, from_release, held_to
from tasks.distill.teachers.teacher_kind import MadeTeacher, Place, TeacherWork
from tasks.models.build import count_parameters
from tasks.models.published import published_start
from tasks.training.distributed.launch import launch_distributed
from tasks.training.loop import OnEpoch
from tasks.training.network import HardLabels, PreparedData, Trained, train_network


def make(teacher: TrainedTeacher, work: TeacherWork) -> MadeTeacher:
    """Trains the teacher.

    Raises:
        DataError: the published weights cannot be had, or do not fit.
    """
    if teacher.processes > 1:
        given = {"teacher": teacher, "data": work.record, "seed": work.seed, "start": work.start}
        network = work.data.network(teacher.architecture)
        trained, _ = launch_distributed(teacher_work, given, teacher.processes, network, work.advance, work.on_epoch)
    else:
        start = from_release(work.start) or published_teacher(teacher)
        trained = train(
            teacher.architecture, teacher.training, work.data, work.seed, work.advance, work.on_epoch, start
        )
    parameters = count_parameters(trained.network)
    return MadeTeacher(trained.network, teacher.architecture, parameters=parameters, fit=trained.fit)


def look(teacher: TrainedTeacher, place: Place) -> None:
    """Looks at nothing: there is no teacher yet."""


def train(
    architecture: Architecture,
    training: Training,
    data: PreparedData,
    seed: int,
    advance: Advance,
    on_epoch: OnEpoch,
    start: Start | None = None,
) -> Trained:
    """Returns a teacher trained on the hard labels of the training split; `start` fills in its first weights."""
    return train_network(
        architecture,
        training,
        data,
        lambda network: held_to(start, HardLabels(data, training), network, data, training),
        seed,
        advance,
        on_epoch,
        start,
    )


def published_teacher(teacher: TrainedTeacher) -> Start | None:
    """Returns what fills in published weights, where the recipe names some."""
    return published_start(teacher.published, teacher.architecture, "teacher") if teacher.published else None


def teacher_work(given: Mapping[str, Any], advance: Advance, on_epoch: OnEpoch) -> tuple[Trained, tuple[str, ...]]:
    """Trains the teacher in one of several processes."""
    teacher, data = (
        TrainedTeacher.model_validate(given["teacher"]),
        PreparedData.open(DataRecord.model_validate(given["data"])),
    )
    release = from_release(Beginning.model_validate(given["start"]) if given["start"] else None)
    start = release or published_teacher(teacher)
    return train(teacher.architecture, teacher.training, data, given["seed"], advance, on_epoch, start), ()
