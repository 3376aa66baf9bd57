"""From the records of teachers to teachers that can be asked."""

from collections.abc import Sequence

from params.teacher import AnswerTable, OnnxModel
from tasks.contracts.records import ModelRecord, TeacherRecord
from tasks.core.files import verified
from tasks.core.workspace import state_dir
from tasks.distill.teachers.teacher_kind import Answerer, load_answerer
from tasks.distill.teachers.teachers import LoadedTeacher, Teachers
from tasks.models.build import Network
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
    name = record.role if place == 1 else f"{record.role} {place}"
    score = record.validation.get(VALIDATION + data.measuring.deciding.name)
    return LoadedTeacher(load_teacher(record, data), record.digest, teacher.weight, name, score)


def load_teacher(record: ModelRecord, data: PreparedData) -> Network | Answerer:
    """Returns what is asked of a record: its network in eval mode, or whatever else answers.

    Raises:
        IntegrityError: its file has other bytes than on record.
    """
    path = fetch(record.weights)
    if not isinstance(record.architecture, OnnxModel | AnswerTable):
        return load_model(record, path, data.card.statistics)
    spec = data.card.spec.model_copy(update={"targets": record.targets})
    return load_answerer(record.architecture, verified(path, record.weights), spec).eval()
