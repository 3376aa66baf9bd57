"""Soft labels from disk: the teacher is asked once per view of the training split, for this run and every later one.

A view's folder is named by the digest of what decides the outputs: the teacher's weights and architecture, the data,
the augmentation and its seed, the view, and how they are stored. So a retrained teacher or changed data never meets old
soft labels. That they are this teacher's is checked against the live one at every run all the same.
"""

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock
from numpy.typing import NDArray
from torch import Tensor, nn

from tasks.core.errors import IntegrityError
from tasks.core.progress import Advance, silent
from tasks.distill.soft_labels.packing import Packing, packings_of
from tasks.distill.soft_labels.source import SoftLabelReport, SoftLabelSource, teacher_outputs
from tasks.distill.soft_labels.stored import (
    StoredView,
    broken,
    folder_of,
    open_view,
    require_as_written,
    write_view,
)
from tasks.kinds.contract import LossPart, Per, Tensors
from tasks.training.arrays import Arrays, SplitArrays
from tasks.training.augment import Augmenter
from tasks.training.batches import Batch
from tasks.training.seeds import generator

LEAST_COSINE = 0.9999
CHECKED, CHECKED_LATER = 64, 8
"""samples that are compared with the live teacher, at the first view of a run and at each further one"""
NEGLIGIBLE = 1e-5
"""difference of outputs that no direction is read into: near zero float16 has few digits"""
NOTE = "soft labels"


@dataclass(frozen=True)
class SoftLabelKey:
    """What decides soft labels: digests of the teacher and the data, and how much is stored (`top` values, or all)."""

    teacher: str
    data: str
    per: Per = "sequence"
    top: int | None = None

    def of_view(self, augmenter: Augmenter | None, view: int) -> dict[str, Any]:
        """Returns the key of one view, as JSON."""
        augmentation = augmenter.key if augmenter else "none"
        stored = {"per": self.per, "top": self.top or "all"}
        return {"teacher": self.teacher, "data": self.data, "augmentation": augmentation, "view": view, **stored}


def bytes_per_sample(outputs: Tensors, losses: LossPart, top: int | None) -> int:
    """Returns what one view of one sample takes on disk; `outputs` are a teacher's, for some samples."""
    packings = packings_of(losses.kept(outputs), top)
    files = [file for packing in packings.values() for file in packing.files.values()]
    return sum(prod(shape) * np.dtype(dtype).itemsize for shape, dtype in files)


