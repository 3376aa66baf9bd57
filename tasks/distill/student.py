"""The student, and the same student without the teacher: equal architecture, seed, budget and order of samples."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from params.distill import Distill
from params.student import Student
from tasks.core.progress import Advance
from tasks.distill import health
from tasks.distill.loss import DistillationLoss
from tasks.distill.soft_terms import per_of
from tasks.distill.teachers.teachers import Teachers
from tasks.models.build import Network
from tasks.models.initialise import initialise, start_from_checkpoint
from tasks.training.loop import VALIDATION, Fit, OnEpoch
from tasks.training.network import HardLabels, PreparedData, Trained, train_network

Start = Callable[[Network], object]


@dataclass(frozen=True)
class Distilled:
    """A distilled network, and what a person should know about how it went."""

    trained: Trained
    warnings: tuple[str, ...]


def train_alone(
    params: Student, data: PreparedData, seed: int, advance: Advance, on_epoch: OnEpoch, project: Path = Path()
) -> Trained:
    """Returns the baseline: the student without a teacher."""
    objective = HardLabels(data, params.training)
    start = _from_checkpoint(params, project)
    first = train_network(
        params.architecture, params.training, data, lambda _network: objective, seed, advance, on_epoch, start
    )
    return _fine_tuned(params, first, data, seed, advance, on_epoch)


def distill(
    params: Student,
    distillation: Distill,
    teachers: Teachers,
    data: PreparedData,
    seed: int,
    advance: Advance,
    on_epoch: OnEpoch,
    project: Path = Path(),
    start: Start | None = None,
) -> Distilled:
    """Returns the student: `alpha * CE + (1 - alpha) * sum of weight * objective`.

    With `start`, which fills in its weights, it begins there, whatever the recipe says.

    Raises:
        RecipeError: a layer, an augmentation or an initialisation does not go with the networks or the data.
        IntegrityError: the soft labels on disk are not this teacher's.
        StageError: the teacher is not heard, or is not the one on record.
    """
    teachers.ready()
    scores = health.check_teachers(teachers, data)
    before = {teacher.name: health.weights_digest(teacher.network) for teacher in teachers.teachers}
    made: list[DistillationLoss] = []
    found: list[str] = []

    def objective(network: Network) -> DistillationLoss:
        network.to(teachers.device)
        source = teachers.soft_labels(
            distillation, per_of(distillation), data, data.augmenter(params.training, seed), advance
        )
        loss = DistillationLoss(distillation, params.training, source, network, teachers.teachers[0].network, data)
        made.append(loss.to(teachers.device))
        batches = health.some_batches(data, params.training, seed, teachers.device)
        if not _silent(distillation):
            health.require_soft_gradient(loss, network, batches)
        found.extend(health.answers_on_what_the_student_sees(loss, data, batches, scores))
        return loss

    start = start or _from_teacher(params, teachers) or _from_checkpoint(params, project)
    first = train_network(params.architecture, params.training, data, objective, seed, advance, on_epoch, start)
    made[0].close()
    found += health.check_after(teachers, before, first.fit.history)
    return Distilled(_fine_tuned(params, first, data, seed, advance, on_epoch), tuple(found))


def _silent(distillation: Distill) -> bool:
    """Says whether the recipe itself silences the teacher, for a comparison."""
    return distillation.alpha == 1


def _from_teacher(params: Student, teachers: Teachers) -> Start | None:
    how = params.init
    if how == "random" or how.kind != "teacher":
        return None
    teacher = teachers.teachers[0].network
    return lambda network: initialise(network, teacher, how)


def _from_checkpoint(params: Student, project: Path) -> Start | None:
    how = params.init
    if how == "random" or how.kind != "checkpoint":
        return None
    return lambda network: start_from_checkpoint(network, how, project)


def _fine_tuned(
    params: Student, first: Trained, data: PreparedData, seed: int, advance: Advance, on_epoch: OnEpoch
) -> Trained:
    """Returns the network after the fine-tuning that the recipe asks for, or the first one where that was better."""
    if params.fine_tune is None:
        return first
    objective, done = HardLabels(data, params.fine_tune), len(first.fit.history)
    state = first.network.state_dict()
    second = train_network(
        params.architecture,
        params.fine_tune,
        data,
        lambda _network: objective,
        seed,
        advance,
        lambda epoch, metrics: on_epoch(done + epoch, metrics),
        lambda network: network.load_state_dict(state),
    )
    deciding = data.measuring.deciding
    gain = second.fit.best[VALIDATION + deciding.name] - first.fit.best[VALIDATION + deciding.name]
    better = deciding.sign * gain >= 0
    history = (*first.fit.history, *second.fit.history)
    if better:
        return Trained(second.network, Fit(done + second.fit.best_epoch, history))
    return Trained(first.network, Fit(first.fit.best_epoch, history))
