"""The stages of distillation: the student, what helps it to learn, and the baseline it is compared with."""

from params.distill import Distill
from params.student import Assistant, Peer, Student
from tasks.contracts.beginnings import Beginning
from tasks.contracts.records import DataRecord, ModelRecord, PairRecord, TeacherRecord
from tasks.core.fingerprint import TRAINING
from tasks.core.progress import Advance
from tasks.core.workspace import project_root
from tasks.distill.baseline import baseline_work, train_alone
from tasks.distill.interpolate import interpolated
from tasks.distill.mutual import learn_together
from tasks.distill.starts import from_release
from tasks.distill.student import Distilled, distill, distillation_work
from tasks.distill.teachers.load_teachers import open_teachers
from tasks.tracking.runs import StageRun
from tasks.tracking.task import advance_of, stage
from tasks.training.distributed.launch import launch_distributed
from tasks.training.network import PreparedData
from tasks.training.record import record_of, summary_of

STUDENT, BASELINE, ASSISTANT, PEERS = "student", "student alone", "assistant", "student and peer"


def _summary_of_pair(record: PairRecord) -> str:
    return f"{summary_of(record.student)}; peer {summary_of(record.peer)}"


@stage(BASELINE, TRAINING, summary_of)
def train_baseline(
    run: StageRun, student: Student, data: DataRecord, seed: int, start: Beginning | None
) -> ModelRecord:
    """Trains the student without the teacher: same architecture, seed and budget."""
    prepared, advance = PreparedData.open(data), advance_of(BASELINE)
    if student.processes > 1:
        given = {"student": student, "data": data, "seed": seed, "start": start}
        network = prepared.network(student.architecture)
        trained, _ = launch_distributed(baseline_work, given, student.processes, network, advance, run.metrics)
    else:
        first = from_release(start)
        trained = train_alone(student, prepared, seed, advance, run.metrics, project_root(), first)
    trained, start = interpolated(trained, start, prepared, run.metrics)
    return record_of(run, "baseline", student.architecture, trained, data, beginning=start)


@stage(STUDENT, TRAINING, summary_of)
def distill_student(
    run: StageRun,
    student: Student,
    distillation: Distill,
    teachers: tuple[TeacherRecord, ...],
    data: DataRecord,
    seed: int,
    start: Beginning | None,
) -> ModelRecord:
    """Trains the student on the teachers' soft labels and the hard ones."""
    done = _distilled(run, student, distillation, teachers, data, seed, advance_of(STUDENT), start)
    trained, start = interpolated(done.trained, start, PreparedData.open(data), run.metrics)
    facts = (done.warnings, _licences(teachers, start, student), start)
    return record_of(run, "student", student.architecture, trained, data, *facts)


@stage(ASSISTANT, TRAINING, summary_of)
def distill_assistant(
    run: StageRun, assistant: Assistant, teachers: tuple[TeacherRecord, ...], data: DataRecord, seed: int
) -> ModelRecord:
    """Trains a network of a size between teacher and student, which then teaches the student."""
    pupil = Student(architecture=assistant.architecture, training=assistant.training, processes=assistant.processes)
    done = _distilled(run, pupil, assistant.distill, teachers, data, seed, advance_of(ASSISTANT))
    return record_of(run, "assistant", assistant.architecture, done.trained, data, done.warnings, _licences(teachers))


@stage(PEERS, TRAINING, _summary_of_pair)
def teach_each_other(
    run: StageRun, student: Student, peer: Peer, distillation: Distill, data: DataRecord, seed: int
) -> PairRecord:
    """Trains two students that learn from each other."""
    prepared = PreparedData.open(data)
    both = learn_together(student, peer, distillation, prepared, seed, advance_of(PEERS), run.metrics)
    return PairRecord(
        student=record_of(run, "student", student.architecture, both.student, data),
        peer=record_of(run, "peer", peer.architecture, both.peer, data),
    )


def _licences(
    teachers: tuple[TeacherRecord, ...], start: Beginning | None = None, student: Student | None = None
) -> tuple[str, ...]:
    """Returns those of the teachers, and of what a student began with: published weights, or a release."""
    found = [one for teacher in teachers for one in teacher.model.licences]
    found += [student.published.licence] if student and student.published and student.published.licence else []
    return tuple(dict.fromkeys((*found, *(start.licences if start else ()))))


def _distilled(
    run: StageRun,
    student: Student,
    distillation: Distill,
    teachers: tuple[TeacherRecord, ...],
    data: DataRecord,
    seed: int,
    advance: Advance,
    start: Beginning | None = None,
) -> Distilled:
    prepared = PreparedData.open(data)
    if student.processes > 1:
        given = {"student": student, "distill": distillation, "teachers": teachers, "data": data, "seed": seed}
        given["start"] = start
        network = prepared.network(student.architecture)
        return Distilled(
            *launch_distributed(distillation_work, given, student.processes, network, advance, run.metrics)
        )
    loaded = open_teachers(teachers, prepared, data.digest)
    first = from_release(start)
    return distill(student, distillation, loaded, prepared, seed, advance, run.metrics, project_root(), first)
