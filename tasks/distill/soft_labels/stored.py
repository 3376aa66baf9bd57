"""One view of soft labels as a folder: arrays that are mapped and not read, and the key they were made for."""

import json
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.lib.format import write_array_header_1_0
from numpy.typing import NDArray

from tasks.core.errors import IntegrityError, mismatch
from tasks.core.files import sha256_of, whole_folder
from tasks.core.mmap_rows import MmapRows
from tasks.core.record import canonical_digest
from tasks.distill.soft_labels.packing import Files, Packing, Stored
from tasks.kinds.contract import Tensors

KEY, DIGESTS = "key.json", "sha256.json"
Key = Mapping[str, Any]


@dataclass(frozen=True)
class StoredView:
    """A teacher's outputs for the training split, row by row in its order; `packings` by the name of the output."""

    folder: Path
    packings: Mapping[str, Packing]
    arrays: Mapping[str, MmapRows]

    def at(self, rows: NDArray[np.int64], device: torch.device) -> Tensors:
        """Returns the outputs (n, ...) for rows of the split by name, in float32."""
        stored = self.rows(rows)
        return {name: packing.unpacked(stored, device) for name, packing in self.packings.items()}

    def rows(self, rows: NDArray[np.int64]) -> Stored:
        """Returns what is stored of these rows."""
        read = {name: array[rows] for name, array in self.arrays.items()}
        for array in self.arrays.values():
            array.release()
        return read

    @property
    def bytes(self) -> int:
        """Of its arrays."""
        return sum(array.array.nbytes for array in self.arrays.values())


def folder_of(store: Path, key: Key) -> Path:
    """Returns where the view for `key` is, or will be: another key is another folder."""
    return store / canonical_digest(key)[:32]


def write_view(
    folder: Path, key: Key, packings: Mapping[str, Packing], samples: int, batches: Iterable[Tensors]
) -> None:
    """Writes outputs that come in the order of the split, batch by batch; the folder appears when all are written.

    Args:
        folder: of the view.
        key: what it is made for; written last.
        packings: how each output is stored.
        samples: of the split.
        batches: outputs (batch, ...) by name.

    Raises:
        StageError: an output is not finite, or too large for float16.
    """
    with whole_folder(folder) as temporary:
        with ExitStack() as stack:
            # Streams instead of maps: pages of a map that was written to count as memory until they are on disk.
            files = _files(packings)
            streams = {name: stack.enter_context((temporary / name).open("wb")) for name in files}
            for name, (shape, dtype) in files.items():
                header = {"descr": dtype, "fortran_order": False, "shape": (samples, *shape)}
                write_array_header_1_0(streams[name], header)
            for outputs in batches:
                for output, packing in packings.items():
                    for name, array in packing.packed(outputs[output]).items():
                        streams[name].write(array.tobytes())
        (temporary / KEY).write_text(json.dumps(key, indent=1, sort_keys=True))
        digests = {path.name: sha256_of(path) for path in sorted(temporary.iterdir())}
        (temporary / DIGESTS).write_text(json.dumps(digests, indent=1))


def open_view(folder: Path, key: Key, packings: Mapping[str, Packing], samples: int) -> StoredView:
    """Opens a view and checks that it is whole.

    Raises:
        IntegrityError: something is missing, cut short, of another shape or type, or was made for another key.
    """
    if _read_key(folder / KEY) != json.loads(json.dumps(key)):
        raise IntegrityError(broken(folder / KEY, "the key that the folder is named by", "another one"))
    arrays = {
        name: _map(folder / name, (samples, *shape), np.dtype(dtype))
        for name, (shape, dtype) in _files(packings).items()
    }
    return StoredView(folder, packings, arrays)


def damaged_files(folder: Path) -> tuple[str, ...]:
    """Returns the names of the files of a view that are not as they were written; none of one without digests."""
    if not (folder / DIGESTS).is_file():
        return ()  # written before there were any
    try:
        digests: dict[str, str] = json.loads((folder / DIGESTS).read_text())
        wanted = {folder / name: sha256 for name, sha256 in digests.items()}
    except (ValueError, AttributeError):
        return (DIGESTS,)
    return tuple(path.name for path, sha256 in wanted.items() if not path.is_file() or sha256_of(path) != sha256)


def require_as_written(view: StoredView) -> None:
    """Hashes the files of a view.

    Raises:
        IntegrityError: one is not as it was written.
    """
    for name in damaged_files(view.folder):
        raise IntegrityError(broken(view.folder / name, "the bytes that were written", "others"))


def broken(path: Path, expected: str, got: str) -> str:
    """Words what is wrong with a file of a view, and what to do."""
    return mismatch(str(path), "", expected, got, f"remove the folder `{path.parent}`, it is made again")


def _files(packings: Mapping[str, Packing]) -> Files:
    return {name: file for packing in packings.values() for name, file in packing.files.items()}


def _read_key(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        got = "a file that is no JSON" if path.is_file() else "no file"
        raise IntegrityError(broken(path, "the key of the soft labels beside it", got)) from None


def _map(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> MmapRows:
    try:
        mapped = MmapRows(path)
    except (OSError, ValueError, EOFError):  # whose words may advise to read it as a pickle
        got = f"{path.stat().st_size} bytes that are none" if path.is_file() else "no file"
        raise IntegrityError(broken(path, f"a whole array of {dtype} {shape}", got)) from None
    array = mapped.array
    found = (array.shape, array.dtype, path.stat().st_size)
    if found != (shape, dtype, mapped.offset + array.nbytes):
        raise IntegrityError(broken(path, f"{dtype} {shape} and nothing more", "{1} {0} in {2} bytes".format(*found)))
    return mapped
