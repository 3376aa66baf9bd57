"""From the records of teachers to teachers that can be asked."""

from collections.abc import Sequence

from tasks.models.weights import load_model
from tasks.records import TeacherRecord
from tasks.teaching.teaching import Teacher, Teaching
from tasks.tracking import fetch
from tasks.training.network import PreparedData
from tasks.workspace import state_dir


def open_teaching(teachers: Sequence[TeacherRecord], data: PreparedData, data_digest: str) -> Teaching:
    """Returns the teachers of a student; their soft labels are shared by all runs on this machine.

    Raises:
        IntegrityError: weights have other bytes than on record.
    """
    loaded = tuple(_opened(place, teacher, data) for place, teacher in enumerate(teachers, start=1))
    return Teaching(loaded, data_digest, state_dir() / "soft-labels")


def _opened(place: int, teacher: TeacherRecord, data: PreparedData) -> Teacher:
    record = teacher.model
    network = load_model(record, fetch(record.weights), data.card.statistics)
    name = record.role if place == 1 else f"{record.role} {place}"
    score = record.validation.get(f"validation_{data.kind.primary}")
    return Teacher(network, record.digest, teacher.weight, name, score, record.classes)
