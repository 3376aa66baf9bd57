"""Noise that was recorded: the clips of one split that have a label such as `silence`."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from params.readers import LABEL
from tasks.contracts.records import DatasetCard
from tasks.core.errors import RecipeError, mismatch
from tasks.layouts import INPUTS
from tasks.training.arrays import SplitArrays

Clips = NDArray[np.float32]
MOST = 512
"""clips that are held in memory, evenly spread"""
QUIET = 1e-6
"""standard deviation below which a clip is no noise to be made louder"""


def noise_clips(directory: Path, card: DatasetCard, split: str, label: str, field: str) -> Clips:
    """Returns (clips, samples) of mean square 1 with this label; at most 512 of them.

    No other split is looked at, so that noise that a model has learned with never judges it.

    Raises:
        RecipeError: no clip of the split that is not all silent has the label; `field` is where the recipe names it.
    """
    table = pq.read_table(directory / card.splits[split].table.name)
    labels = table[LABEL].to_pylist() if LABEL in table.column_names else []
    rows = np.flatnonzero(np.array([str(one) == label for one in labels], dtype=bool))
    if len(rows) > MOST:
        rows = rows[np.linspace(0, len(rows) - 1, MOST).astype(np.int64)]
    if len(rows):
        clips = SplitArrays(directory, card, split).gather(rows).inputs[INPUTS].astype(np.float32)
        loudness = np.sqrt(np.square(clips, dtype=np.float64).mean(axis=1))
        if (loud := loudness > QUIET).any():
            return np.asarray(clips[loud] / loudness[loud, None], dtype=np.float32)
    expected = f"a label of {split} clips that are not all silent, one of {', '.join(sorted({*map(str, labels)}))}"
    do = "name one that is there, or none for noise that is made"
    raise RecipeError([mismatch("recipe", field, expected, label, do)])
