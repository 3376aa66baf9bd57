"""Batches on the device, in an order that depends on the seed and the epoch alone."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tasks.training.arrays import Arrays, SplitArrays
from tasks.training.seeds import generator


@dataclass(frozen=True)
class Batch:
    """Raw inputs (batch, *shape), labels (batch,), lengths (batch,) for sequences, and the rows they stand at."""

    inputs: Tensor
    labels: Tensor
    lengths: Tensor | None
    rows: NDArray[np.int64]

    @classmethod
    def of(cls, arrays: Arrays, device: torch.device) -> "Batch":
        """Copies gathered arrays to the device."""
        lengths = None if arrays.lengths is None else torch.from_numpy(arrays.lengths).to(device)
        inputs, labels = torch.from_numpy(arrays.inputs).to(device), torch.from_numpy(arrays.labels).to(device)
        return cls(inputs, labels, lengths, arrays.rows)


def shuffled_batches(split: SplitArrays, size: int, seed: int, epoch: int, device: torch.device) -> Iterator[Batch]:
    """Yields every sample once, in the order of (seed, epoch).

    A last batch of one sample is left out: batch norm cannot learn from a single one.
    """
    rows = generator(seed, epoch).permutation(len(split))
    usable = len(rows) - 1 if len(rows) % size == 1 and len(rows) > 1 else len(rows)
    for arrays in split.batches(size, rows[:usable]):
        yield Batch.of(arrays, device)


def steps_per_epoch(samples: int, size: int) -> int:
    """Returns how many batches `shuffled_batches` yields."""
    whole, rest = divmod(samples, size)
    return whole + (rest > 1 or (rest == 1 and whole == 0))
