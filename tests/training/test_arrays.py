from pathlib import Path

import numpy as np

from tasks.compress.file_passes.calibrate import Samples
from tasks.training.arrays import open_split


def test_labels_of_several_heads_stay_together_whatever_the_order(tiny_heads: Path) -> None:
    train = open_split(tiny_heads, "train")
    assert len(train.shards) == 2
    labels = train.labels()
    assert labels.shape == (120, 2)
    rows = np.array([119, 0, 60, 59, 0], dtype=np.int64)
    np.testing.assert_array_equal(train.gather(rows).labels, labels[rows])
    np.testing.assert_array_equal(train.first_labels(), labels[:, 0])


def test_samples_for_the_quantiser_come_from_the_classes_of_the_first_head_in_turn(tiny_heads: Path) -> None:
    train = open_split(tiny_heads, "train")
    samples = Samples(train, 9, seed=0, names=["inputs"])
    taken = [feed["inputs"] for feed in iter(samples.get_next, None)]
    inputs = train.gather(np.arange(len(train))).inputs
    rows = [int(np.flatnonzero((inputs == one).all(axis=(1, 2, 3)))[0]) for one in taken]
    assert np.bincount(train.first_labels()[rows]).tolist() == [3, 3, 3]
