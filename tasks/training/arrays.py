"""Prepared data as arrays: whole batches gathered from memory maps, so that memory does not grow with the dataset."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.contracts.records import DatasetCard, Shard
from tasks.contracts.targets import Targets, joined
from tasks.core.mmap_rows import MmapRows
from tasks.kinds.contract import TargetsPart, part
from tasks.layouts import INPUTS

CARD = "dataset.json"
LARGE = 16 * 2**20
"""bytes of inputs and targets of a split, above which their pages do not stay in the process between two calls"""
NO_GROUP = -1
FEW = 8
"""samples that stand for all in the self-test of a bundle"""
MOST_AT_ONCE, BYTES_AT_ONCE = 512, 2**20
"""samples, and bytes of their inputs, that a network is asked about at once outside training"""


@dataclass(frozen=True)
class Arrays:
    """Some samples of a split: named inputs and targets.

    Inputs are `inputs` (n, *shape), raw, and what the layout has besides, (n,) int64.
    """

    inputs: Mapping[str, NDArray[Any]]
    targets: Targets
    """of those samples that have any, in their order"""
    rows: NDArray[np.int64]
    """places of the samples in their split"""
    labelled: NDArray[np.bool_]
    """(n,) which samples have targets"""

    def __len__(self) -> int:
        return len(self.rows)


class SplitArrays:
    """One split of prepared data, or several behind each other; `gather` reads rows in the order they are asked for."""

    def __init__(self, directory: Path, card: DatasetCard, *splits: str) -> None:
        shards = [shard for split in splits for shard in card.splits[split].shards]
        self.directory = directory
        self.kind = part(card.task, "targets", TargetsPart)
        self.starts = np.cumsum([0, *(shard.samples for shard in shards)])
        self.shards = [_OpenShard.of(directory, shard) for shard in shards]
        self._large = sum(maps.array.nbytes for shard in self.shards for maps in shard.maps) > LARGE

    def __len__(self) -> int:
        return int(self.starts[-1])

    def epoch_samples(self, size: int) -> int:  # noqa: ARG002 - of batches, which a mixture fills
        """Returns how many samples one epoch sees in batches of `size`."""
        return len(self)

    def order(self, random: np.random.Generator, size: int, processes: int) -> NDArray[np.int64]:  # noqa: ARG002
        """Returns the rows of one epoch, batch by batch."""
        return random.permutation(len(self))

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """Shape of one sample's inputs."""
        return self.shards[0].inputs.array.shape[1:]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the inputs."""
        return self.shards[0].inputs.array.dtype

    def gather(self, rows: NDArray[np.int64]) -> Arrays:
        """Returns the samples at `rows` of the split; a row may come twice."""
        gathered = self._gathered(rows)
        if self._large:
            self._release()
        return gathered

    def _release(self) -> None:
        for shard in self.shards:
            for maps in shard.maps:
                maps.release()

    def _gathered(self, rows: NDArray[np.int64]) -> Arrays:
        if len(self.shards) == 1:
            return self.shards[0].take(rows, rows)
        which = np.searchsorted(self.starts, rows, side="right") - 1
        order = np.argsort(which, kind="stable")
        parts = [
            self.shards[shard].take(rows[mine] - self.starts[shard], rows[mine])
            for shard in np.unique(which)
            for mine in [order[which[order] == shard]]
        ]
        return _restored(parts, order)

    def batches(self, size: int | None = None, rows: NDArray[np.int64] | None = None) -> Iterator[Arrays]:
        """Yields all samples, or those at `rows`, in batches of `size`; the last may be smaller.

        Without a size they are what a network is asked about at once: few where a sample is large, so that what its
        layers make of them fits into memory and mostly into the processor's caches.
        """
        rows = np.arange(len(self)) if rows is None else rows
        size = size or max(1, min(MOST_AT_ONCE, BYTES_AT_ONCE // (prod(self.sample_shape) * self.dtype.itemsize)))
        for start in range(0, len(rows), size):
            yield self.gather(rows[start : start + size])

    def few(self, count: int = FEW) -> NDArray[np.int64]:
        """Returns the rows of at most `count` samples that stand for all: from each group in turn."""
        return in_turn(self.groups(), count)

    def groups(self) -> NDArray[np.int64]:
        """Returns the group (n,) of each sample, as the kind of task makes them out of targets, shard by shard.

        Samples without targets are one group.
        """
        groups = [np.empty(0, dtype=np.int64)]
        for shard in self.shards:
            untold = np.full(len(shard.inputs.array), NO_GROUP, dtype=np.int64)
            groups.append(self.kind.groups(shard.targets) if shard.targets.columns else untold)
            self._release()
        return np.concatenate(groups)

    def targets_by_shard(self) -> Iterator[Targets]:
        """Yields the targets of each shard that has any, mapped; once the next one is asked for, it is let go."""
        for shard in self.shards:
            if shard.targets.columns:
                yield shard.targets
            self._release()

    def targets(self) -> Targets:
        """Returns the targets of the whole split."""
        return joined([shard.targets for shard in self.shards if shard.targets.columns])


def in_turn(groups: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Returns the first row of each group, then the second of each, until there are `count`."""
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    turn = np.arange(len(groups)) - np.searchsorted(ordered, ordered, side="left")
    return order[np.argsort(turn, kind="stable")][:count]


def read_card(directory: Path) -> DatasetCard:
    """Returns `dataset.json` of a folder of prepared data."""
    return DatasetCard.model_validate_json((directory / CARD).read_bytes())


def open_split(directory: Path, split: str) -> SplitArrays:
    """Opens one split (train, validation, test) of a folder of prepared data."""
    return SplitArrays(directory, read_card(directory), split)


@dataclass(frozen=True)
class _OpenShard:
    maps: tuple[MmapRows, ...]
    """all that is large: the inputs, then the columns of targets"""
    targets: Targets
    further: Mapping[str, NDArray[np.int32]]

    @staticmethod
    def of(directory: Path, shard: Shard) -> "_OpenShard":
        inputs = {name: directory / file.name for name, file in shard.inputs.items()}
        columns = {name: MmapRows(directory / file.name) for name, file in shard.targets.items()}
        offsets = {name: np.load(directory / file.name) for name, file in shard.offsets.items()}
        targets = Targets({name: rows.array for name, rows in columns.items()}, offsets)
        further = {name: _map(path) for name, path in inputs.items() if name != INPUTS}
        return _OpenShard((MmapRows(inputs[INPUTS]), *columns.values()), targets, further)

    @property
    def inputs(self) -> MmapRows:
        """The inputs."""
        return self.maps[0]

    def take(self, local: NDArray[np.int64], rows: NDArray[np.int64]) -> Arrays:
        further = {name: values[local].astype(np.int64) for name, values in self.further.items()}
        labelled = np.full(len(rows), bool(self.targets.columns))
        return Arrays({INPUTS: self.inputs[local], **further}, self.targets.take(local), rows, labelled)


def _map(path: Path) -> NDArray[Any]:
    array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    return array


def _restored(parts: Sequence[Arrays], order: NDArray[np.int64]) -> Arrays:
    """Puts samples that were read shard by shard back into the order they were asked for."""
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    labelled = np.concatenate([part.labelled for part in parts])
    # The place of each sample among those with targets, which alone are joined.
    places = (np.cumsum(labelled) - 1)[back][labelled[back]]
    return Arrays(
        {name: np.concatenate([part.inputs[name] for part in parts])[back] for name in parts[0].inputs},
        joined([part.targets for part in parts if part.labelled.any()]).take(places),
        np.concatenate([part.rows for part in parts])[back],
        labelled[back],
    )
