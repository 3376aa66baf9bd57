"""Prepared arrays: `.npy` shards, written in place row by row, so that memory stays flat."""

from math import prod
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from tasks.contracts.records import DataFile, InputSpec, Shard
from tasks.core.files import sha256_of
from tasks.data.readers.samples import Values

# Little-endian whatever the machine, so that the bytes are the same.
DTYPES = {"uint8": "|u1", "float32": "<f4"}
MEGABYTE = 1_000_000


class ShardWriter:
    """The shards of one split: labels and lengths are known beforehand, inputs come one by one in any order."""

    def __init__(self, folder: Path, split: str, spec: InputSpec, megabytes: int, rows: int) -> None:
        sample = prod(spec.shape) * np.dtype(spec.dtype).itemsize
        self._per_shard = max(1, megabytes * MEGABYTE // sample)
        self._folder, self._split, self._spec, self._rows = folder, split, spec, rows
        self._sample = sample
        self._open: tuple[int, IO[bytes], int] | None = None
        for number in self._numbers:
            open_memmap(self._path(number, "inputs"), "w+", DTYPES[spec.dtype], (self._size(number), *spec.shape))

    def write_labels(self, labels: NDArray[np.int64], lengths: NDArray[np.int32]) -> None:
        """Writes a label per sample and, for sequences, its number of frames."""
        for number in self._numbers:
            rows = slice(number * self._per_shard, (number + 1) * self._per_shard)
            np.save(self._path(number, "labels"), labels[rows].astype("<i8"))
            if self._spec.layout == "sequence":
                np.save(self._path(number, "lengths"), lengths[rows].astype("<i4"))

    def write(self, row: int, values: Values) -> None:
        """Writes the values of one sample; a sequence is padded with the zeros that are there already."""
        number, within = divmod(row, self._per_shard)
        if self._open is None or self._open[0] != number:
            self._open_shard(number)
        assert self._open is not None, "opened just now"
        _, stream, start = self._open
        stream.seek(start + within * self._sample)
        stream.write(values.astype(DTYPES[self._spec.dtype], copy=False).tobytes())

    def _open_shard(self, number: int) -> None:
        """Opens a shard as a file: pages of a map that was written to would count as memory until they are on disk."""
        self._close_shard()
        path = self._path(number, "inputs")
        start = np.load(path, mmap_mode="r").offset
        self._open = number, path.open("r+b"), start

    def _close_shard(self) -> None:
        if self._open is not None:
            self._open[1].close()
        self._open = None

    def close(self) -> tuple[Shard, ...]:
        """Flushes and returns the shards with their digests."""
        self._close_shard()
        return tuple(self._shard(number) for number in self._numbers)

    @property
    def _numbers(self) -> range:
        return range(-(-self._rows // self._per_shard))

    def _size(self, number: int) -> int:
        return min(self._per_shard, self._rows - number * self._per_shard)

    def _path(self, number: int, what: str) -> Path:
        return self._folder / f"{self._split}-{number:05d}.{what}.npy"

    def _shard(self, number: int) -> Shard:
        lengths = self._path(number, "lengths")
        return Shard(
            samples=self._size(number),
            inputs=file_record(self._path(number, "inputs")),
            labels=file_record(self._path(number, "labels")),
            lengths=file_record(lengths) if self._spec.layout == "sequence" else None,
        )


def file_record(path: Path) -> DataFile:
    """Returns the name, digest and size of a prepared file."""
    return DataFile(name=path.name, sha256=sha256_of(path), size=path.stat().st_size)
