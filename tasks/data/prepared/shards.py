"""Prepared arrays: `.npy` shards, written in place row by row, so that memory stays flat."""

from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from tasks.contracts.records import DataFile, InputSpec, Shard
from tasks.contracts.targets import Column, Targets
from tasks.core.files import sha256_of
from tasks.data.readers.samples import Values
from tasks.kinds.contract import Arrays
from tasks.layouts import INPUTS, find_layout

MEGABYTE = 1_000_000
Rows = NDArray[np.int64]


class ShardWriter:
    """The shards of one split: its samples come one by one, in any order."""

    def __init__(
        self, folder: Path, split: str, spec: InputSpec, columns: Sequence[Column], megabytes: int, rows: int
    ) -> None:
        per_shard = max(1, megabytes * MEGABYTE // (prod(spec.shape) * np.dtype(spec.dtype).itemsize))
        self._folder, self._split = folder, split
        self._sizes = [min(per_shard, rows - start) for start in range(0, rows, per_shard)]
        self._inputs = {INPUTS: _Fixed(self._paths(INPUTS), self._sizes, spec.dtype, spec.shape)}
        self._form = find_layout(spec.layout)
        for name in self._form.further:
            self._inputs[name] = _Fixed(self._paths(name), self._sizes, "int32", ())
        self._fixed = {
            column.name: _Fixed(self._paths(f"targets.{column.name}"), self._sizes, column.dtype, column.shape)
            for column in columns
            if not column.ragged
        }
        self._ragged = {
            column.name: _Ragged(self._paths(f"targets.{column.name}"), self._paths(f"offsets.{column.name}"), column)
            for column in columns
            if column.ragged
        }

    def write(self, row: int, values: Values, targets: Arrays) -> None:
        """Writes one sample; a short one is padded with the zeros that are there already."""
        for name, one in self._form.full(values[np.newaxis]).items():
            self._inputs[name].write(row, one[0])
        for name, value in targets.items():
            (self._fixed.get(name) or self._ragged[name]).write(row, np.asarray(value))

    def close(self) -> tuple[Shard, ...]:
        """Flushes and returns the shards with their digests."""
        inputs = {name: writer.close() for name, writer in self._inputs.items()}
        targets = {name: writer.close() for name, writer in self._fixed.items()}
        ragged = {name: writer.close(self._sizes) for name, writer in self._ragged.items()}
        return tuple(
            Shard(
                samples=size,
                inputs={name: files[number] for name, files in inputs.items()},
                targets={name: files[number] for name, files in targets.items()}
                | {name: values[number] for name, (values, _) in ragged.items()},
                offsets={name: offsets[number] for name, (_, offsets) in ragged.items()},
            )
            for number, size in enumerate(self._sizes)
        )

    def _paths(self, what: str) -> list[Path]:
        return [self._folder / f"{self._split}-{number:05d}.{what}.npy" for number in range(len(self._sizes))]


class _Fixed:
    """Arrays of one shape per sample, a file per shard."""

    def __init__(self, paths: Sequence[Path], sizes: Sequence[int], dtype: str, shape: tuple[int, ...]) -> None:
        self._paths, self._per_shard, self._dtype = paths, max(sizes, default=1), _little(dtype)
        self._size = prod(shape) * self._dtype.itemsize
        self._open: tuple[int, IO[bytes], int] | None = None
        for path, size in zip(paths, sizes, strict=True):
            open_memmap(path, "w+", self._dtype, (size, *shape))

    def write(self, row: int, values: NDArray[Any]) -> None:
        number, within = divmod(row, self._per_shard)
        if self._open is None or self._open[0] != number:
            self._open_shard(number)
        assert self._open is not None, "opened just now"
        _, stream, start = self._open
        stream.seek(start + within * self._size)
        stream.write(values.astype(self._dtype, copy=False).tobytes())

    def _open_shard(self, number: int) -> None:
        """Opens a shard as a file: pages of a map that was written to would count as memory until they are on disk."""
        self._close_shard()
        start = np.load(self._paths[number], mmap_mode="r").offset
        self._open = number, self._paths[number].open("r+b"), start

    def _close_shard(self) -> None:
        if self._open is not None:
            self._open[1].close()
        self._open = None

    def close(self) -> list[DataFile]:
        self._close_shard()
        return [file_record(path) for path in self._paths]


class _Ragged:
    """Any number of rows per sample. They are put one behind the other as they come, and sorted when all are there."""

    def __init__(self, paths: Sequence[Path], offsets: Sequence[Path], column: Column) -> None:
        self._paths, self._offsets, self._shape, self._dtype = paths, offsets, column.shape, _little(column.dtype)
        self._spool = paths[0].with_suffix(".spool")
        self._stream = self._spool.open("wb")
        self._order: list[int] = []
        self._ends = [0]

    def write(self, row: int, values: NDArray[Any]) -> None:
        self._order.append(row)
        self._ends.append(self._ends[-1] + len(values))
        self._stream.write(values.astype(self._dtype, copy=False).tobytes())

    def close(self, sizes: Sequence[int]) -> tuple[list[DataFile], list[DataFile]]:
        """Returns the files of values and of offsets."""
        self._stream.close()
        spooled = Targets({"": self._values()}, {"": np.array(self._ends, dtype=np.int64)})
        places = np.argsort(self._order)
        start = 0
        for path, offsets, size in zip(self._paths, self._offsets, sizes, strict=True):
            shard = spooled.take(places[start : start + size])
            np.save(path, shard[""])
            np.save(offsets, shard.offsets("").astype("<i8"))
            start += size
        self._spool.unlink()
        return [file_record(path) for path in self._paths], [file_record(path) for path in self._offsets]

    def _values(self) -> NDArray[Any]:
        shape = (self._ends[-1], *self._shape)
        if self._ends[-1] == 0:
            return np.empty(shape, self._dtype)  # an empty file cannot be mapped
        return np.memmap(self._spool, self._dtype, "r", shape=shape)


def _little(dtype: str) -> np.dtype[Any]:
    """Returns the type in little-endian order whatever the machine, so that the bytes are the same."""
    return np.dtype(dtype).newbyteorder("<")


def file_record(path: Path) -> DataFile:
    """Returns the name, digest and size of a prepared file."""
    return DataFile(name=path.name, sha256=sha256_of(path), size=path.stat().st_size)
