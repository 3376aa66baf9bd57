"""Soft labels from disk: the teacher answers once per view of the training split, for this run and every later one.

A view's folder is named by the digest of what decides the logits: the teacher's weights and architecture, the data,
the augmentation and its seed, the view, and how they are kept. So a retrained teacher or changed data never meets old
soft labels. That they are this teacher's is checked against the live one at every run all the same.
"""

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock
from torch import Tensor, nn

from tasks.core.errors import IntegrityError
from tasks.core.progress import Advance, silent
from tasks.distill.soft_labels.packing import packing_of
from tasks.distill.soft_labels.source import Per, Remembered, SoftLabelReport, teacher_logits
from tasks.distill.soft_labels.stored import StoredView, broken, folder_of, open_view, write_view
from tasks.training.arrays import Arrays, SplitArrays
from tasks.training.augment import Augmenter
from tasks.training.batches import Batch
from tasks.training.seeds import generator

LEAST_COSINE = 0.9999
CHECKED, CHECKED_LATER = 64, 8
"""samples that are compared with the live teacher, at the first view of a run and at each further one"""
NEGLIGIBLE = 1e-5
"""difference of logits that no direction is read into: near zero float16 has few digits"""
NOTE = "soft labels"


@dataclass(frozen=True)
class SoftLabelKey:
    """What the soft labels are of: digests of the teacher and the data, and how much is kept (`top` logits, or all)."""

    teacher: str
    data: str
    per: Per = "sequence"
    top: int | None = None

    def of_view(self, augmenter: Augmenter | None, view: int) -> dict[str, Any]:
        """Returns the key of one view, as JSON."""
        augmentation = augmenter.key if augmenter else "none"
        kept = {"per": self.per, "top": self.top or "all"}
        return {"teacher": self.teacher, "data": self.data, "augmentation": augmentation, "view": view, **kept}


class CachedSoftLabels(Remembered):
    """Soft labels that are computed the first time a view is asked for, and mapped from disk ever after.

    Args:
        network: the teacher.
        outputs: its number of logits.
        key: what decides them, but for the augmentation.
        train: the training split, which the rows of batches are of.
        store: the folder that every run on this machine shares.
        augmenter: the one that the batches come from, if any.
        advance: told how far a view is that must be computed.
    """

    by_chunk = True

    def __init__(
        self,
        network: nn.Module,
        outputs: int,
        key: SoftLabelKey,
        train: SplitArrays,
        store: Path,
        augmenter: Augmenter | None = None,
        advance: Advance = silent,
    ) -> None:
        super().__init__()
        self.network, self.key, self.train, self.store = network, key, train, store
        self.augmenter, self.advance = augmenter, advance
        self.packing = packing_of(outputs, key.top)
        self.shape = (len(train),) if key.per == "sequence" else (len(train), train.sample_shape[0])
        self._open: tuple[int, StoredView] | None = None
        self._checked: set[int] = set()
        self._report = SoftLabelReport("cached")

    @property
    def reports(self) -> tuple[SoftLabelReport, ...]:
        """What was reused, what was computed, and what it cost."""
        return (self._report,)

    def ask(self, batch: Batch) -> Tensor:
        """Returns the logits of the whole chunk of a batch.

        Raises:
            IntegrityError: what is stored is cut short, or is not what this teacher says.
            StageError: the teacher's logits are not finite, or too large for float16.
        """
        return self.view(batch.chunk.view).at(batch.chunk.rows, batch.labels.device)

    def view(self, number: int) -> StoredView:
        """Returns one view, computed now if no run has done so before; raises as `ask`."""
        if self._open is None or self._open[0] != number:
            self._open = number, self._ready(number)
        return self._open[1]

    def _ready(self, number: int) -> StoredView:
        key = self.key.of_view(self.augmenter, number)
        folder = folder_of(self.store, key)
        seconds = None if folder.is_dir() else self._compute(number, key, folder)
        view = open_view(folder, key, self.packing, self.shape)
        if number not in self._checked:
            self._check(number, view)
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
            write_view(folder, key, self.packing, self.shape, self._said(number))
            return time.perf_counter() - started

    def _said(self, number: int) -> Iterator[Tensor]:
        """Yields what the teacher says of the split, in its order."""
        done = 0
        for arrays in self.train.batches():
            yield self._live(arrays, number)
            done += len(arrays)
            self.advance(done, len(self.train), NOTE if self.augmenter is None else f"{NOTE}, view {number + 1}")

    def _live(self, arrays: Arrays, number: int) -> Tensor:
        if self.augmenter:
            arrays = self.augmenter.apply(arrays, number)
        device = next((parameter.device for parameter in self.network.parameters()), torch.device("cpu"))
        return teacher_logits(self.network, Batch.of(arrays, device), self.key.per)

    def _check(self, number: int, view: StoredView) -> None:
        """Compares a sample with what the teacher says now: an old or shuffled cache must stop the run."""
        count = CHECKED_LATER if self._checked else CHECKED
        rows = generator(len(self.train), number).permutation(len(self.train))[:count]
        live = self._live(self.train.gather(rows), number)
        lowest = least_cosine(*self.packing.compared(live, view.rows(rows)))
        if not lowest >= LEAST_COSINE:
            expected = f"soft labels with a cosine of at least {LEAST_COSINE} to the live teacher's"
            raise IntegrityError(broken(view.folder / next(iter(view.arrays)), expected, f"{lowest:.6f}"))

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


def least_cosine(ones: Tensor, others: Tensor) -> float:
    """Returns the lowest cosine between rows (n, ...) of both; 1 where they hardly differ."""
    first, second = (values.flatten(1).double().numpy() for values in (ones, others))
    norms = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    cosine = (first * second).sum(axis=1) / np.maximum(norms, 1e-30)
    cosine[np.abs(first - second).max(axis=1) <= NEGLIGIBLE] = 1.0
    return float(cosine.min())