class CachedSoftLabels(SoftLabelSource):
    """Soft labels that are computed the first time a view is asked for, and mapped from disk ever after.

    Args:
        network: the teacher.
        key: what decides them, but for the augmentation.
        train: the training split, which the rows of batches are of.
        losses: of the kind of task, which knows what of the outputs is kept.
        store: the folder that every run on this machine shares.
        augmenter: the one that the batches come from, if any.
        advance: told how far a view is that must be computed.
        one_view: whether the teacher knows the samples as they are and no others: its answer is that to every view.
    """

    by_chunk = True

    def __init__(
        self,
        network: nn.Module,
        key: SoftLabelKey,
        train: SplitArrays,
        losses: LossPart,
        store: Path,
        augmenter: Augmenter | None = None,
        advance: Advance = silent,
        *,
        one_view: bool = False,
    ) -> None:
        super().__init__()
        self.one_view = one_view
        self.network, self.key, self.train, self.losses, self.store = network, key, train, losses, store
        self.augmenter, self.advance = augmenter, advance
        self._packings: dict[str, Packing] = {}
        self._open: tuple[int, StoredView] | None = None
        self._checked: set[int] = set()
        self._report = SoftLabelReport("cached")

    @property
    def reports(self) -> tuple[SoftLabelReport, ...]:
        """What was reused, what was computed, and what it cost."""
        return (self._report,)

    def ask(self, batch: Batch) -> Tensors:
        """Returns the outputs for the whole chunk of a batch.

        Raises:
            IntegrityError: what is stored is cut short, or is not of this teacher.
            StageError: the teacher's outputs are not finite, or too large for float16.
        """
        device = next(iter(batch.inputs.values())).device
        view = self.view(0 if self.one_view else batch.chunk.view)
        return self.losses.given(view.at(batch.chunk.rows, device))

    def view(self, number: int) -> StoredView:
        """Returns one view, computed now if no run has done so before; raises as `ask`."""
        if self._open is None or self._open[0] != number:
            self._open = number, self._ready(number)
        return self._open[1]

    def _ready(self, number: int) -> StoredView:
        key = self.key.of_view(self.augmenter, number)
        folder = folder_of(self.store, key)
        if number in self._checked:
            return open_view(folder, key, self._packings, len(self.train))
        rows = self._checked_rows(number)
        live = self._live(self.train.gather(rows), number)
        self._packings = packings_of(live, self.key.top)
        seconds = None if folder.is_dir() else self._compute(number, key, folder)
        view = open_view(folder, key, self._packings, len(self.train))
        _require_same(view, rows, live)
        require_as_written(view)
        self._count(view, seconds)
        self._checked.add(number)
        return view

    def _compute(self, number: int, key: dict[str, Any], folder: Path) -> float | None:
        """Writes a view and returns how many seconds it took; None if another process was first."""
        locks = self.store / ".locks"
        locks.mkdir(parents=True, exist_ok=True)
        with FileLock(locks / folder.name):
            if folder.is_dir():
                return None
            for left_by_a_kill in self.store.glob(f".{folder.name}.*"):
                shutil.rmtree(left_by_a_kill)
            started = time.perf_counter()
            write_view(folder, key, self._packings, len(self.train), self._outputs_of_split(number))
            return time.perf_counter() - started

    def _outputs_of_split(self, number: int) -> Iterator[Tensors]:
        """Yields the teacher's outputs for the split, in its order."""
        done = 0
        for arrays in self.train.batches():
            yield self._live(arrays, number)
            done += len(arrays)
            self.advance(done, len(self.train), NOTE if self.augmenter is None else f"{NOTE}, view {number + 1}")

    def _live(self, arrays: Arrays, number: int) -> Tensors:
        if self.augmenter:
            arrays = self.augmenter.apply(arrays, number)
        device = next((parameter.device for parameter in self.network.parameters()), torch.device("cpu"))
        return self.losses.kept(teacher_outputs(self.network, Batch.of(arrays, device), self.key.per))

    def _checked_rows(self, number: int) -> NDArray[np.int64]:
        """Returns the rows of the split that are compared with the live teacher."""
        count = CHECKED_LATER if self._checked else CHECKED
        return generator(len(self.train), number).permutation(len(self.train))[:count]

    def _count(self, view: StoredView, seconds: float | None) -> None:
        report, per_sample = self._report, view.bytes / len(self.train)
        self._report = SoftLabelReport(
            "cached",
            report.reused + (seconds is None),
            report.computed + (seconds is not None),
            report.bytes + view.bytes,
            per_sample,
            report.seconds + (seconds or 0.0),
        )


def _require_same(view: StoredView, rows: NDArray[np.int64], live: Tensors) -> None:
    """Compares rows with the live teacher's, output by output: an old or shuffled cache must stop the run."""
    stored = view.rows(rows)
    for name, packing in view.packings.items():
        lowest = least_cosine(*packing.compared(live[name], stored))
        if not lowest >= LEAST_COSINE:
            expected = f"soft labels with a cosine of at least {LEAST_COSINE} to the live teacher's"
            raise IntegrityError(broken(view.folder / next(iter(packing.files)), expected, f"{lowest:.6f}"))


def least_cosine(ones: Tensor, others: Tensor) -> float:
    """Returns the lowest cosine between rows (n, ...) of both; 1 where they hardly differ."""
    first, second = (values.flatten(1).double().numpy() for values in (ones, others))
    norms = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    cosine = (first * second).sum(axis=1) / np.maximum(norms, 1e-30)
    cosine[np.abs(first - second).max(axis=1) <= NEGLIGIBLE] = 1.0
    return float(cosine.min())
