"""The stage of the teacher."""

from params.teacher import Teacher
from tasks.contracts.records import DataRecord, ModelRecord
from tasks.core.fingerprint import TRAINING
from tasks.core.workspace import project_root
from tasks.distill.teachers.train import bring, teacher_work, train
from tasks.tracking.runs import StageRun
from tasks.tracking.task import advance_of, stage
from tasks.training.distributed.launch import launch_distributed
from tasks.training.network import PreparedData
from tasks.training.record import record_of, summary_of

TITLE = "teacher"


@stage(TITLE, TRAINING, summary_of)
def train_teacher(run: StageRun, teacher: Teacher, data: DataRecord, seed: int) -> ModelRecord:
    """Trains the teacher, or takes the one that was brought along."""
    prepared = PreparedData.open(data)
    if teacher.training is not None:
        advance = advance_of(TITLE)
        if teacher.processes > 1:
            given, network = {"teacher": teacher, "data": data, "seed": seed}, prepared.network(teacher.architecture)
            trained, _ = launch_distributed(teacher_work, given, teacher.processes, network, advance, run.metrics)
        else:
            trained = train(teacher.architecture, teacher.training, prepared, seed, advance, run.metrics, teacher.init)
    else:
        if teacher.names:
            prepared.require_names("teacher.names", teacher.names)
        weights = project_root() / str(teacher.weights)
        trained = bring(teacher.architecture, weights, teacher.weights_sha256, prepared)
    return record_of(run, "teacher", teacher.architecture, trained, data)
