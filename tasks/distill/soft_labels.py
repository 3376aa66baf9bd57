"""Soft labels: the teacher's logits on the training split, computed once and mapped from disk ever after.

The folder is named by its key, the digest of what decides the logits: the teacher's weights and architecture, and the
data. So a retrained teacher or changed data never meets old soft labels. Logits are stored rather than probabilities,
since every temperature needs them; as float16, whose error (cosine with the live teacher >= 0.9999) is checked at
every run.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from torch import nn

from tasks.errors import IntegrityError, StageError
from tasks.files import whole_folder
from tasks.progress import Advance
from tasks.records import canonical_digest
from tasks.training.arrays import SplitArrays
from tasks.training.predict import BATCH, logits_of, predict_logits
from tasks.training.seeds import generator

LOGITS, KEY = "logits.npy", "key.json"
CHECKED_SAMPLES = 64
LEAST_COSINE = 0.9999
LARGEST_LOGIT = 65_504.0
"""of float16"""


@dataclass(frozen=True)
class SoftLabels:
    """Teacher logits (samples, outputs) as float16, row by row in the order of the training split."""

    logits: NDArray[np.float16]
    reused: bool

    def at(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Returns the teacher's logits (n, outputs) for rows of the training split."""
        return self.logits[rows].astype(np.float32)


def soft_labels_of(
    teacher: nn.Module, key: dict[str, str], train: SplitArrays, outputs: int, store: Path, advance: Advance
) -> SoftLabels:
    """Returns the soft labels for `key`, from `store` if they are there, and checks a sample against the live teacher.

    Raises:
        IntegrityError: what is stored is cut short, or is not what this teacher says.
        StageError: the teacher's logits are not finite or too large for float16.
    """
    folder = store / canonical_digest(key)[:32]
    reused = folder.is_dir()
    if not reused:
        _write(teacher, key, train, outputs, folder, advance)
    labels = SoftLabels(_open(folder, (len(train), outputs)), reused)
    _check(labels, teacher, train, folder)
    return labels


def _write(
    teacher: nn.Module, key: dict[str, str], train: SplitArrays, outputs: int, folder: Path, advance: Advance
) -> None:
    with whole_folder(folder) as temporary:
        stored = open_memmap(temporary / LOGITS, mode="w+", dtype=np.float16, shape=(len(train), outputs))
        done = 0
        for arrays in train.batches(BATCH):
            stored[arrays.rows] = _halved(logits_of(teacher, arrays))
            done += len(arrays)
            advance(done, len(train), "soft labels")
        stored.flush()
        (temporary / KEY).write_text(json.dumps(key, indent=1, sort_keys=True))


def _halved(logits: NDArray[np.float32]) -> NDArray[np.float16]:
    largest = float(np.abs(logits).max())
    if not largest < LARGEST_LOGIT:
        raise StageError(
            f"soft labels: expected the teacher's logits to be finite and below 65,504, got {largest};"
            " train the teacher with a lower `teacher.training.learning_rate`"
        )
    return logits.astype(np.float16)


def _open(folder: Path, shape: tuple[int, int]) -> NDArray[np.float16]:
    path = folder / LOGITS
    try:
        logits: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise IntegrityError(_broken(path, f"a whole array of shape {shape}", str(error))) from None
    if logits.shape != shape:
        raise IntegrityError(_broken(path, f"shape {shape}", f"{logits.shape}"))
    return logits


def _check(labels: SoftLabels, teacher: nn.Module, train: SplitArrays, folder: Path) -> None:
    """Compares a sample with what the teacher says now: an old or shuffled cache must stop the run."""
    rows = generator(len(train)).permutation(len(train))[:CHECKED_SAMPLES]
    live, stored = predict_logits(teacher, train, rows), labels.at(rows)
    norms = np.linalg.norm(live, axis=1) * np.linalg.norm(stored, axis=1)
    # Logits that are all zero have no direction; both being zero is agreement.
    cosine = np.where(norms > 0, (live * stored).sum(axis=1) / np.maximum(norms, 1e-30), 1.0)
    if cosine.min() < LEAST_COSINE:
        expected = f"soft labels with a cosine of at least {LEAST_COSINE} to the live teacher's"
        raise IntegrityError(_broken(folder / LOGITS, expected, f"{cosine.min():.6f}"))


def _broken(path: Path, expected: str, got: str) -> str:
    return f"`{path}`: expected {expected}, got {got}; remove the folder `{path.parent}`, it is made again"
