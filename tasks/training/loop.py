"""The loop: steps over shuffled batches, validation after each epoch; it ends with the weights of the best or last one.

What is learned from a batch is the objective's business; which device and how many processes, Accelerate's. Metrics
leave through the callable that is given, once an epoch and never from inside the steps.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite

import torch
from accelerate import Accelerator, DataLoaderConfiguration
from accelerate.utils import broadcast_object_list
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from params.training import Training
from tasks.core.errors import StageError
from tasks.core.progress import Advance
from tasks.training.arrays import SplitArrays
from tasks.training.augment import Augmenter
from tasks.training.batch_norm import freeze_batch_norm, require_batch_norm
from tasks.training.batches import Batch, Share, shuffled_batches, steps_per_epoch
from tasks.training.checkpoints.checkpointer import Checkpointer, TrainObjects
from tasks.training.checkpoints.train_state import EpochMetrics, EpochState, TrainState
from tasks.training.distributed.threads import own_threads
from tasks.training.measure import Measuring
from tasks.training.memory_format import prefer_channels_last
from tasks.training.optimizers import build_optimizer, build_schedule
from tasks.training.precision import with_precision

Objective = Callable[[nn.Module, Batch], Mapping[str, Tensor]]
"""(network, batch) -> named scalars, of which `loss` is what is minimised and the others are shown. An objective that
is an `nn.Module` has parameters of its own (projections, variances): they learn along with the network's."""
VALIDATION = "validation_"
"""what the names of metrics on validation data begin with"""
OnEpoch = Callable[[int, EpochMetrics], None]


@dataclass(frozen=True)
class Fit:
    """The result of a training: all epochs' metrics, and which epoch's weights are in the network now."""

    best_epoch: int
    """from 1; the last one with `keep: last`"""
    history: tuple[EpochMetrics, ...]

    @property
    def best(self) -> EpochMetrics:
        """The metrics of the epoch whose weights are in the network."""
        return self.history[self.best_epoch - 1]


@dataclass(frozen=True)
class Splits:
    """What is learned from, and what decides which epoch was best."""

    train: SplitArrays
    validation: SplitArrays


def fit(
    model: nn.Module,
    splits: Splits,
    objective: Objective,
    measuring: Measuring,
    params: Training,
    seed: int,
    advance: Advance,
    on_epoch: OnEpoch,
    augmenter: Augmenter | None = None,
) -> Fit:
    """Trains `model` in place and leaves the weights of its best epoch on validation in it, or those of the last.

    Best is the epoch of the best deciding metric; of equals, the one with the lowest validation loss. In a stage that
    keeps checkpoints it goes on from the last one; `on_epoch` gets all epochs, those before it first. Of several
    processes each learns from its part of every batch; the first one validates and keeps the checkpoints. A network
    whose step is too small to be shared by threads is trained by one (`own_threads`).

    Raises:
        RecipeError: batch norm is to be frozen, and there is none.
        StageError: the loss is not finite any more.
    """
    require_batch_norm(model, params)
    with own_threads(model, splits.validation, params.batch_size):
        trainer = Trainer.of(model, splits.train, objective, params, seed, augmenter)
        checkpointer = trainer.checkpointer(model)
        state = checkpointer.resume(TrainState(model.state_dict()))
        trainer.accelerator.wait_for_everyone()  # before the first of them may write the next checkpoint
        for epoch, metrics in enumerate(state.history, start=1):
            on_epoch(epoch, metrics)
        name = measuring.deciding.name
        advance(len(state.history), params.epochs, "")
        while state.epoch <= params.epochs:
            epoch, metrics = state.epoch, _epoch(trainer, checkpointer, state)
            started = time.perf_counter()
            metrics |= trainer.once(lambda: _validate(model, splits.validation, measuring))
            metrics["epoch_seconds"] = metrics["train_seconds"] + time.perf_counter() - started
            rank = measuring.rank(metrics, VALIDATION) if params.keep == "best" else (float(epoch), 0.0)
            state.add(metrics, rank, model)
            on_epoch(epoch, metrics)
            rate = splits.train.epoch_samples(params.batch_size) / max(metrics["train_seconds"], 1e-9)
            told = f"epoch {epoch} of {params.epochs}, {rate:,.0f} samples/s"
            advance(epoch, params.epochs, f"{told}, validation {name} {metrics[VALIDATION + name]:.4f}")
        checkpointer.write(state)
        model.load_state_dict(state.best_weights)
        return Fit(state.best_epoch, tuple(state.history))


def _epoch(trainer: "Trainer", checkpointer: Checkpointer, state: TrainState) -> EpochMetrics:
    """Goes through the rest of the epoch that is on its way, with a checkpoint whenever one is due."""
    progress = state.progress
    started = time.perf_counter() - progress.seconds

    def after_batch() -> None:
        if checkpointer.due:
            progress.seconds = time.perf_counter() - started
            checkpointer.write(state)

    metrics = trainer.epoch(state.epoch, progress, after_batch)
    return metrics | {"train_seconds": time.perf_counter() - started}


