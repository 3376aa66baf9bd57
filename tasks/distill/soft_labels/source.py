"""The soft labels of a batch: the outputs of a live teacher, or the mean of several; those on disk are in `cached`."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from tasks.kinds.contract import MASK, STEPS, LossPart, Per, Tensors
from tasks.training.batches import Batch


@dataclass(frozen=True)
class SoftLabelReport:
    """Where the soft labels of one teacher came from in this run, and what they cost."""

    source: Literal["cached", "live"]
    reused: int = 0
    """views that an earlier run had computed"""
    computed: int = 0
    """views that this run computed"""
    bytes: int = 0
    """on disk, of the views of this run"""
    bytes_per_sample: float = 0.0
    """of one view"""
    seconds: float = 0.0
    """that it took to compute them in this run"""

    @property
    def views(self) -> int:
        """Number of views that this run has seen."""
        return self.reused + self.computed


class SoftLabelSource(ABC):
    """Soft labels of batches; a scope, the chunk or the batch, is asked for once, and cut to the batch."""

    by_chunk: bool
    """whether the scope is the whole chunk"""

    def __init__(self) -> None:
        self._scope: object = None
        self._outputs: Tensors = {}

    @property
    @abstractmethod
    def reports(self) -> tuple[SoftLabelReport, ...]:
        """Where they came from so far, for each teacher."""

    @abstractmethod
    def ask(self, batch: Batch) -> Tensors:
        """Returns the outputs for all samples in the scope of the batch."""

    def whole(self, batch: Batch) -> Tensors:
        """Returns what `ask` gave for this scope."""
        scope = batch.chunk if self.by_chunk else batch
        if scope is not self._scope:
            self._outputs = self.ask(batch)
            self._scope = scope
        return self._outputs

    def at(self, batch: Batch) -> Tensors:
        """Returns the teacher's outputs (batch, ...) by name; per step also those of each frame (batch, frames, ...).

        They are float32, on the batch's device and no part of a graph; frames behind the end of a sequence are zero.
        """
        outputs = self.whole(batch)
        return {name: values[batch.within] for name, values in outputs.items()} if self.by_chunk else outputs


class LiveSoftLabels(SoftLabelSource):
    """Asks the teacher for each batch, just as the student sees it."""

    by_chunk = False

    def __init__(self, network: nn.Module, losses: LossPart, per: Per = "sequence") -> None:
        super().__init__()
        self.network, self.losses, self.per = network, losses, per

    @property
    def reports(self) -> tuple[SoftLabelReport, ...]:
        """One report, which says that nothing is stored."""
        return (SoftLabelReport("live"),)

    def ask(self, batch: Batch) -> Tensors:
        """Returns the outputs for the batch, as they would be if they had been stored."""
        return self.losses.given(self.losses.kept(teacher_outputs(self.network, batch, self.per)))


def shared_forward(source: SoftLabelSource | None, network: nn.Module) -> Callable[[Batch], object]:
    """Returns a function that runs a teacher on a batch, for a caller that reads its layers.

    Where the same network gives live soft labels, that is one forward pass for both. Not where it is asked for each
    step: then it computes in another way than the one its layers are known from.
    """
    members = source.members if isinstance(source, Ensemble) else (source,)
    for member in members:
        if isinstance(member, LiveSoftLabels) and member.network is network and member.per == "sequence":
            return member.whole
    return lambda batch: teacher_outputs(network, batch)


class Ensemble(SoftLabelSource):
    """The mean of several teachers by their weights, as the kind of task takes it."""

    def __init__(self, members: Sequence[SoftLabelSource], weights: Sequence[float], losses: LossPart) -> None:
        super().__init__()
        self.members, self.losses = tuple(members), losses
        self.weights = tuple(weight / sum(weights) for weight in weights)
        self.by_chunk = all(member.by_chunk for member in members)

    @property
    def reports(self) -> tuple[SoftLabelReport, ...]:
        """Those of the members, in their order."""
        return tuple(report for member in self.members for report in member.reports)

    def ask(self, batch: Batch) -> Tensors:
        """Returns the mean for the whole chunk where all members know it, else for the batch."""
        outputs = [member.whole(batch) if self.by_chunk else member.at(batch) for member in self.members]
        return self.losses.mean_of(outputs, self.weights)


@torch.no_grad()
def teacher_outputs(network: nn.Module, batch: Batch, per: Per = "sequence") -> Tensors:
    """Returns the outputs (batch, ...) of a network in eval mode by name, in float32.

    Per step those of each frame (batch, frames, ...) as well, zero behind the end.
    """
    with _in_eval_mode(network):
        outputs = dict(network(batch.inputs, steps=True) if per == "step" else network(batch.inputs))
    mask = outputs.pop(MASK, None)
    return {
        name: values.float() if mask is None or not name.startswith(f"{STEPS}.") else _masked(values.float(), mask)
        for name, values in outputs.items()
    }


def _masked(values: Tensor, mask: Tensor) -> Tensor:
    """Returns values (batch, frames, ...) that are zero where the mask (batch, frames) is false."""
    return values.where(mask.reshape(*mask.shape, *[1] * (values.ndim - 2)), 0.0)


@contextmanager
def _in_eval_mode(network: nn.Module) -> Iterator[None]:
    was_training = network.training
    if was_training:
        network.eval()
    try:
        yield
    finally:
        if was_training:
            network.train()
