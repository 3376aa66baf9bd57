"""Mean and standard deviation per channel or feature of the training split, with which the network normalises."""

from collections.abc import Iterator
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.contracts.records import InputSpec, Shard, Statistics
from tasks.core.mmap_rows import MmapRows
from tasks.layouts import INPUTS, find_layout

BLOCK = 1_000_000
"""numbers read at a time"""
Doubles = NDArray[np.float64]


def statistics_of(folder: Path, shards: tuple[Shard, ...], spec: InputSpec) -> Statistics:
    """Returns the statistics of the shards of a split, padding left out; a constant feature gets a deviation of 1.

    Two passes in float64, the second around the mean; rounded to six significant digits, so that the last bits, in
    which machines may differ, do not show.
    """
    seen = [(len(b), b.sum(axis=0), b.min(axis=0), b.max(axis=0)) for b in _blocks(folder, shards, spec)]
    counts, sums, lows, highs = zip(*seen, strict=True)
    mean = np.sum(sums, axis=0) / sum(counts)
    squares = [((block - mean) ** 2).sum(axis=0) for block in _blocks(folder, shards, spec)]
    deviation = np.sqrt(np.sum(squares, axis=0) / sum(counts))
    # Exactly: the deviation of equal values is not always exactly zero in floating point.
    constant = np.min(lows, axis=0) == np.max(highs, axis=0)
    return Statistics(mean=_rounded(mean), std=_rounded(np.where(constant, 1.0, deviation)))


def _blocks(folder: Path, shards: tuple[Shard, ...], spec: InputSpec) -> Iterator[Doubles]:
    """Yields (values, features) of some samples at a time."""
    form = find_layout(spec.layout)
    for shard in shards:
        inputs = MmapRows(folder / shard.inputs[INPUTS].name)
        further = {name: np.load(folder / shard.inputs[name].name) for name in form.further}
        step = max(1, BLOCK // prod(spec.shape))
        for start in range(0, shard.samples, step):
            block = inputs[np.arange(start, min(start + step, shard.samples))]
            inputs.release()
            some = {name: values[start : start + step] for name, values in further.items()}
            yield form.flat({INPUTS: block, **some}).astype(np.float64)


def _rounded(values: Doubles) -> tuple[float, ...]:
    return tuple(float(f"{value:.6g}") for value in values)
