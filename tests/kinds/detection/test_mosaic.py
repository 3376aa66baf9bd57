"""Pictures of four: what is on them, where their boxes are, and that a view of them can be made again."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from params.training import Augment, Training
from tasks.distill.soft_labels.cached import CachedSoftLabels, SoftLabelKey
from tasks.distill.soft_labels.source import LiveSoftLabels
from tasks.kinds.contract import PlacedTargets
from tasks.kinds.detection.targets import PART
from tasks.training.arrays import Arrays
from tasks.training.augment import Augmenter
from tasks.training.batches import shuffled_batches
from tasks.training.network import PreparedData, Trained
from tasks.training.pictures.mosaic import Neighbours

MOSAIC: dict[str, Any] = {"kind": "mosaic"}
AFTER: tuple[dict[str, Any], ...] = ({"kind": "flip"}, {"kind": "crop", "smallest": 0.5})
HALF = 16
KIND: PlacedTargets = PART


def made(data: PreparedData, *steps: dict[str, Any], views: int | None = None) -> Augmenter:
    augment = Augment.model_validate({"steps": steps, "views": views})
    found = data.augmenter(Training(epochs=1, augment=augment), 3)
    assert found is not None
    return found


def halved(pictures: NDArray[Any]) -> NDArray[np.uint8]:
    """Returns pictures of which each pixel is the mean of four, rounded."""
    count, channels, height, width = pictures.shape
    blocks = pictures.reshape(count, channels, height // 2, 2, width // 2, 2).astype(np.float64)
    mean: NDArray[np.uint8] = np.rint(blocks.mean(axis=(3, 5))).astype(np.uint8)
    return mean


def boxes_of(arrays: Arrays, place: int) -> list[tuple[float, ...]]:
    start, end = arrays.targets.offsets("boxes")[place : place + 2]
    return [tuple(map(float, row)) for row in arrays.targets["boxes"][start:end]]


def test_each_quarter_is_a_training_picture_at_half_its_size_with_its_boxes(blobs: PreparedData) -> None:
    train = blobs.splits.train
    every = train.gather(np.arange(len(train)))
    small = halved(every.inputs["inputs"])
    changed = made(blobs, {**MOSAIC, "chance": 1.0}).apply(every, view=2)
    partners = set()
    for place, picture in enumerate(changed.inputs["inputs"]):
        expected = []
        for quarter in range(4):
            down, right = HALF * (quarter // 2), HALF * (quarter % 2)
            shown = picture[:, down : down + HALF, right : right + HALF]
            (found,) = np.flatnonzero((small == shown).all(axis=(1, 2, 3)))
            assert quarter or found == place  # the first is the picture itself
            partners.add(int(found) if quarter else None)
            for x0, y0, x1, y1, *rest in boxes_of(every, int(found)):
                moved = [x0 / 2 + right, y0 / 2 + down, x1 / 2 + right, y1 / 2 + down]
                if min(x1 - x0, y1 - y0) >= 2:  # below a pixel it is dropped, as with any step
                    expected.append((*moved, *rest))
        assert boxes_of(changed, place) == expected
    assert len(partners) > 0.8 * len(train)  # all of them come to be shown


def test_by_chance_a_picture_stays_as_it_is_and_so_do_its_boxes(blobs: PreparedData) -> None:
    every = blobs.splits.train.gather(np.arange(100))
    changed = made(blobs, {**MOSAIC, "chance": 0.3}).apply(every, view=0)
    same = (changed.inputs["inputs"] == every.inputs["inputs"]).all(axis=(1, 2, 3))
    assert 60 < same.sum() < 80
    for place in range(100):
        assert (boxes_of(changed, place) == boxes_of(every, place)) == same[place]


def test_a_picture_becomes_the_same_in_any_company_and_order(blobs: PreparedData) -> None:
    augmenter, train = made(blobs, MOSAIC, *AFTER), blobs.splits.train
    every = augmenter.apply(train.gather(np.arange(len(train))), view=1)
    rows = np.array([77, 3, 139, 12])
    some = augmenter.apply(train.gather(rows), view=1)
    np.testing.assert_array_equal(some.inputs["inputs"], every.inputs["inputs"][rows])
    for place, row in enumerate(rows):
        assert boxes_of(some, place) == boxes_of(every, int(row))
    other = augmenter.apply(train.gather(rows), view=0)
    assert (other.inputs["inputs"] != some.inputs["inputs"]).any(axis=(1, 2, 3)).all()


def test_soft_labels_on_disk_are_those_of_the_very_pictures(
    blobs: PreparedData, teacher: Trained, tmp_path: Path
) -> None:
    changes, network = made(blobs, MOSAIC, *AFTER, views=2), teacher.network.eval()
    key = SoftLabelKey("teacher", "data")
    stored = CachedSoftLabels(network, key, blobs.splits.train, blobs.losses, tmp_path, changes)
    live = LiveSoftLabels(network, blobs.losses)
    for batch in shuffled_batches(blobs.splits.train, 16, 0, 4, torch.device("cpu"), changes):
        found, asked = stored.at(batch), live.at(batch)
        for name, values in asked.items():
            torch.testing.assert_close(found[name], values, rtol=4e-3, atol=4e-3)
    assert changes.view(4) == 1


def test_a_picture_with_targets_is_shown_with_others_that_have_some(few_labels: PreparedData) -> None:
    mixed = few_labels.mixed(0.5)
    neighbours = Neighbours(mixed.splits.train, few_labels.card.splits["train"].samples)
    rows = np.repeat([3, 59, 60, 119], 500)
    drawn = neighbours.drawn(rows, np.random.default_rng(0).uniform(size=2000))
    assert {*drawn[:1000].tolist()} == {*range(60)}
    assert {*drawn[1000:].tolist()} == {*range(60, 120)}


def test_boxes_of_several_are_put_together_picture_by_picture(blobs: PreparedData) -> None:
    one, other = (blobs.splits.train.gather(np.arange(start, start + 5)) for start in (0, 5))
    merged = KIND.merged([one.targets, other.targets])
    for place in range(5):
        together = Arrays({}, merged, one.rows, one.labelled)
        assert boxes_of(together, place) == boxes_of(one, place) + boxes_of(other, place)
