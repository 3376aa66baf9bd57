"""What a teacher says of a batch: live, or the mean of several; what is kept on disk is in `cached`."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor, nn

from tasks.training.batches import Batch
from tasks.training.predict import steps_side_by_side, tensors_side_by_side

Per = Literal["sequence", "step"]
"""one soft label for each sample, or one for each frame of a sequence"""


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


class Signal(Protocol):
    """What a teacher says."""

    @property
    def reports(self) -> tuple[SoftLabelReport, ...]:
        """How it went so far, for each teacher."""

    def at(self, batch: Batch) -> Tensor:
        """Returns the teacher's logits (batch, outputs), or (batch, frames, outputs) per step.

        They are float32, on the batch's device and no part of a graph; frames behind the end of a sequence are zero.
        """


class Remembered(ABC):
    """A signal that asks once per scope, the chunk or the batch, and cuts the answer to the batch."""

    by_chunk: bool
    """whether the scope is the whole chunk"""

    def __init__(self) -> None:
        self._scope: object = None
        self._logits = torch.empty(0)

    @property
    @abstractmethod
    def reports(self) -> tuple[SoftLabelReport, ...]:
        """How it went so far, for each teacher."""

    @abstractmethod
    def ask(self, batch: Batch) -> Tensor:
        """Returns logits of all samples in the scope of the batch."""

    def whole(self, batch: Batch) -> Tensor:
        """Returns what `ask` said about this scope."""
        scope = batch.chunk if self.by_chunk else batch
        if scope is not self._scope:
            self._logits = self.ask(batch)
            self._scope = scope
        return self._logits

    def at(self, batch: Batch) -> Tensor:
        """Returns the logits of the batch, as `Signal` says."""
        logits = self.whole(batch)
        return logits[batch.within] if self.by_chunk else logits


class LiveSoftLabels(Remembered):
    """Asks the teacher about each batch, just as the student sees it."""

    by_chunk = False

    def __init__(self, network: nn.Module, per: Per = "sequence") -> None:
        super().__init__()
        self.network, self.per = network, per

    @property
    def reports(self) -> tuple[SoftLabelReport, ...]:
        """One report, which says that nothing is kept."""
        return (SoftLabelReport("live"),)

    def ask(self, batch: Batch) -> Tensor:
        """Returns what the teacher says of the batch."""
        return teacher_logits(self.network, batch, self.per)


def heard(signal: Signal | None, network: nn.Module) -> Callable[[Batch], object]:
    """Returns what lets a teacher answer to a batch, for someone who looks into its layers.

    Where the same network is asked for live soft labels, that is one answer for both, and not two. Not where it is
    asked for each step: then it answers in another way than the one its layers are known from.
    """
    members = signal.members if isinstance(signal, Ensemble) else (signal,)
    for member in members:
        if isinstance(member, LiveSoftLabels) and member.network is network and member.per == "sequence":
            return member.whole
    return lambda batch: teacher_logits(network, batch)


class Ensemble(Remembered):
    """The mean of several teachers' logits by their weights.

    That is the geometric mean of their distributions (Hinton, Vinyals and Dean 2015, arXiv:1503.02531, section 1).
    """

    def __init__(self, members: Sequence[Signal], weights: Sequence[float]) -> None:
        super().__init__()
        self.members = tuple(members)
        self.weights = tuple(weight / sum(weights) for weight in weights)
        self._by_chunk = [member for member in members if isinstance(member, Remembered) and member.by_chunk]
        self.by_chunk = len(self._by_chunk) == len(self.members)

    @property
    def reports(self) -> tuple[SoftLabelReport, ...]:
        """Those of the members, in their order."""
        return tuple(report for member in self.members for report in member.reports)

    def ask(self, batch: Batch) -> Tensor:
        """Returns the mean for the whole chunk where all members know it, else for the batch."""
        if self.by_chunk:
            said = [member.whole(batch) for member in self._by_chunk]
        else:
            said = [member.at(batch) for member in self.members]
        return torch.stack([weight * logits for weight, logits in zip(self.weights, said, strict=True)]).sum(dim=0)


@torch.no_grad()
def teacher_logits(network: nn.Module, batch: Batch, per: Per = "sequence") -> Tensor:
    """Returns what the network says, in eval mode: (batch, outputs), or (batch, frames, outputs) per step.

    Frames behind the end of a sequence are zero, and as many come as the inputs have.
    """
    with _in_eval_mode(network):
        if per == "sequence":
            return tensors_side_by_side(network(batch.inputs)).float()
        return _padded(steps_side_by_side(network(batch.inputs, steps=True)).float(), batch)


def _padded(logits: Tensor, batch: Batch) -> Tensor:
    frames = batch.inputs["inputs"].shape[1]
    logits = nn.functional.pad(logits, (0, 0, 0, frames - logits.shape[1]))
    there = torch.arange(frames, device=logits.device) < batch.inputs["lengths"].unsqueeze(1)
    return logits.where(there.unsqueeze(2), 0.0)


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
