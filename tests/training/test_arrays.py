from pathlib import Path

import numpy as np

from tasks.training.arrays import in_turn, open_split


def test_labels_of_several_heads_stay_together_whatever_the_order(tiny_heads: Path) -> None:
    train = open_split(tiny_heads, "train")
    assert len(train.shards) == 2
    targets = train.targets()
    assert (list(targets.columns), len(targets)) == (["label", "half"], 120)
    rows = np.array([119, 0, 60, 59, 0], dtype=np.int64)
    for name, labels in train.gather(rows).targets.columns.items():
        np.testing.assert_array_equal(labels, targets[name][rows])
    np.testing.assert_array_equal(train.groups(), targets["label"])


def test_a_few_samples_that_stand_for_all_come_from_all_groups_in_turn() -> None:
    groups = np.array([2, 2, 2, 2, 0, 0, 1, 2, 2, 2, 2])
    rows = in_turn(groups, 6)
    assert groups[rows].tolist() == [0, 1, 2, 0, 2, 2]
    assert len(set(rows.tolist())) == 6
    assert sorted(in_turn(np.array([1, 1, 0]), 8).tolist()) == [0, 1, 2]
