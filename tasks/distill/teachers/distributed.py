"""The teacher, trained by several processes."""

from collections.abc import Mapping
from typing import Any

from params.teacher import Teacher
from tasks.contracts.records import DataRecord
from tasks.core.progress import Advance
from tasks.distill.teachers.train import train
from tasks.training.distributed.launch import spread
from tasks.training.loop import OnEpoch
from tasks.training.network import PreparedData, Trained


def train_spread(teacher: Teacher, data: DataRecord, seed: int, advance: Advance, on_epoch: OnEpoch) -> Trained:
    """Returns what `train` returns, from as many processes as the recipe says."""
    given = {"teacher": teacher.model_dump(mode="json"), "data": data.model_dump(mode="json"), "seed": seed}
    prepared = PreparedData.open(data)
    work = f"{__name__}:{work_of_one.__name__}"
    return spread(work, given, teacher.processes, teacher.architecture, prepared, advance, on_epoch)[0]


def work_of_one(given: Mapping[str, Any], advance: Advance, on_epoch: OnEpoch) -> tuple[Trained, tuple[str, ...]]:
    """Trains the teacher, in one of several processes."""
    teacher, data = Teacher.model_validate(given["teacher"]), DataRecord.model_validate(given["data"])
    assert teacher.training is not None, "what is brought along is not trained"
    prepared = PreparedData.open(data)
    trained = train(teacher.architecture, teacher.training, prepared, given["seed"], advance, on_epoch, teacher.init)
    return trained, ()
