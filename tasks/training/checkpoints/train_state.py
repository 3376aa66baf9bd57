"""How far a training is, apart from the weights, the optimiser and the generators."""

import copy
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from torch import Tensor, nn

EpochMetrics = dict[str, float]


@dataclass
class EpochState:
    """One epoch on its way: the batches behind it, and the sums over their samples of what the objective named."""

    batches: int = 0
    samples: int = 0
    seconds: float = 0.0
    """of work on it up to the last checkpoint"""
    sums: dict[str, float | Tensor] = field(default_factory=dict)

    def add(self, size: int, values: Mapping[str, float | Tensor]) -> None:
        """Counts a batch of `size` samples in, with the mean of each value over them."""
        # Added up at once: a list of tensors would nail the heap down between the large ones of each step, and memory
        # would grow with the number of steps.
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + size * value
        self.batches, self.samples = self.batches + 1, self.samples + size

    def means(self) -> EpochMetrics:
        """Returns the mean over samples of each value."""
        return {f"train_{name}": float(total) / self.samples for name, total in self.sums.items()}


@dataclass
class TrainState:
    """The epochs that are done, the best of them, and the one on its way."""

    best_weights: dict[str, Tensor]
    best_epoch: int = 0
    best_rank: tuple[float, float] = (float("-inf"), 0.0)
    history: list[EpochMetrics] = field(default_factory=list)
    progress: EpochState = field(default_factory=EpochState)

    @property
    def epoch(self) -> int:
        """The epoch (from 1) that is on its way, or comes next."""
        return len(self.history) + 1

    def add(self, metrics: EpochMetrics, rank: tuple[float, float], model: nn.Module) -> None:
        """Counts an epoch as done; keeps a copy of the weights where its rank is higher than any before."""
        if rank > self.best_rank:
            weights = copy.deepcopy(model.state_dict())
            self.best_epoch, self.best_rank, self.best_weights = self.epoch, rank, weights
        self.history.append(metrics)
        self.progress = EpochState()

    def to_json(self) -> dict[str, Any]:
        """Returns all but the weights; numbers come back to the bit."""
        sums: dict[str, float | Tensor] = {name: float(total) for name, total in self.progress.sums.items()}
        progress = asdict(replace(self.progress, sums=sums))
        facts = {"best_epoch": self.best_epoch, "best_rank": self.best_rank, "history": self.history}
        return facts | {"progress": progress}

    @classmethod
    def from_json(cls, state: Mapping[str, Any], best_weights: dict[str, Tensor]) -> "TrainState":
        """Returns what `to_json` was asked of."""
        first, second = state["best_rank"]
        progress = EpochState(**state["progress"])
        return cls(best_weights, state["best_epoch"], (first, second), state["history"], progress)
