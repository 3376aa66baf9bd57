"""The door of the teacher room."""

from params.teacher import Teacher
from tasks.fingerprint import TRAINING
from tasks.records import DataRecord, ModelRecord
from tasks.task import advance_of, stage
from tasks.teacher.spread import train_spread
from tasks.teacher.train import bring, train
from tasks.tracking import StageRun
from tasks.training.network import PreparedData
from tasks.training.record import record_of, summary_of
from tasks.workspace import project_root

TITLE = "teacher"


@stage("teacher", TITLE, TRAINING, summary_of)
def train_teacher(run: StageRun, teacher: Teacher, data: DataRecord, seed: int) -> ModelRecord:
    """Trains the teacher, or takes the one that was brought along."""
    prepared = PreparedData.open(data)
    classes = None
    if teacher.training is not None:
        advance = advance_of(TITLE)
        if teacher.processes > 1:
            trained = train_spread(teacher, data, seed, advance, run.metrics)
        else:
            trained = train(teacher.architecture, teacher.training, prepared, seed, advance, run.metrics, teacher.init)
    else:
        prepared.require_classes("teacher.classes", teacher.classes or ())
        weights = project_root() / str(teacher.weights)
        trained = bring(teacher.architecture, weights, teacher.weights_sha256, prepared)
        classes = teacher.classes or ()
    return record_of(run, "teacher", teacher.architecture, trained, data, classes=classes)
