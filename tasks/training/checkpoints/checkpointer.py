"""Checkpoints of a training: all that changes while it runs, written every few seconds of work, and read to resume.

Accelerate's own `save_state` writes optimiser, schedule and generators as pickles; these are tensors and JSON.
"""

import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from tasks.core.checkpoints import Checkpoints, current
from tasks.core.errors import IntegrityError, mismatch
from tasks.training.checkpoints.checkpoint_file import DO, Checkpoint, digest_of, read_checkpoint, write_checkpoint
from tasks.training.checkpoints.train_state import TrainState
from tasks.training.seeds import generator_states, restore_generators


@dataclass(frozen=True)
class TrainObjects:
    """What changes while a network learns; `learners` are the network and, where it has a state, the objective."""

    learners: Mapping[str, nn.Module]
    optimizer: Optimizer
    schedule: LRScheduler

    def tensors(self) -> dict[str, Tensor]:
        """Returns all weights and buffers of the learners."""
        return {f"{role}.{name}": value for role, one in self.learners.items() for name, value in _state(one).items()}


@dataclass
class Checkpointer:
    """Writes the checkpoints of one training to a file, and reads the last one; without a file it does neither.

    `start` is the digest of what the training begins with: a checkpoint of another one is not used.
    """

    objects: TrainObjects
    places: Checkpoints | None
    path: Path | None
    start: str
    writes: bool = True
    """False in all but the first of several processes: they read what it has written"""
    _written: float = field(default_factory=time.monotonic)
    _cost: float = 0.0

    @classmethod
    def of(cls, objects: TrainObjects, facts: str, *, writes: bool = True) -> "Checkpointer":
        """Returns the checkpointer of a training that begins now; `facts` are its budget and seed."""
        places = current()
        if places is None:
            return cls(objects, None, None, "")
        start = digest_of(objects.tensors() | generator_states()[0], facts)
        return cls(objects, places, places.next(), start, writes)

    def resume(self, state: TrainState) -> TrainState:
        """Puts everything back to the last checkpoint, and returns how far that was; `state` where there is none.

        A checkpoint that cannot be used is a warning.
        """
        if self.path is None or not self.path.is_file():
            return state
        try:
            checkpoint = read_checkpoint(self.path)
            self._require_same_start(self.path, checkpoint)
        except IntegrityError as error:
            warnings.warn(str(error), stacklevel=2)
            return state
        _restore(self.objects, checkpoint)
        return TrainState.from_json(checkpoint.state["state"], checkpoint.under("best"))

    @property
    def due(self) -> bool:
        """Whether it is time to write one."""
        if self.places is None or not self.writes:
            return False
        return time.monotonic() - self._written >= self.places.wait(self._cost)

    def write(self, state: TrainState) -> None:
        """Writes a checkpoint now."""
        if self.path is None or not self.writes:
            return
        started = time.monotonic()
        write_checkpoint(self.path, self._checkpoint(state))
        self._written = time.monotonic()
        self._cost = self._written - started

    def _checkpoint(self, state: TrainState) -> Checkpoint:
        generators, words = generator_states()
        moments, groups = _optimizer_state(self.objects.optimizer)
        tensors = {f"best.{name}": value for name, value in state.best_weights.items()}
        tensors |= {f"generators.{name}": value for name, value in generators.items()}
        facts = {"start": self.start, "state": state.to_json(), "generators": words, "groups": groups}
        schedule = {"schedule": self.objects.schedule.state_dict()}
        return Checkpoint(self.objects.tensors() | moments | tensors, facts | schedule)

    def _require_same_start(self, path: Path, checkpoint: Checkpoint) -> None:
        if checkpoint.state.get("start") != self.start:
            raise IntegrityError(mismatch(str(path), "start", self.start, checkpoint.state.get("start"), DO))


def _state(module: nn.Module) -> dict[str, Tensor]:
    return {name: value for name, value in module.state_dict().items() if isinstance(value, Tensor)}


def _optimizer_state(optimizer: Optimizer) -> tuple[dict[str, Tensor], list[dict[str, float]]]:
    """Returns the moments of each parameter, by its number, and the learning rate of each group."""
    state = optimizer.state_dict()
    moments = {
        f"optimizer.{number}.{name}": torch.as_tensor(value)
        for number, values in state["state"].items()
        for name, value in values.items()
        if value is not None
    }
    return moments, [{"lr": float(group["lr"])} for group in state["param_groups"]]


def _restore(objects: TrainObjects, checkpoint: Checkpoint) -> None:
    for role, learner in objects.learners.items():
        learner.load_state_dict(checkpoint.under(role))
    _restore_optimizer(objects.optimizer, checkpoint)
    objects.schedule.load_state_dict(dict(checkpoint.state["schedule"]))
    restore_generators(checkpoint.under("generators"), checkpoint.state["generators"])


def _restore_optimizer(optimizer: Optimizer, checkpoint: Checkpoint) -> None:
    groups = [
        dict(group) | stored
        for group, stored in zip(optimizer.state_dict()["param_groups"], checkpoint.state["groups"], strict=True)
    ]
    state: dict[int, dict[str, Any]] = {}
    for name, value in checkpoint.under("optimizer").items():
        number, _, which = name.partition(".")
        state.setdefault(int(number), {})[which] = value
    optimizer.load_state_dict({"state": state, "param_groups": groups})
    for parameter, moments in optimizer.state.items():
        for which, value in moments.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                # Laid out in memory like the parameter, as they were: fused kernels go through both side by side.
                moments[which] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)