@dataclass(frozen=True)
class Trainer:
    """A network together with everything that changes while it learns."""

    model: nn.Module
    train: SplitArrays
    objective: Objective
    params: Training
    seed: int
    augmenter: Augmenter | None
    accelerator: Accelerator
    optimizer: Optimizer
    schedule: LRScheduler

    @classmethod
    def of(
        cls,
        model: nn.Module,
        train: SplitArrays,
        objective: Objective,
        params: Training,
        seed: int,
        augmenter: Augmenter | None = None,
    ) -> "Trainer":
        """Returns a trainer that has not taken a step yet; the network and the objective move to the device."""
        # Batches are split and not multiplied: the schedule makes one step for all processes.
        accelerator = Accelerator(dataloader_config=DataLoaderConfiguration(split_batches=True))
        share = Share(accelerator.process_index, accelerator.num_processes)
        prefer_channels_last(model)
        learners = [model]
        if isinstance(objective, nn.Module):
            learners.append(objective.to(accelerator.device))
        network = accelerator.prepare(with_precision(model, params, accelerator.device))
        # Not prepared: what Accelerate wraps around them is for gradients that are scaled or gathered over several
        # steps, which none are here; at every step it looks for a package on the disk and reads a signature.
        optimizer = build_optimizer(params, learners)
        samples = train.epoch_samples(params.batch_size)
        steps = params.epochs * steps_per_epoch(samples, params.batch_size, share)
        schedule = build_schedule(params, optimizer, steps)
        return cls(network, train, objective, params, seed, augmenter, accelerator, optimizer, schedule)

    def checkpointer(self, model: nn.Module) -> Checkpointer:
        """Returns what keeps the checkpoints of a training that begins now; `model` is the network as it was given."""
        learners = {"model": model}
        if isinstance(self.objective, nn.Module):
            learners["objective"] = self.objective
        facts = f"{self.params.model_dump_json()} {self.seed}"
        objects = TrainObjects(learners, self.optimizer, self.schedule)
        return Checkpointer.of(objects, facts, writes=self.accelerator.is_main_process)

    @property
    def share(self) -> Share:
        """This process's part of each batch."""
        return Share(self.accelerator.process_index, self.accelerator.num_processes)

    def once(self, measure: Callable[[], EpochMetrics]) -> EpochMetrics:
        """Returns what the first process measures; the others wait for it."""
        found = [measure() if self.accelerator.is_main_process else None]
        metrics: EpochMetrics = broadcast_object_list(found)[0]
        return metrics

    def epoch(
        self, epoch: int, progress: EpochState | None = None, after_batch: Callable[[], None] = lambda: None
    ) -> EpochMetrics:
        """Goes once over the training split; returns the mean over samples of what the objective names.

        What is behind `progress` already is left out; it counts the rest in, batch by batch.
        """
        self.model.train()
        freeze_batch_norm(self.model, self.params, epoch)
        progress = progress or EpochState()
        where = (self.train, self.params.batch_size, self.seed, epoch, self.accelerator.device, self.augmenter)
        for batch in shuffled_batches(*where, skip=progress.batches, share=self.share):
            values = self._of_all(self.step(batch))
            progress.add(len(batch.rows), {name: _number(value) for name, value in values.items()})
            after_batch()
        means = progress.means()
        _require_finite(means["train_loss"], epoch)
        return means | {"learning_rate": float(self.schedule.get_last_lr()[0])}

    def step(self, batch: Batch) -> Mapping[str, Tensor]:
        """Learns from one batch; returns the terms of the objective."""
        terms = self.objective(self.model, batch)
        self.optimizer.zero_grad()
        self.accelerator.backward(terms["loss"])
        self._share_gradients_of_objective()
        if self.params.gradient_clip:
            self.accelerator.clip_grad_norm_(self.model.parameters(), self.params.gradient_clip)
        self.optimizer.step()
        self.schedule.step()
        return terms

    def _share_gradients_of_objective(self) -> None:
        """Takes the mean over processes, which Accelerate does for the network alone."""
        if self.share.of > 1 and isinstance(self.objective, nn.Module):
            for parameter in self.objective.parameters():
                if parameter.grad is not None:
                    parameter.grad = self.accelerator.reduce(parameter.grad, "mean")

    def _of_all(self, values: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Returns the mean over processes of the terms of each one's part of a batch."""
        if self.share.of == 1:
            return values
        means = self.accelerator.reduce(torch.stack([value.detach().float() for value in values.values()]), "mean")
        return dict(zip(values, means, strict=True))


def _number(value: Tensor) -> float | Tensor:
    """Returns a scalar as a number; on another device than the CPU as it is, since asking would wait for it."""
    return value.item() if value.device.type == "cpu" else value.detach().double()


def _validate(model: nn.Module, validation: SplitArrays, measuring: Measuring) -> EpochMetrics:
    return {f"{VALIDATION}{name}": value for name, value in measuring.measure(model, validation).items()}


def _require_finite(loss: float, epoch: int) -> None:
    if not isfinite(loss):
        raise StageError(
            f"training: expected a finite loss, got {loss} in epoch {epoch};"
            " lower `training.learning_rate` or set `training.gradient_clip`"
        )
