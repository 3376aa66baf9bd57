"""Prepared data as a person would write it down: sample by sample."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from tasks.contracts.records import DatasetCard


@dataclass(frozen=True)
class PreparedSamples:
    """The card, and the id of each sample -> its values and its label."""

    card: DatasetCard
    values: dict[str, tuple[list[np.float32], str]]


def read_prepared(folder: Path) -> PreparedSamples:
    """Reads all splits."""
    card = DatasetCard.model_validate_json((folder / "dataset.json").read_text())
    found = {}
    for split in card.splits.values():
        ids = pq.read_table(folder / split.table.name)["id"].to_pylist()
        inputs = np.concatenate([np.load(folder / shard.inputs["inputs"].name) for shard in split.shards])
        labels = np.concatenate([np.load(folder / shard.targets["label"].name) for shard in split.shards])
        for name, values, label in zip(ids, inputs, labels, strict=True):
            found[name] = (list(values), card.targets.names[label])
    return PreparedSamples(card, found)
