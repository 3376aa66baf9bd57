"""What the student is compared with: equal architecture, seed, budget and order of samples, and no teacher.

How its training begins and ends is the same for a student with a teacher.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from params.student import Student
from tasks.contracts.beginnings import Beginning
from tasks.contracts.records import DataRecord
from tasks.core.progress import Advance
from tasks.core.workspace import project_root
from tasks.distill.starts import Start, from_file, from_release, held_to
from tasks.models.build import Network
from tasks.training.loop import VALIDATION, Fit, Objective, OnEpoch
from tasks.training.network import HardLabels, PreparedData, Trained, train_network


def train_alone(
    params: Student,
    data: PreparedData,
    seed: int,
    advance: Advance,
    on_epoch: OnEpoch,
    project: Path = Path(),
    start: Start | None = None,
) -> Trained:
    """Returns the baseline: the student without a teacher. With `start`, which fills in its weights, it begins there.

    Where there are samples without labels, it takes as many steps as the student that learns from these as well.
    """
    start, repeated = start or from_file(params, project), data.mixed(0.0)

    def objective(network: Network) -> Objective:
        return held_to(start, HardLabels(data, params.training), network, data, params.training)

    first = train_network(params.architecture, params.training, repeated, objective, seed, advance, on_epoch, start)
    return fine_tuned(params, first, data, seed, advance, on_epoch)


def baseline_work(given: Mapping[str, Any], advance: Advance, on_epoch: OnEpoch) -> tuple[Trained, tuple[str, ...]]:
    """Trains the baseline in one of several processes."""
    student, data = Student.model_validate(given["student"]), DataRecord.model_validate(given["data"])
    start = from_release(Beginning.model_validate(given["start"]) if given["start"] else None)
    return train_alone(student, PreparedData.open(data), given["seed"], advance, on_epoch, project_root(), start), ()


def fine_tuned(
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
