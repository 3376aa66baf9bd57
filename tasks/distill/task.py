"""The doors of the distillation room: the student, and the baseline it is compared with."""

from params.distill import Distill
from params.student import Student
from tasks.distill.student import Teaching, distill, train_alone
from tasks.fingerprint import TRAINING
from tasks.models.weights import load_model
from tasks.records import DataRecord, ModelRecord
from tasks.task import advance_of, stage
from tasks.tracking import StageRun, fetch
from tasks.training.network import PreparedData
from tasks.training.record import record_of, summary_of
from tasks.workspace import state_dir

STUDENT, BASELINE = "student", "student alone"


@stage("distill", BASELINE, TRAINING, summary_of)
def train_baseline(run: StageRun, student: Student, data: DataRecord, seed: int) -> ModelRecord:
    """Trains the student without the teacher: same architecture, seed and budget."""
    prepared = PreparedData.open(data)
    trained = train_alone(student, prepared, seed, advance_of(BASELINE), run.metrics)
    return record_of(run, "baseline", student.architecture, trained, data)


@stage("distill", STUDENT, TRAINING, summary_of)
def distill_student(
    run: StageRun, student: Student, distillation: Distill, teacher: ModelRecord, data: DataRecord, seed: int
) -> ModelRecord:
    """Trains the student on the teacher's soft labels and the hard ones."""
    prepared = PreparedData.open(data)
    network = load_model(teacher, fetch(teacher.weights), prepared.card.statistics)
    key = {"teacher": teacher.digest, "data": data.digest, "view": "train, not augmented"}
    teaching = Teaching(network, key, state_dir() / "soft-labels")
    trained = distill(student, distillation, teaching, prepared, seed, advance_of(STUDENT), run.metrics)
    return record_of(run, "student", student.architecture, trained, data)
