import numpy as np
import pytest
import torch

from tasks.training.batches import Share, shuffled_batches, steps_per_epoch
from tasks.training.network import PreparedData

CPU = torch.device("cpu")


def test_each_batch_has_its_share_of_samples_without_targets_behind_the_others(few_labels: PreparedData) -> None:
    split = few_labels.mixed(0.75).splits.train
    batches = [*shuffled_batches(split, 16, 0, 1, CPU)]
    assert len(batches) == steps_per_epoch(split.epoch_samples(16), 16) == 8, "of 120 samples, the last batch filled"
    for batch in batches:
        assert (len(batch), batch.labelled, len(batch.targets["label"])) == (16, 4, 4)
        assert (batch.rows[:4] < 60).all()
        assert (batch.rows[4:] >= 60).all()
    seen = np.concatenate([batch.rows[4:] for batch in batches])
    assert {*seen.tolist()} == {*range(60, 120)}, "all of them in one epoch, some twice"


def test_targets_are_those_of_the_samples_that_have_any(few_labels: PreparedData) -> None:
    plain, mixed = few_labels.splits.train, few_labels.mixed(0.5).splits.train
    rows = np.array([100, 3, 61, 17, 3, 119])
    found = mixed.gather(rows)
    np.testing.assert_array_equal(found.labelled, rows < 60)
    np.testing.assert_array_equal(found.targets["label"], plain.gather(rows[rows < 60]).targets["label"])
    np.testing.assert_array_equal(found.inputs["inputs"][1], plain.gather(rows[1:2]).inputs["inputs"][0])
    assert len(mixed.gather(np.array([100, 101])).targets) == 0


def test_without_a_share_as_many_steps_are_taken_on_targets_alone(few_labels: PreparedData) -> None:
    mixed, alone = (few_labels.mixed(share).splits.train for share in (0.5, 0.0))
    batches = [*shuffled_batches(alone, 16, 0, 1, CPU)]
    assert len(batches) == len([*shuffled_batches(mixed, 16, 0, 1, CPU)])
    assert all(batch.labelled == len(batch) for batch in batches)
    assert max(np.bincount(np.concatenate([batch.rows for batch in batches]))) <= 3


@pytest.mark.parametrize("skip", [0, 3])
def test_processes_share_both_kinds_of_samples(few_labels: PreparedData, skip: int) -> None:
    split = few_labels.mixed(0.5).splits.train
    whole = [*shuffled_batches(split, 16, 0, 2, CPU, share=Share(0, 2))]
    others = [*shuffled_batches(split, 16, 0, 2, CPU, skip=skip, share=Share(1, 2))]
    assert {batch.labelled for batch in (*whole, *others)} == {4}
    assert len(others) == len(whole) - skip
    assert not {*whole[skip].rows[:4].tolist()} & {*others[0].rows[:4].tolist()}


def test_data_that_is_labelled_throughout_is_not_mixed(image_data: PreparedData) -> None:
    assert image_data.mixed(0.5) is image_data
