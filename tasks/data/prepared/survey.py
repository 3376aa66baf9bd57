"""The first pass over all samples: what is remembered of each is its name, target, length and digest, never its values.

It is stored column by column: with an object per sample, memory would grow several times as fast with their number.
"""

import hashlib
from array import array
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from params.pipeline import Recipe
from tasks.contracts.records import InputSpec, counted
from tasks.contracts.targets import BadTargetError
from tasks.core.errors import DataError, mismatch
from tasks.data.prepared.quarantine import CORRUPT, Bad, judge, reasons_of
from tasks.data.readers.samples import Reading, Sample, Values
from tasks.kinds.contract import TargetsPart
from tasks.layouts import find_layout

DIGEST = 16
"""bytes of the digest of a sample"""
IDS_AT_A_TIME = 10_000
"""that are texts of their own, before they are packed into one buffer"""
SHARED = 10_000
"""different gists or texts, up to which samples share what is equal: readers make a new one for each sample"""
Rows = NDArray[np.int64]
"""(n,) places in a survey"""
Objects = NDArray[np.object_]


@dataclass(frozen=True)
class Survey:
    """All samples, sorted by id so that the order of reading does not matter, and what one of them looks like."""

    ids: pa.Array
    gists: Objects
    """what the kind of task remembers of each target"""
    columns: Mapping[str, Objects]
    """of the table: those that the kind makes of the targets, and what the reader keeps beside them"""
    parts: Objects
    """of a published split: `train`, `validation` or `test`, else None"""
    lengths: NDArray[np.int32]
    """of the first axis of each sample"""
    contents: NDArray[np.void]
    """(n,) digests of shape and values"""
    places: Rows
    """of all samples in the order in which the reader hands them out; -1 for bad ones"""
    shape: tuple[int, ...]
    """of a sample; without the first axis where that may have any length"""
    bad: tuple[Bad, ...] = ()
    """samples that cannot be used, in no column"""
    lost: tuple[tuple[Any, str], ...] = ()
    """(what is remembered of its target, reason) of each of those whose target is known"""

    @cached_property
    def published(self) -> frozenset[str]:
        """The parts that the source says."""
        return frozenset(part for part in self.parts if part)

    def __len__(self) -> int:
        return len(self.ids)

    def spec(self, reading: Reading) -> InputSpec:
        """Returns what a prepared sample looks like; where lengths differ, it is as long as the longest."""
        form = find_layout(reading.layout)
        shape = (int(self.lengths.max()), *self.shape) if form.ragged else self.shape
        return InputSpec(layout=reading.layout, dtype=form.dtype, shape=shape)


def survey(recipe: Recipe, reading: Reading, kind: TargetsPart) -> Survey:
    """Reads every sample once and checks it.

    Raises:
        DataError: with the first few samples that cannot be read, differ in shape, hold NaN or infinity, or have a
            target that the kind of task cannot use, unless the recipe leaves so many out; or there are none at all.
    """
    taken = _Taken(reading, kind)
    bad = [found for sample in reading.samples() if (found := taken.take(sample))]
    judge(recipe, bad, len(taken.order))
    if not taken.gists:
        reasons = Counter(reading.dropped) + Counter(reasons_of(bad))
        got = f"none; left out: {counted(reasons)}" if reasons else "none"
        raise DataError(mismatch(f"data of {recipe.name}", "", "samples", got, "is `data.source` the right one?"))
    return taken.sorted(bad)


def groups_of(rows: Rows, *columns: NDArray[np.generic] | Objects) -> dict[tuple[Hashable, ...], Rows]:
    """Returns values of the columns -> the rows that have them, both in the order in which they come."""
    members: dict[tuple[Hashable, ...], array[int]] = {}
    for row in rows:
        members.setdefault(tuple(column[row] for column in columns), array("q")).append(row)
    return {values: np.array(some, dtype=np.int64) for values, some in members.items()}


