"""Does the student learn from the teacher, and from the right one? Checked at every distillation, before and after.

Each check is a failure with one message, or a warning that ends up in the summary. They look for known mistakes: a soft
term cut off from the graph, a teacher left in training mode, shuffled soft labels, outputs in another order. That the
cache is aligned with the data is checked where it is opened; whether the student is worse than its baseline, where both
are evaluated.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from params.training import Training
from tasks.core.errors import StageError, mismatch
from tasks.distill.loss import PART, DistillationLoss
from tasks.distill.soft_terms import SELECTED
from tasks.distill.teachers.teachers import LoadedTeacher, Teachers
from tasks.kinds.contract import Tensors
from tasks.models.build import Network
from tasks.training.batches import Batch, shuffled_batches
from tasks.training.network import PreparedData

WHERE = "distillation"
TOLERATED = 0.01
"""difference between a teacher's score on record and that through the student's input path"""
PROBED = 8
"""batches that are tried before the teacher's terms count as without a gradient, and on which it is measured"""
LOST_TO_AUGMENTATION = 0.15
"""of the teacher's score, between validation and the augmented samples that the student sees"""
DROWNS = 100
"""times all other terms of the loss, from which on a term leaves nothing to them"""
FEW = 0.05
"""part of the soft labels that are used, below which there is a warning"""


def some_batches(data: PreparedData, training: Training, seed: int, device: torch.device) -> list[Batch]:
    """Returns the first batches of the first epoch, as the student will see them."""
    augmenter = data.augmenter(training, seed)
    batches = shuffled_batches(data.splits.train, training.batch_size, seed, 1, device, augmenter)
    return [batch for batch, _ in zip(batches, range(PROBED), strict=False)]


def check_teachers(teachers: Teachers, data: PreparedData) -> dict[str, float]:
    """Returns the deciding metric of each teacher on validation, through the path on which the student gets its inputs.

    Raises:
        DataError: a teacher was trained on other targets, or on another order of them.
        StageError: its outputs suggest another order, it has another score than on record, or could change.
    """
    return {teacher.name: _checked_score(teacher, data) for teacher in teachers.teachers}


def require_soft_gradient(loss: DistillationLoss, student: Network, batches: Sequence[Batch]) -> None:
    """Checks that the teacher's terms move the student; leaves networks and random numbers as they were.

    A term that is 0 in all of these batches has nothing to teach there, and is told of when training is over.

    Raises:
        StageError: over several batches no gradient from the teacher's terms reaches the student, or none from one of
            them that is not 0.
    """
    modules: list[nn.Module] = [student, loss]
    before = [{name: value.clone() for name, value in module.state_dict().items()} for module in modules]
    was_training = student.training
    with torch.random.fork_rng(devices=[]):
        moves = _moved_by(loss, student.train(), batches)
    for module, state in zip(modules, before, strict=True):
        module.load_state_dict(state)
    student.train(was_training)
    if not any(moves.values()):
        do = "lower `distill.confidence_threshold`, or train without the teacher (`distill.alpha: 1`)"
        expected = "the teacher's terms to move the student"
        raise StageError(mismatch(WHERE, "distill", expected, "no gradient from them", do))
    if idle := [name for name, moved in moves.items() if not moved]:
        expected = f"a gradient from each of the teacher's terms, {', '.join(f'`{name}`' for name in moves)}"
        got = f"none from {', '.join(f'`{name}`' for name in idle)}, cut off from the student's outputs"
        raise StageError(mismatch(WHERE, "distill.objectives", expected, got, "correct that objective, or remove it"))


def score_on_what_the_student_sees(
    loss: DistillationLoss, data: PreparedData, batches: Sequence[Batch], scores: Mapping[str, float]
) -> list[str]:
    """Returns a warning where augmentation leaves the teacher much worse than on validation."""
    metric = data.measuring.deciding
    told = [batch for batch in batches if batch.labelled]
    if not told:
        return []
    seen = data.measuring.seen((_arrays(loss.taught(batch), batch.labelled), batch.as_targets()) for batch in told)
    score, best = data.measuring.values(seen)[metric.name], max(scores.values(), key=lambda score: metric.sign * score)
    if metric.sign * (best - score) <= LOST_TO_AUGMENTATION:
        return []
    return [
        f"on the training samples as the student sees them the teacher's {metric.title} is {score:.4g}, on validation"
        f" {best:.4g}: is `student.training.augment` stronger than what the teacher was trained with?"
    ]


