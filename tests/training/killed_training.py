"""Trainings for a process that is killed after so many steps: each returns the digest of what came out."""

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from torch import Tensor
from torch.optim.optimizer import register_optimizer_step_post_hook

from params.distill import Distill
from params.models import Cnn, Mlp, Recurrent
from params.student import Peer, Student
from params.training import Training
from tasks.core.checkpoints import resumable
from tasks.core.progress import silent
from tasks.core.record import canonical_digest
from tasks.distill.baseline import train_alone
from tasks.distill.mutual import learn_together
from tasks.distill.student import distill
from tasks.distill.teachers.teachers import LoadedTeacher, Teachers
from tasks.distill.teachers.train import train
from tasks.training.checkpoints.checkpoint_file import digest_of
from tasks.training.loop import Fit
from tasks.training.network import PreparedData, Trained

BUDGET = Training.model_validate({"epochs": 3, "batch_size": 16, "learning_rate": 0.02})
SHIFTED = BUDGET.model_copy(
    update={
        "augment": Training.model_validate(
            {"epochs": 1, "augment": {"views": 2, "steps": [{"kind": "shift", "pixels": 1}]}}
        ).augment
    }
)
CNN = Cnn(kind="cnn", channels=(4, 8), dropout=0.2)
CRD = {"kind": "crd", "negatives": 8, "layers": [{"student": "stage1", "teacher": "hidden1"}]}


@contextmanager
def killed_after(steps: int | None, world: Path) -> Iterator[None]:
    """Keeps a checkpoint at every batch, and kills the process after so many steps, before they are all kept."""
    if steps:
        left = count(steps - 1, -1)

        def kill(*_: object) -> None:
            if next(left) == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        register_optimizer_step_post_hook(kill)
    with resumable(world / "checkpoints", every=0.0):
        yield


def teacher(world: Path, steps: int | None = None) -> str:
    """Batch norm, dropout, augmentation, SGD."""
    budget = SHIFTED.model_copy(update={"optimizer": "sgd"})
    with killed_after(steps, world):
        return came_out(train(CNN, budget, opened(world), 3, silent, nothing))


def settled_teacher(world: Path, steps: int | None = None) -> str:
    """Batch norm that stands still from the second epoch on, the last epoch kept."""
    budget = BUDGET.model_copy(update={"freeze_batch_norm": 0.3, "keep": "last"})
    with killed_after(steps, world):
        return came_out(train(CNN, budget, opened(world), 3, silent, nothing))


def sequence_teacher(world: Path, steps: int | None = None) -> str:
    """A recurrent network, a clipped gradient."""
    budget = BUDGET.model_copy(update={"gradient_clip": 1.0})
    with killed_after(steps, world):
        return came_out(train(Recurrent(kind="lstm", hidden=8), budget, opened(world), 3, silent, nothing))


def student(world: Path, steps: int | None = None) -> str:
    """Soft labels of changed samples, an objective that remembers and draws at random, then a fine-tuning."""
    data = opened(world)
    taught = train(Mlp(kind="mlp", hidden=(32,)), BUDGET, data, 0, silent, nothing)
    teachers = Teachers((LoadedTeacher(taught.network, "t"),), "d", world / "soft-labels")
    params = Student(architecture=CNN, training=SHIFTED, fine_tune=BUDGET)
    how = Distill.model_validate({"objectives": [{"kind": "kl"}, CRD]})
    with killed_after(steps, world):
        return came_out(distill(params, how, teachers, data, 3, silent, nothing).trained)


def several_heads(world: Path, steps: int | None = None) -> str:
    """Weights of the heads that learn along with the network."""
    params = Student(architecture=CNN, training=BUDGET.model_copy(update={"heads": "learned"}))
    with killed_after(steps, world):
        return came_out(train_alone(params, opened(world), 3, silent, nothing))


def pair(world: Path, steps: int | None = None) -> str:
    """Two students under one optimiser."""
    params, peer = Student(architecture=CNN, training=BUDGET), Peer(architecture=Mlp(kind="mlp", hidden=(12,)))
    with killed_after(steps, world):
        both = learn_together(params, peer, Distill(), opened(world), 3, silent, nothing)
        return came_out(both.student) + came_out(both.peer)


def opened(world: Path) -> PreparedData:
    """Opens the only prepared data in a world."""
    return PreparedData.open_folder(next(world.glob("tiny-*")))


def came_out(trained: Trained) -> str:
    """Returns a digest of the weights and of all metrics but the times."""
    weights: Mapping[str, Tensor] = trained.network.state_dict()
    return digest_of(weights, canonical_digest(without_times(trained.fit)))


def without_times(fit: Fit) -> dict[str, object]:
    """Returns what must be equal, however often the training was interrupted."""
    history = [{name: value for name, value in epoch.items() if "seconds" not in name} for epoch in fit.history]
    return {"best": fit.best_epoch, "history": history}


def nothing(_epoch: int, _metrics: object) -> None:
    """Hears of an epoch."""