class _Taken:
    """The columns of a survey while they grow."""

    def __init__(self, reading: Reading, kind: TargetsPart) -> None:
        self.reading, self.kind, self.form = reading, kind, find_layout(reading.layout)
        self.shared: dict[Hashable, Hashable] = {}
        self.ids: list[str] = []
        self.packed: list[pa.Array] = []
        self.gists: list[Hashable] = []
        self.columns: dict[str, list[Any]] = {name: [] for name in reading.slices}
        self.parts: list[str | None] = []
        self.lengths = array("i")
        self.contents = bytearray()
        self.lost: list[tuple[Hashable, str]] = []
        self.shape: tuple[int, ...] = ()
        self.order = array("q")
        """of each sample that was read, which of those that were taken it is; -1 for bad ones"""

    def take(self, sample: Sample) -> Bad | None:
        """Takes a sample in, or returns what is wrong with it."""
        gist = self._gist(sample)
        if isinstance(gist, Bad):
            self.order.append(-1)
            self._lose(sample, gist.reason)
            return gist
        self.order.append(len(self.gists))
        self.ids.append(sample.id)
        if len(self.ids) == IDS_AT_A_TIME:
            self._pack()
        self.gists.append(self._share(gist))
        for name, text in zip(self.reading.slices, sample.slices, strict=True):
            self.columns[name].append(self._share(text))
        self.parts.append(sample.part)
        self.lengths.append(len(sample.values))
        self.contents += digest_of(sample.values)
        return None

    def _gist(self, sample: Sample) -> Hashable | Bad:
        """Returns what is remembered of a target, or what is wrong with the sample."""
        if problem := sample.problem or self._problem(sample.values):
            return Bad(sample.id, CORRUPT, problem)
        try:
            return self.kind.gist(sample.target, self.reading.declared)
        except BadTargetError as bad:
            return Bad(sample.id, bad.reason, str(bad))

    def _lose(self, sample: Sample, reason: str) -> None:
        """Remembers what a bad sample would have been, where it tells: all samples of a group may be bad."""
        with suppress(BadTargetError):
            if sample.target:
                self.lost.append((self._share(self.kind.gist(sample.target, self.reading.declared)), reason))

    def _share(self, value: Hashable) -> Hashable:
        return self.shared.setdefault(value, value) if len(self.shared) < SHARED else self.shared.get(value, value)

    def _pack(self) -> None:
        self.packed.append(pa.array(self.ids, pa.string()))
        self.ids.clear()

    def _problem(self, values: Values) -> str:
        """Returns what is wrong with the values of a sample; the first one decides which shape the others must have."""
        if values.dtype != self.form.dtype:
            return f"expected {self.form.dtype} values, got {values.dtype}"
        shape = values.shape[self.form.ragged :]
        self.shape = self.shape or shape
        if shape != self.shape or values.size == 0:
            return f"expected shape {self.shape} like the first sample, got {shape}"
        fine = np.isfinite(values) if self.reading.fit is None else ~np.isinf(values)
        bad = int(values.size - fine.sum())
        return f"expected finite numbers, got {bad} of {values.size} that are NaN or infinite" if bad else ""

    def sorted(self, bad: Iterable[Bad]) -> Survey:
        """Returns the columns in the order of ids, and the bad samples beside them."""
        self._pack()
        ids = pa.concat_arrays(self.packed)
        order = pc.sort_indices(ids).to_numpy()
        rank = np.empty(len(order) + 1, dtype=np.int64)
        rank[order], rank[-1] = np.arange(len(order)), -1
        columns = {**self.kind.table(self.gists, self.reading.declared), **self.columns}
        return Survey(
            ids=ids.take(pa.array(order)),
            gists=_objects(self.gists)[order],
            columns={name: _objects(values)[order] for name, values in columns.items()},
            parts=_objects(self.parts)[order],
            lengths=np.array(self.lengths, dtype=np.int32)[order],
            contents=np.frombuffer(self.contents, dtype=f"V{DIGEST}")[order],
            places=rank[np.array(self.order, dtype=np.int64)],
            shape=self.shape,
            bad=tuple(bad),
            lost=tuple(self.lost),
        )


def _objects(values: Sequence[Any]) -> Objects:
    # Not `np.array`: that makes a second axis of tuples.
    return np.fromiter(values, dtype=np.object_, count=len(values))


def digest_of(values: Values) -> bytes:
    """Returns what equal samples have in common: a digest of shape and values."""
    content = hashlib.sha256(repr(values.shape).encode())
    content.update(np.ascontiguousarray(values).data)
    return content.digest()[:DIGEST]
