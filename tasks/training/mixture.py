"""Training samples with targets and without, mixed into every batch."""

from math import ceil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.contracts.records import UNLABELLED, DatasetCard
from tasks.training.arrays import SplitArrays

TRAIN = "train"
Rows = NDArray[np.int64]


class Mixture(SplitArrays):
    """The training split and, behind it, the samples without targets.

    An epoch is as many samples as there are of both. Each batch has `share` of those without targets, behind the
    others, whatever there is more of: the fewer come several times in an epoch, in an order drawn for each time.
    """

    def __init__(self, directory: Path, card: DatasetCard, share: float) -> None:
        super().__init__(directory, card, TRAIN, UNLABELLED)
        self.labelled, self.share = card.splits[TRAIN].samples, share

    def epoch_samples(self, size: int) -> int:
        """Returns the samples of whole batches: the last one is filled."""
        return ceil(len(self) / size) * size

    def order(self, random: np.random.Generator, size: int, processes: int) -> Rows:
        """Returns the rows of one epoch, so that each process has its part of both kinds of samples in every batch."""
        part = size // processes
        others = self._without_targets(part)
        batches = self.epoch_samples(size) // part
        told = _repeated(random, np.arange(self.labelled), batches * (part - others)).reshape(batches, -1)
        untold = _repeated(random, np.arange(self.labelled, len(self)), batches * others).reshape(batches, -1)
        return np.concatenate([told, untold], axis=1).reshape(-1)

    def _without_targets(self, part: int) -> int:
        """Returns how many of the samples in a process's part of a batch have no targets: not all, where some do."""
        if not self.labelled:
            return part
        return min(max(1, round(part * self.share)), part - 1) if self.share else 0


def _repeated(random: np.random.Generator, rows: Rows, count: int) -> Rows:
    """Returns so many of the rows: all of them in a random order, again and again."""
    times = ceil(count / len(rows)) if count else 0
    return np.concatenate([rows[:0], *(random.permutation(rows) for _ in range(times))])[:count]
