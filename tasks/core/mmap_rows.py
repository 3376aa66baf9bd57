"""Rows of a memory-mapped `.npy` file; pages that were read can be released."""

import mmap
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


class MmapRows:
    """An array on disk. Pages that were read belong to the process until `release`, though they are the system's cache.

    Raises:
        OSError, ValueError, EOFError: it is no `.npy` file, or one that breaks off.
    """

    def __init__(self, path: Path) -> None:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
        self.offset = int(found.offset)
        with path.open("rb") as stream:
            self._pages = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        self.array: NDArray[Any] = np.ndarray(found.shape, found.dtype, self._pages, self.offset)

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Returns a copy of the rows, in the order they are asked for."""
        copied: NDArray[Any] = self.array[rows]
        return copied

    def release(self) -> None:
        """Takes the pages out of this process; the next row comes from the system's cache, or is read again."""
        if hasattr(mmap, "MADV_DONTNEED"):  # everywhere but on Windows
            self._pages.madvise(mmap.MADV_DONTNEED)
