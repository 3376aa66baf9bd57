from pathlib import Path

import numpy as np

from tasks.compress.context import choose_rows
from tasks.compress.quantization.calibration import CalibrationSamples
from tasks.training.arrays import open_split


def test_rare_classes_are_among_the_calibration_samples() -> None:
    labels = np.array([0] * 1000 + [1] * 3 + [2] * 500)
    rows = choose_rows(labels, 30, seed=1)
    assert np.bincount(labels[rows]).tolist() == [14, 3, 13]
    assert len(set(rows.tolist())) == 30


def test_equal_seeds_choose_equal_rows_and_others_do_not() -> None:
    labels = np.arange(300) % 3
    assert choose_rows(labels, 30, seed=1).tolist() == choose_rows(labels, 30, seed=1).tolist()
    assert choose_rows(labels, 30, seed=1).tolist() != choose_rows(labels, 30, seed=2).tolist()


def test_all_samples_are_taken_when_there_are_fewer_than_asked() -> None:
    assert choose_rows(np.array([1, 0, 1]), 256, seed=0).tolist() == [0, 1, 2]


def test_samples_come_raw_and_one_by_one(tiny_sequences: Path) -> None:
    reader = CalibrationSamples(open_split(tiny_sequences, "train"), np.arange(5), ["inputs", "lengths"])
    feeds = list(iter(reader.get_next, None))
    assert len(feeds) == 5
    assert all(feed["inputs"].shape == (1, 9, 3) and feed["lengths"].shape == (1,) for feed in feeds)


def test_lengths_are_left_out_where_the_graph_has_none(tiny_sequences: Path) -> None:
    feed = CalibrationSamples(open_split(tiny_sequences, "train"), np.arange(5), ["inputs"]).get_next()
    assert feed is not None
    assert list(feed) == ["inputs"]


def test_calibration_rows_come_from_the_classes_of_the_first_head_in_turn(tiny_heads: Path) -> None:
    labels = open_split(tiny_heads, "train").groups()
    assert np.bincount(labels[choose_rows(labels, 9, seed=0)]).tolist() == [3, 3, 3]
