"""The student, with and without its teacher, trained by several processes."""

from collections.abc import Mapping
from typing import Any

from params.distill import Distill
from params.student import Student
from tasks.contracts.records import DataRecord, TeacherRecord
from tasks.core.progress import Advance
from tasks.core.workspace import project_root
from tasks.distill.student import Distilled, distill, train_alone
from tasks.distill.teachers.load_teachers import open_teachers
from tasks.training.distributed.launch import spread
from tasks.training.loop import OnEpoch
from tasks.training.network import PreparedData, Trained


def distill_spread(
    student: Student,
    distillation: Distill,
    teachers: tuple[TeacherRecord, ...],
    data: DataRecord,
    seed: int,
    advance: Advance,
    on_epoch: OnEpoch,
) -> Distilled:
    """Returns what `distill` returns, from as many processes as the recipe says."""
    given = _given(student, data, seed) | {
        "distill": distillation.model_dump(mode="json"),
        "teachers": [teacher.model_dump(mode="json") for teacher in teachers],
    }
    return Distilled(*_spread(distill_as_one.__name__, given, student, data, advance, on_epoch))


def train_alone_spread(student: Student, data: DataRecord, seed: int, advance: Advance, on_epoch: OnEpoch) -> Trained:
    """Returns what `train_alone` returns, from as many processes as the recipe says."""
    given = _given(student, data, seed)
    return _spread(train_alone_as_one.__name__, given, student, data, advance, on_epoch)[0]


def distill_as_one(given: Mapping[str, Any], advance: Advance, on_epoch: OnEpoch) -> tuple[Trained, tuple[str, ...]]:
    """Distills the student, in one of several processes."""
    student, data, prepared = _opened(given)
    teachers = [TeacherRecord.model_validate(teacher) for teacher in given["teachers"]]
    loaded = open_teachers(teachers, prepared, data.digest)
    how = Distill.model_validate(given["distill"])
    done = distill(student, how, loaded, prepared, given["seed"], advance, on_epoch, project_root())
    return done.trained, done.warnings


def train_alone_as_one(
    given: Mapping[str, Any], advance: Advance, on_epoch: OnEpoch
) -> tuple[Trained, tuple[str, ...]]:
    """Trains the student without a teacher, in one of several processes."""
    student, _, prepared = _opened(given)
    return train_alone(student, prepared, given["seed"], advance, on_epoch, project_root()), ()


def _given(student: Student, data: DataRecord, seed: int) -> dict[str, Any]:
    return {"student": student.model_dump(mode="json"), "data": data.model_dump(mode="json"), "seed": seed}


def _opened(given: Mapping[str, Any]) -> tuple[Student, DataRecord, PreparedData]:
    data = DataRecord.model_validate(given["data"])
    return Student.model_validate(given["student"]), data, PreparedData.open(data)


def _spread(
    work: str, given: Mapping[str, Any], student: Student, data: DataRecord, advance: Advance, on_epoch: OnEpoch
) -> tuple[Trained, tuple[str, ...]]:
    prepared = PreparedData.open(data)
    return spread(f"{__name__}:{work}", given, student.processes, student.architecture, prepared, advance, on_epoch)
