"""From the records of teachers to teachers that can be asked."""

from collections.abc import Sequence

from tasks.contracts.records import TeacherRecord
from tasks.core.workspace import state_dir
from tasks.distill.teachers.teachers import LoadedTeacher, Teachers
from tasks.models.weights import load_model
from tasks.tracking.runs import fetch
from tasks.training.loop import VALIDATION
from tasks.training.network import PreparedData


def open_teachers(teachers: Sequence[TeacherRecord], data: PreparedData, data_digest: str) -> Teachers:
    """Returns the teachers of a student; their soft labels are shared by all runs on this machine.

    Raises:
        IntegrityError: weights have other bytes than on record.
    """
    loaded = tuple(_opened(place, teacher, data) for place, teacher in enumerate(teachers, start=1))
    return Teachers(loaded, data_digest, state_dir() / "soft-labels")


def _opened(place: int, teacher: TeacherRecord, data: PreparedData) -> LoadedTeacher:
    record = teacher.model
    network = load_model(record, fetch(record.weights), data.card.statistics)
    name = record.role if place == 1 else f"{record.role} {place}"
    score = record.validation.get(VALIDATION + data.measuring.deciding.name)
    return LoadedTeacher(network, record.digest, teacher.weight, name, score)
