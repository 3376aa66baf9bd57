"""Batches on the device, in an order that depends on the seed and the epoch alone.

Several batches are gathered at once, as one chunk: random rows of a memory map cost much less together than one batch
at a time, and whatever goes along with the samples (soft labels) can be looked up once per chunk.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tasks.training.arrays import Arrays, SplitArrays
from tasks.training.augment import Augmenter
from tasks.training.seeds import generator

CHUNK_BYTES, CHUNK_ROWS = 2 * 2**20, 4096
"""of inputs that are gathered at once, and how many at most; a batch that is larger is a chunk of its own.

Not more, since a row that is read from a map brings up to 64 kilobytes around it into the process (Linux)."""


@dataclass(frozen=True, eq=False)
class Chunk:
    """Consecutive batches of one epoch (from 1): the rows (n,) of the split they stand at, their labels, and which view
    of them it is.
    """

    rows: NDArray[np.int64]
    labels: Tensor
    epoch: int = 1
    view: int = 0


@dataclass(frozen=True)
class Batch:
    """Raw inputs (batch, *shape), labels (batch,) or (batch, heads), lengths (batch,) for sequences.

    `within` is the place of the batch in its chunk.
    """

    inputs: Tensor
    labels: Tensor
    lengths: Tensor | None
    chunk: Chunk
    within: slice

    @property
    def rows(self) -> NDArray[np.int64]:
        """Places (batch,) of the samples in their split."""
        return self.chunk.rows[self.within]

    @classmethod
    def of(cls, arrays: Arrays, device: torch.device, epoch: int = 1, view: int = 0) -> "Batch":
        """Copies gathered arrays to the device, as one batch."""
        labels = _tensor(arrays.labels, device)
        lengths = None if arrays.lengths is None else _tensor(arrays.lengths, device)
        chunk = Chunk(arrays.rows, labels, epoch, view)
        return cls(_tensor(arrays.inputs, device), labels, lengths, chunk, slice(0, len(arrays)))

    def part(self, within: slice) -> "Batch":
        """Returns the samples at `within` of a batch that is a whole chunk; nothing is copied."""
        lengths = None if self.lengths is None else self.lengths[within]
        return Batch(self.inputs[within], self.labels[within], lengths, self.chunk, within)


def shuffled_batches(
    split: SplitArrays,
    size: int,
    seed: int,
    epoch: int,
    device: torch.device,
    augmenter: Augmenter | None = None,
    skip: int = 0,
) -> Iterator[Batch]:
    """Yields every sample once, in the order of (seed, epoch), augmented as (seed, view of the epoch) says.

    A last batch of one sample is left out: batch norm cannot learn from a single one. The first `skip` batches are not
    yielded; the others are what they are without it, in the same chunks.
    """
    rows = generator(seed, epoch).permutation(len(split))
    usable = len(rows) - 1 if len(rows) % size == 1 and len(rows) > 1 else len(rows)
    view = augmenter.view(epoch) if augmenter else 0
    chunk = _chunk_size(split, size)
    behind, within = divmod(skip * size, chunk)
    for arrays in split.batches(chunk, rows[behind * chunk : usable]):
        whole = Batch.of(augmenter.apply(arrays, view) if augmenter else arrays, device, epoch, view)
        begin, within = within, 0
        for start in range(begin, len(arrays), size):
            yield whole.part(slice(start, min(start + size, len(arrays))))


def steps_per_epoch(samples: int, size: int) -> int:
    """Returns how many batches `shuffled_batches` yields."""
    whole, rest = divmod(samples, size)
    return whole + (rest > 1 or (rest == 1 and whole == 0))


def _chunk_size(split: SplitArrays, size: int) -> int:
    """Returns how many samples are gathered at once: a whole number of batches."""
    sample = prod(split.sample_shape) * split.dtype.itemsize
    return size * max(1, min(CHUNK_BYTES // sample, CHUNK_ROWS) // size)


def _tensor(array: NDArray[np.generic], device: torch.device) -> Tensor:
    return torch.from_numpy(array).to(device)