def check_after(teachers: Teachers, before: Mapping[str, str], history: Sequence[Mapping[str, float]]) -> list[str]:
    """Returns warnings about a finished distillation.

    Raises:
        StageError: a teacher has changed meanwhile.
    """
    for teacher in teachers.teachers:
        _require_frozen(teacher)
        if weights_digest(teacher.network) != before[teacher.name]:
            do = "does `architecture.factory` keep state outside of its parameters? Make it not to"
            raise StageError(mismatch(WHERE, teacher.name, "a teacher that stays as it was", "other weights", do))
    warnings = [*_uneven(shares_of_terms(history))]
    part = float(np.mean([metrics.get(f"train_{SELECTED}", 1.0) for metrics in history]))
    if part < FEW:
        do = "lower `distill.confidence_threshold` if that is not meant"
        warnings.append(f"only {part:.1%} of the soft labels were used; {do}")
    return warnings


def weights_digest(network: nn.Module) -> str:
    """Returns a digest of all parameters and buffers."""
    digest = hashlib.sha256()
    for name, value in network.state_dict().items():
        digest.update(name.encode() + value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _arrays(outputs: Tensors, count: int) -> dict[str, NDArray[np.float32]]:
    return {name: values[:count].float().cpu().numpy() for name, values in outputs.items()}


def _checked_score(teacher: LoadedTeacher, data: PreparedData) -> float:
    _require_frozen(teacher)
    _require_stays_frozen(teacher, data)
    data.require_names(f"{teacher.name}.targets", teacher.network.spec.targets.names)
    measuring = data.measuring
    seen = measuring.seen_by(teacher.network, data.splits.validation)
    score = measuring.values(seen)[measuring.deciding.name]
    if teacher.score is not None and abs(score - teacher.score) > TOLERATED:
        do = "train the teacher again: its record and its weights, or the data, do not belong together"
        expected = f"{measuring.deciding.title} {teacher.score:.4f} on validation, as on record"
        got = f"{score:.4f} through the student's input path"
        raise StageError(mismatch(WHERE, teacher.name, expected, got, do))
    for suspicion in measuring.part.suspicions(seen.evidence, measuring.card):
        raise StageError(f"`{WHERE}`: `{teacher.name}`: {suspicion}")
    return score


def _require_frozen(teacher: LoadedTeacher) -> None:
    learning = [name for name, parameter in teacher.network.named_parameters() if parameter.requires_grad]
    training = [name or "the network" for name, module in teacher.network.named_modules() if module.training]
    if learning or training:
        got = f"{len(learning)} parameters that learn, {len(training)} modules in training mode"
        do = "does `architecture.factory` build a module that switches modes by itself? Make it not to"
        raise StageError(mismatch(WHERE, teacher.name, "a frozen teacher in eval mode", got, do))


@torch.no_grad()
def _require_stays_frozen(teacher: LoadedTeacher, data: PreparedData) -> None:
    """Asks the teacher once as it is: every other caller puts it back into eval mode afterwards."""
    device = next((parameter.device for parameter in teacher.network.parameters()), torch.device("cpu"))
    batch = Batch.of(next(data.splits.validation.batches(2)), device)
    teacher.network(batch.inputs)
    _require_frozen(teacher)


def _moved_by(loss: DistillationLoss, student: nn.Module, batches: Sequence[Batch]) -> dict[str, bool]:
    """Returns of each of the teacher's terms that is not 0 in all batches whether it moves the student in any."""
    moves: dict[str, bool] = {}
    for batch in batches:
        terms = loss.teachers_terms(student, batch)
        for name, value in terms.items():
            if not moves.get(name) and bool(value.detach().abs() > 0):
                moves[name] = _moves(value, student)
        if terms.keys() == {name for name, moved in moves.items() if moved}:
            break
    return moves


def _moves(value: Tensor, student: nn.Module) -> bool:
    if not value.requires_grad:
        return False
    parameters = [p for p in student.parameters() if p.requires_grad]
    gradients = torch.autograd.grad(value, parameters, allow_unused=True, retain_graph=True)
    return any(gradient is not None and bool(gradient.abs().sum() > 0) for gradient in gradients)


def shares_of_terms(history: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Returns what part of the loss each term was, mean over the epochs; empty where there are but two.

    The loss of a head may be learned to weigh less, and a term may be below zero: then it counts with its size.
    """
    prefix = f"train_{PART}"
    names = {name for metrics in history for name in metrics if name.startswith(prefix)}
    sizes = {name: abs(float(np.mean([metrics.get(name, 0.0) for metrics in history]))) for name in sorted(names)}
    total = sum(sizes.values())
    return {name.removeprefix(prefix): size / total for name, size in sizes.items()} if total > 0 else {}


def _uneven(shares: Mapping[str, float]) -> Iterator[str]:
    """Yields a warning for each term that was zero, and for one that left nothing to the others."""
    for name, share in shares.items():
        if share == 0:
            yield f"the term `{name}` of the loss was 0 all the time: nothing is learned from it; is it what is meant?"
        elif share > DROWNS * (1 - share):
            others = ", ".join(f"`{other}`" for other in shares if other != name)
            told = f"the term `{name}` was {share:.2%} of the loss, more than {DROWNS} times {others} together"
            yield f"{told}; lower its weight (`distill.alpha`, `weight` of an objective, `training.heads`)"
