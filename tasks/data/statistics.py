"""Mean and standard deviation per channel or feature of the training split, with which the network normalises."""

from collections.abc import Callable, Iterator
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.records import InputSpec, Shard, Statistics

BLOCK = 4_000_000
"""numbers read at a time"""
Doubles = NDArray[np.float64]


def statistics_of(folder: Path, shards: tuple[Shard, ...], spec: InputSpec) -> Statistics:
    """Returns the statistics of the shards of a split, padding left out; a constant feature gets a deviation of 1.

    Two passes in float64, the second around the mean; rounded to six significant digits, so that the last bits, in
    which machines may differ, do not show.
    """

    def over(function: Callable[[Doubles], Doubles]) -> Doubles:
        sums: Doubles = np.sum([function(block) for block in _blocks(folder, shards, spec)], axis=0)
        return sums

    count = over(lambda block: np.array([len(block)], dtype=np.float64))
    mean = over(lambda block: block.sum(axis=0)) / count
    variance = over(lambda block: ((block - mean) ** 2).sum(axis=0)) / count
    low = np.min([block.min(axis=0) for block in _blocks(folder, shards, spec)], axis=0)
    high = np.max([block.max(axis=0) for block in _blocks(folder, shards, spec)], axis=0)
    # Exactly: the deviation of equal values is not always exactly zero in floating point.
    std = np.where(low == high, 1.0, np.sqrt(variance))
    return Statistics(mean=_rounded(mean), std=_rounded(std))


def _blocks(folder: Path, shards: tuple[Shard, ...], spec: InputSpec) -> Iterator[Doubles]:
    """Yields (values, features) of some samples at a time."""
    for shard in shards:
        inputs = np.load(folder / shard.inputs.name, mmap_mode="r")
        lengths = np.load(folder / shard.lengths.name) if shard.lengths else None
        step = max(1, BLOCK // prod(spec.shape))
        for start in range(0, shard.samples, step):
            block = np.asarray(inputs[start : start + step])
            if spec.layout == "image":
                block = np.moveaxis(block, 1, -1)
            elif lengths is not None:
                block = block[np.arange(block.shape[1]) < lengths[start : start + step, None]]
            yield block.reshape(-1, spec.features).astype(np.float64)


def _rounded(values: Doubles) -> tuple[float, ...]:
    return tuple(float(f"{value:.6g}") for value in values)
