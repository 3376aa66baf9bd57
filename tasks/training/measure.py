"""What a model is worth on a split: the evidence of each batch stays in memory, its outputs do not."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn

from tasks.contracts.metrics import Metric, split_name
from tasks.contracts.records import DatasetCard
from tasks.contracts.targets import TargetCard, Targets
from tasks.kinds.contract import Arrays, Floats, MetricsPart, part
from tasks.training.arrays import SplitArrays
from tasks.training.predict import outputs_of

LOSS = "loss"
CELLS = 4_000_000
"""counts of samples that are made at once"""
Answered = Iterable[tuple[Arrays, Targets]]
"""the outputs of a model for each batch, and what they should be"""


@dataclass(frozen=True)
class Seen:
    """The evidence of so many samples, as the kind of task takes it."""

    evidence: Any
    samples: int


@dataclass(frozen=True)
class Measuring:
    """How models for some data are measured: the metrics of its kind of task, and what is known of its targets."""

    part: MetricsPart[Any]
    data: DatasetCard
    card: TargetCard

    @classmethod
    def of(cls, data: DatasetCard) -> "Measuring":
        """Returns how models for prepared data are measured."""
        found: MetricsPart[Any] = part(data.task, "metrics", MetricsPart)
        return cls(found, data, data.targets)

    @property
    def deciding(self) -> Metric:
        """The metric that decides which epoch, candidate or student is better."""
        return self.part.metrics[0]

    def rank(self, values: dict[str, float], prefix: str = "") -> tuple[float, float]:
        """Returns what is higher for the better of two: by the deciding metric, of equals by the loss."""
        return self.deciding.sign * values[f"{prefix}{self.deciding.name}"], -values[f"{prefix}loss"]

    def seen(self, answered: Answered) -> Seen:
        """Returns what the metrics need of each sample."""
        parts, samples = [], 0
        for outputs, targets in answered:
            parts.append(self.part.evidence(outputs, targets, self.card))
            samples += len(targets)
        return Seen(self.part.joined(parts), samples)

    def values(self, seen: Seen) -> dict[str, float]:
        """Returns every metric of the samples as they are."""
        values = self.part.tally(seen.evidence, np.ones((1, seen.samples), dtype=np.int64))
        return {name: float(value[0]) for name, value in values.items()}

    def improvement(self, now: Any, before: Any, samples: int) -> tuple[Floats, bool]:
        """Returns how much better each sample (n,) is answered, of the evidence of two models on the same samples.

        Where samples are right or wrong, and the second value says so, it is -1, 0 or 1; elsewhere it is by how much
        the loss of the sample is lower.
        """
        right, earlier = self.part.right(now), self.part.right(before)
        if right is None or earlier is None:
            return self._losses(before, samples) - self._losses(now, samples), False
        return right.astype(np.float64) - earlier, True

    def _losses(self, evidence: Any, samples: int) -> Floats:
        """Returns the loss (n,) of each sample: that of a data set that holds nothing else."""
        at_once, parts = max(1, CELLS // samples), []
        for start in range(0, samples, at_once):
            alone = np.eye(min(at_once, samples - start), samples, start, dtype=np.int64)
            parts.append(self.part.tally(evidence, alone)[LOSS])
        return np.concatenate(parts)

    def seen_by(self, network: nn.Module, split: SplitArrays) -> Seen:
        """Returns what a network makes of a split; it is in eval mode for that, and put back after."""
        batches = split.batches()
        return self.seen((outputs_of(network, some), some.targets) for some in batches)

    def measure(self, network: nn.Module, split: SplitArrays) -> dict[str, float]:
        """Returns the metrics of a network that training measures after every epoch."""
        wanted = {metric.name for metric in self.part.metrics if metric.each_epoch}
        values = self.values(self.seen_by(network, split)).items()
        return {name: value for name, value in values if split_name(name)[0] in wanted}
