"""The samples of prepared data as a teacher is asked about them: inputs, and the id by which a person knows each."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tasks.training.arrays import SplitArrays
from tasks.training.network import PreparedData

ID = "id"
DIGEST_BYTES = 16


@dataclass(frozen=True)
class AskedSamples:
    """Some samples: their ids, their keys, which are digests of their content, and their inputs by name."""

    ids: Sequence[str]
    keys: Sequence[bytes]
    inputs: Mapping[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: Sequence[int]) -> "AskedSamples":
        """Returns some of them."""
        inputs = {name: values[list(rows)] for name, values in self.inputs.items()}
        return AskedSamples([self.ids[row] for row in rows], [self.keys[row] for row in rows], inputs)


def samples_of(data: PreparedData, splits: Sequence[str]) -> Iterator[AskedSamples]:
    """Yields the samples of those of the splits that are there batch by batch, labelled or not."""
    for split in (split for split in splits if split in data.card.splits):
        arrays = SplitArrays(data.directory, data.card, split)
        table = data.directory / data.card.splits[split].table.name
        ids = [str(one) for one in pq.read_table(table, columns=[ID]).column(ID).to_pylist()]
        for batch in arrays.batches():
            yield AskedSamples([ids[row] for row in batch.rows], keys_of(batch.inputs), batch.inputs)


def keys_of(inputs: Mapping[str, NDArray[Any]]) -> list[bytes]:
    """Returns a digest of each sample's content: equal samples are one to a teacher."""
    named = [np.ascontiguousarray(inputs[name]) for name in sorted(inputs)]
    return [
        hashlib.blake2b(b"".join(values[row].tobytes() for values in named), digest_size=DIGEST_BYTES).digest()
        for row in range(len(named[0]))
    ]
