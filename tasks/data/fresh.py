"""Samples with targets that have come since an earlier data version: those whose content it does not hold."""

from collections.abc import Iterator

import numpy as np

from tasks.contracts.raw_columns import Selection, selection
from tasks.contracts.records import Shard
from tasks.contracts.targets import Targets
from tasks.data.prepared.survey import digest_of
from tasks.data.versions.versions_store import Locate, card_of
from tasks.kinds.contract import Arrays, TargetsPart, part
from tasks.layouts import INPUTS, find_layout

AT_A_TIME = 256
Fresh = tuple[Arrays, Targets]
"""named inputs (n, ...) and targets"""


def fresh_samples(before: Locate, now: Locate) -> Iterator[Fresh]:
    """Yields the samples of now that are in no split of before, whatever split they are in, a few hundred at a time.

    Their inputs and targets are what they would have been then: a network that learned from that data can be measured
    by them.

    Args:
        before: where the files of the earlier version lie.
        now: where those of today's lie.
    """
    then, today = card_of(before), card_of(now)
    as_then = selection(today, then)
    kind, form = part(today.task, "targets", TargetsPart), find_layout(today.input.layout)
    earlier = (inputs for shard in _shards(before) for inputs, _ in _blocks(before, shard))
    today_shards = (shard for shard in _shards(now) if shard.targets)
    # Without padding, which depends on the longest of them all.
    known = {digest_of(sample) for inputs in earlier for sample in form.samples(inputs)}
    for shard in today_shards:
        for given, targets in _blocks(now, shard):
            inputs = selected(given, as_then)
            rows = np.flatnonzero([digest_of(sample) not in known for sample in form.samples(inputs)])
            if len(rows):
                fresh = kind.translated(targets.take(rows), today.targets, then.targets)
                yield {name: values[rows] for name, values in inputs.items()}, fresh


def selected(inputs: Arrays, features: Selection | None) -> Arrays:
    """Returns inputs with other features; as they are where there is no selection."""
    return inputs if features is None else {**inputs, INPUTS: inputs[INPUTS] @ features}


def _shards(locate: Locate) -> Iterator[Shard]:
    for split in card_of(locate).splits.values():
        yield from split.shards


def _blocks(locate: Locate, shard: Shard) -> Iterator[Fresh]:
    inputs = {name: np.load(locate(file.name), mmap_mode="r") for name, file in shard.inputs.items()}
    targets = Targets.mapped(
        {name: locate(file.name) for name, file in shard.targets.items()},
        {name: locate(file.name) for name, file in shard.offsets.items()},
    )
    for start in range(0, shard.samples, AT_A_TIME):
        rows = np.arange(start, min(start + AT_A_TIME, shard.samples))
        yield {name: values[rows] for name, values in inputs.items()}, targets.take(rows)
