from pathlib import Path

import numpy as np

from tasks.training.arrays import open_split


def test_labels_of_several_heads_stay_together_whatever_the_order(tiny_heads: Path) -> None:
    train = open_split(tiny_heads, "train")
    assert len(train.shards) == 2
    labels = train.labels()
    assert labels.shape == (120, 2)
    rows = np.array([119, 0, 60, 59, 0], dtype=np.int64)
    np.testing.assert_array_equal(train.gather(rows).labels, labels[rows])
    np.testing.assert_array_equal(train.first_labels(), labels[:, 0])
