"""Labelled samples that have come since an earlier data version: those whose content it does not hold."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tasks.contracts.records import Shard
from tasks.data.prepared.survey import digest_of
from tasks.data.readers.samples import Values
from tasks.data.versions.versions_store import Locate, card_of

AT_A_TIME = 256
Lengths = NDArray[np.int64]
Batch = tuple[Values, Lengths | None, tuple[str, ...]]
"""inputs (n, *sample shape), frames (n,) of sequences, labels of the first head"""


def fresh_samples(before: Locate, now: Locate) -> Iterator[Batch]:
    """Yields the samples of now that are in no split of before, whatever split they are in, a few hundred at a time.

    Args:
        before: where the files of the earlier version lie.
        now: where those of today's lie.
    """
    there = {
        digest_of(sample)
        for shard in _shards(before)
        for inputs, lengths, _ in _blocks(before, shard)
        for sample in _cut(inputs, lengths)
    }
    classes = np.array(card_of(now).classes, dtype=np.object_)
    for shard in _shards(now):
        for inputs, lengths, labels in _blocks(now, shard):
            fresh = np.array([digest_of(sample) not in there for sample in _cut(inputs, lengths)])
            if fresh.any():
                yield inputs[fresh], None if lengths is None else lengths[fresh], tuple(classes[labels[fresh]])


def _shards(locate: Locate) -> Iterator[Shard]:
    for split in card_of(locate).splits.values():
        yield from split.shards


def _blocks(locate: Locate, shard: Shard) -> Iterator[tuple[Values, Lengths | None, NDArray[np.int64]]]:
    inputs = np.load(locate(shard.inputs.name), mmap_mode="r")
    labels = np.load(locate(shard.labels.name))
    lengths = np.load(locate(shard.lengths.name)).astype(np.int64) if shard.lengths else None
    first = labels if labels.ndim == 1 else labels[:, 0]
    for start in range(0, shard.samples, AT_A_TIME):
        rows = slice(start, start + AT_A_TIME)
        yield np.asarray(inputs[rows]), None if lengths is None else lengths[rows], first[rows]


def _cut(inputs: Values, lengths: Lengths | None) -> Iterator[Values]:
    """Yields samples without padding: that depends on the longest of them all."""
    for row, sample in enumerate(inputs):
        yield sample if lengths is None else sample[: lengths[row]]
