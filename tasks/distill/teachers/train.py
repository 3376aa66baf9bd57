"""A teacher that is trained here on hard labels, in one process or several."""

from collections.abc import Mapping
from typing import Any

from params.models import Architecture
from params.teacher import Pretrained, TrainedTeacher
from params.training import Training
from tasks.contracts.records import DataRecord
from tasks.core.progress import Advance
from tasks.distill.teachers.pretrained import fill, pretrained_weights
from tasks.distill.teachers.teacher_kind import MadeTeacher, Place, TeacherWork
from tasks.models.build import count_parameters
from tasks.training.distributed.launch import launch_distributed
from tasks.training.loop import OnEpoch
from tasks.training.network import HardLabels, PreparedData, Trained, train_network


def make(teacher: TrainedTeacher, work: TeacherWork) -> MadeTeacher:
    """Trains the teacher.

    Raises:
        DataError: the published weights cannot be had, or do not fit.
    """
    if teacher.processes > 1:
        given = {"teacher": teacher, "data": work.record, "seed": work.seed}
        network = work.data.network(teacher.architecture)
        trained, _ = launch_distributed(teacher_work, given, teacher.processes, network, work.advance, work.on_epoch)
    else:
        trained = train(
            teacher.architecture, teacher.training, work.data, work.seed, work.advance, work.on_epoch, teacher.init
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
    init: Pretrained | None = None,
) -> Trained:
    """Returns a teacher trained on the hard labels of the training split, from random or from published weights.

    Raises:
        DataError: the published weights cannot be had, or do not fit.
    """
    published = pretrained_weights(init) if init else None
    return train_network(
        architecture,
        training,
        data,
        lambda _network: HardLabels(data, training),
        seed,
        advance,
        on_epoch,
        (lambda network: fill(network, architecture, published)) if published else None,
    )


def teacher_work(given: Mapping[str, Any], advance: Advance, on_epoch: OnEpoch) -> tuple[Trained, tuple[str, ...]]:
    """Trains the teacher in one of several processes."""
    teacher, data = (
        TrainedTeacher.model_validate(given["teacher"]),
        PreparedData.open(DataRecord.model_validate(given["data"])),
    )
    return train(teacher.architecture, teacher.training, data, given["seed"], advance, on_epoch, teacher.init), ()
