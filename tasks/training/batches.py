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

from tasks.contracts.targets import Targets
from tasks.kinds.contract import Tensors
from tasks.training.arrays import Arrays, SplitArrays
from tasks.training.augment import Augmenter
from tasks.training.seeds import generator

OFFSETS = "offsets."
"""before the name of a ragged column: where each sample's rows of it begin, and where the last one's end"""
CHUNK_BYTES, CHUNK_ROWS = 2 * 2**20, 4096
"""of inputs that are gathered at once, and how many at most; a batch that is larger is a chunk of its own.

Not more, since a row that is read from a map brings up to 64 kilobytes around it into the process (Linux)."""


@dataclass(frozen=True, eq=False)
class Chunk:
    """Consecutive batches of one epoch (from 1): their rows (n,) of the split, which of them have targets (n,), these
    by column, and which view of them it is.
    """

    rows: NDArray[np.int64]
    labelled: NDArray[np.bool_]
    targets: Tensors
    epoch: int = 1
    view: int = 0


@dataclass(frozen=True)
class Batch:
    """Named inputs as a network takes them, and targets by column, of the first `labelled` samples alone.

    A ragged column is there as its values (all rows of the batch, ...) and as `offsets.NAME` (batch + 1,). `within` is
    the place of the batch in its chunk.
    """

    inputs: Tensors
    targets: Tensors
    chunk: Chunk
    within: slice

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def rows(self) -> NDArray[np.int64]:
        """Places (batch,) of the samples in their split."""
        return self.chunk.rows[self.within]

    @property
    def labelled(self) -> int:
        """How many samples have targets; they come first."""
        return int(self.chunk.labelled[self.within].sum())

    @classmethod
    def of(cls, arrays: Arrays, device: torch.device, epoch: int = 1, view: int = 0) -> "Batch":
        """Copies gathered arrays to the device, as one batch."""
        named = {**arrays.targets.columns, **{f"{OFFSETS}{name}": ends for name, ends in arrays.targets.ends.items()}}
        targets = {name: _tensor(values, device) for name, values in named.items()}
        chunk = Chunk(arrays.rows, arrays.labelled, targets, epoch, view)
        inputs = {name: _tensor(values, device) for name, values in arrays.inputs.items()}
        return cls(inputs, targets, chunk, slice(0, len(arrays)))

    def as_targets(self) -> Targets:
        """Returns the targets as arrays, as the metrics of the kind take them."""
        arrays = {name: values.cpu().numpy() for name, values in self.targets.items()}
        ends = {name.removeprefix(OFFSETS): values for name, values in arrays.items() if name.startswith(OFFSETS)}
        return Targets({name: values for name, values in arrays.items() if not name.startswith(OFFSETS)}, ends)

    def part(self, within: slice) -> "Batch":
        """Returns the samples at `within` of a batch that is a whole chunk; nothing is copied."""
        inputs = {name: values[within] for name, values in self.inputs.items()}
        before, labelled = (int(self.chunk.labelled[:end].sum()) for end in (within.start, within.stop))
        return Batch(inputs, _part(self.targets, slice(before, labelled)), self.chunk, within)


@dataclass(frozen=True)
class Share:
    """The part of each batch that one of several processes learns from; all parts are of equal size."""

    place: int = 0
    of: int = 1

    def usable(self, samples: int, size: int) -> int:
        """Returns how many samples of an epoch are learned from: all but those of a last batch that cannot be shared.

        Nor is a last batch used that leaves a single sample to each: batch norm cannot learn from that.
        """
        whole, rest = samples // size * size, samples % size
        rest -= rest % self.of
        return whole + (0 if rest == self.of and samples > self.of else rest)

    def rows(self, rows: NDArray[np.int64], size: int) -> NDArray[np.int64]:
        """Returns the part of an epoch's rows that is this process's."""
        usable = self.usable(len(rows), size)
        whole = usable // size * size
        parts = rows[:whole].reshape(-1, self.of, size // self.of)[:, self.place]
        return np.concatenate([parts.reshape(-1), rows[whole:usable].reshape(self.of, -1)[self.place]])


ALL = Share()


def shuffled_batches(
    split: SplitArrays,
    size: int,
    seed: int,
    epoch: int,
    device: torch.device,
    augmenter: Augmenter | None = None,
    skip: int = 0,
    share: Share = ALL,
) -> Iterator[Batch]:
    """Yields every sample once, in the order of (seed, epoch), augmented by (seed, view of the epoch).

    A last batch of one sample is left out: batch norm cannot learn from a single one. The first `skip` batches are not
    yielded; the others are what they are without it, in the same chunks. `share` takes its part of each batch.
    """
    rows = share.rows(split.order(generator(seed, epoch), size, share.of), size)
    usable, size = len(rows), size // share.of
    view = augmenter.view(epoch) if augmenter else 0
    chunk = _chunk_size(split, size)
    behind, within = divmod(skip * size, chunk)
    for arrays in split.batches(chunk, rows[behind * chunk : usable]):
        whole = Batch.of(augmenter.apply(arrays, view) if augmenter else arrays, device, epoch, view)
        begin, within = within, 0
        for start in range(begin, len(arrays), size):
            yield whole.part(slice(start, min(start + size, len(arrays))))


def steps_per_epoch(samples: int, size: int, share: Share = ALL) -> int:
    """Returns how many batches `shuffled_batches` yields."""
    return -(-share.usable(samples, size) // size)


def _chunk_size(split: SplitArrays, size: int) -> int:
    """Returns how many samples are gathered at once: a whole number of batches."""
    sample = prod(split.sample_shape) * split.dtype.itemsize
    return size * max(1, min(CHUNK_BYTES // sample, CHUNK_ROWS) // size)


def _part(targets: Tensors, within: slice) -> dict[str, Tensor]:
    """Returns the targets of consecutive samples."""
    part = {}
    for name, values in targets.items():
        if name.startswith(OFFSETS):
            continue
        if (offsets := targets.get(f"{OFFSETS}{name}")) is None:
            part[name] = values[within]
            continue
        ends = offsets[within.start : within.stop + 1]
        part[name] = values[int(ends[0]) : int(ends[-1])]
        part[f"{OFFSETS}{name}"] = ends - ends[0]
    return part


def _tensor(array: NDArray[np.generic], device: torch.device) -> Tensor:
    return torch.from_numpy(array).to(device)
