"""A teacher that is a table: its answers to the samples of the data, looked up by the content of a sample."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save
from torch import Tensor

from params.teacher import AnswerTable
from tasks.contracts.records import DataSpec
from tasks.core.errors import IntegrityError, StageError, mismatch
from tasks.core.files import whole_file
from tasks.distill.teachers.samples import DIGEST_BYTES, keys_of
from tasks.distill.teachers.teacher_kind import Answerer
from tasks.kinds.contract import Tensors

KEYS = "keys"
FILE = "answers.safetensors"


class StoredAnswers(Answerer):
    """Outputs by the digest of a sample's content."""

    only_stored = True

    def __init__(self, spec: DataSpec, keys: Sequence[bytes], outputs: Mapping[str, NDArray[np.float32]]) -> None:
        super().__init__(spec)
        self.rows = {key: row for row, key in enumerate(keys)}
        self.outputs = dict(outputs)

    def ask(self, inputs: Tensors) -> dict[str, Tensor]:
        """Returns what is on record for each sample.

        Raises:
            StageError: there is no answer to one of them.
        """
        device = next(iter(inputs.values())).device
        keys = keys_of({name: values.cpu().numpy() for name, values in inputs.items()})
        rows = [self.rows.get(key, -1) for key in keys]
        if min(rows) < 0:
            do = "run the recipe again: the teacher is asked about all samples first"
            got = f"{rows.count(-1)} of {len(rows)} without one"
            raise StageError(mismatch("teacher", "answers", "an answer to every sample", got, do))
        return {name: torch.from_numpy(values[rows]).to(device) for name, values in self.outputs.items()}


def write_table(path: Path, keys: Sequence[bytes], outputs: Tensors) -> None:
    """Writes outputs (n, ...) by name with the keys of their samples; equal answers give equal bytes."""
    order = sorted(range(len(keys)), key=keys.__getitem__)
    arrays = {name: values.cpu().numpy().astype(np.float32)[order] for name, values in outputs.items()}
    keyed = np.frombuffer(b"".join(keys[row] for row in order), np.uint8).reshape(-1, DIGEST_BYTES)
    with whole_file(path) as temporary:
        temporary.write_bytes(save({KEYS: keyed, **arrays}))


def load(_built: AnswerTable, path: Path, spec: DataSpec) -> StoredAnswers:
    """Opens a table.

    Raises:
        IntegrityError: it is no table any more.
    """
    try:
        arrays = load_arrays(path.read_bytes())
        keys = [row.tobytes() for row in arrays.pop(KEYS)]
    except (SafetensorError, KeyError, ValueError) as error:
        raise IntegrityError(mismatch(str(path), "", "a table of answers", error, "run the recipe again")) from None
    return StoredAnswers(spec, keys, arrays)


def joined_answers(keys: Sequence[bytes], values: NDArray[np.floating]) -> tuple[list[bytes], NDArray[np.float64]]:
    """Returns each key once, with the mean of the values (n, outputs) that samples of equal content were given."""
    places: dict[bytes, int] = {}
    of = np.array([places.setdefault(key, len(places)) for key in keys], dtype=np.int64)
    sums, counts = np.zeros((len(places), values.shape[1])), np.bincount(of, minlength=len(places))
    np.add.at(sums, of, values)
    return [*places], sums / counts[:, None]
