"""Masks follow their pictures through every step of augmentation, and soft labels of them are replayed exactly."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from params.distill import Distill
from params.models import Separable
from params.training import Augment, Training
from tasks.contracts.records import InputSpec, Statistics
from tasks.contracts.targets import Targets
from tasks.core.errors import RecipeError
from tasks.core.progress import silent
from tasks.distill.soft_labels.cached import CachedSoftLabels, SoftLabelKey
from tasks.distill.soft_labels.source import LiveSoftLabels
from tasks.distill.teachers.table import StoredAnswers
from tasks.distill.teachers.teachers import Lesson, LoadedTeacher, Teachers
from tasks.kinds.segmentation.targets import PART as TARGETS
from tasks.training.arrays import Arrays
from tasks.training.augment import Augmenter
from tasks.training.batches import shuffled_batches
from tasks.training.network import PreparedData

SIDE = 16
FLIP = {"kind": "flip", "horizontal": True, "vertical": True}
CROP = {"kind": "crop", "smallest": 0.5}
SHIFT = {"kind": "shift", "pixels": 3}
BRIGHT, DARK = 200, 40


def augmenter(*steps: dict[str, Any], views: int | None = None) -> Augmenter:
    spec = InputSpec(layout="image", dtype="uint8", shape=(1, SIDE, SIDE))
    statistics = Statistics(mean=(100.0,), std=(50.0,))
    return Augmenter(Augment.model_validate({"steps": steps, "views": views}), spec, statistics, 5, TARGETS)


def pictures(count: int = 40) -> Arrays:
    """Returns pictures that are their own masks: of each pixel, whether it is bright."""
    draws = np.random.default_rng(2)
    masks = draws.integers(0, 2, (count, SIDE // 4, SIDE // 4)).repeat(4, axis=1).repeat(4, axis=2).astype(np.uint8)
    inputs = np.where(masks, BRIGHT, DARK).astype(np.uint8)[:, None]
    return Arrays({"inputs": inputs}, Targets({"mask": masks}), np.arange(count), np.ones(count, dtype=np.bool_))


@pytest.mark.parametrize("steps", [(FLIP,), ({"kind": "dihedral"},), (SHIFT,), (FLIP, SHIFT, {"kind": "dihedral"})])
def test_each_pixel_of_a_moved_mask_says_what_the_moved_picture_shows(steps: tuple[dict[str, Any], ...]) -> None:
    changed = augmenter(*steps).apply(pictures(), view=1)
    picture, mask = changed.inputs["inputs"][:, 0], changed.targets["mask"]
    inside = mask != 255
    assert inside.mean() > 0.6
    assert np.array_equal(picture[inside] == BRIGHT, mask[inside] == 1)
    assert not np.array_equal(mask, pictures().targets["mask"])


@pytest.mark.parametrize("steps", [(CROP,), (FLIP, CROP), (CROP, SHIFT, FLIP), ({"kind": "dihedral"}, CROP)])
def test_an_enlarged_mask_lies_on_its_picture_wherever_that_is_not_between_two_pixels(
    steps: tuple[dict[str, Any], ...],
) -> None:
    changed = augmenter(*steps).apply(pictures(), view=0)
    picture, mask = changed.inputs["inputs"][:, 0], changed.targets["mask"]
    sure = ((picture == BRIGHT) | (picture == DARK)) & (mask != 255)
    assert sure.mean() > 0.3
    assert np.array_equal(picture[sure] == BRIGHT, mask[sure] == 1)


def test_what_comes_in_from_outside_is_of_no_class() -> None:
    mask = augmenter({**SHIFT, "fill": "mean"}).apply(pictures(), view=0).targets["mask"]
    assert (mask == 255).any(axis=(1, 2)).mean() > 0.5


def test_steps_that_change_values_alone_leave_masks_as_they_are() -> None:
    before = pictures()
    after = augmenter({"kind": "levels", "gain": 0.2, "offset": 0.2}, {"kind": "erase"}).apply(before, view=0)
    assert np.array_equal(after.targets["mask"], before.targets["mask"])


def test_of_four_pictures_in_one_each_quarter_has_its_mask(shapes: PreparedData) -> None:
    steps = Augment.model_validate({"steps": [{"kind": "mosaic", "chance": 1.0}]})
    changes = shapes.augmenter(Training(epochs=1, augment=steps), 5)
    assert changes is not None
    every = shapes.splits.train.gather(np.arange(len(shapes.splits.train)))
    changed = changes.apply(every, 0)
    masks, pictures = every.targets["mask"], every.inputs["inputs"].astype(np.float64)
    small = np.rint((pictures.reshape(-1, 3, 16, 2, 16, 2)).mean(axis=(3, 5)))
    for picture, mask in zip(changed.inputs["inputs"], changed.targets["mask"], strict=True):
        for down, right in ((0, 0), (0, 16), (16, 0), (16, 16)):
            shown = picture[:, down : down + 16, right : right + 16]
            (found,) = np.flatnonzero((small == shown).all(axis=(1, 2, 3)))
            np.testing.assert_array_equal(mask[down : down + 16, right : right + 16], masks[found, 1::2, 1::2])


def test_soft_labels_on_disk_are_those_of_the_very_pictures_and_masks(shapes: PreparedData, tmp_path: Path) -> None:
    steps = Augment.model_validate({"steps": [FLIP, CROP], "views": 2})
    changes = Augmenter(steps, shapes.card.input, shapes.card.statistics, 5, TARGETS)
    torch.manual_seed(0)
    teacher = shapes.network(Separable(kind="separable", widths=(8, 16), blocks=(1,))).eval()
    train, key = shapes.splits.train, SoftLabelKey("teacher", "data")
    stored = CachedSoftLabels(teacher, key, train, shapes.losses, tmp_path, changes)
    live = LiveSoftLabels(teacher, shapes.losses)
    for batch in shuffled_batches(train, 8, 0, 2, torch.device("cpu"), changes):
        torch.testing.assert_close(stored.at(batch), live.at(batch), rtol=2e-3, atol=2e-3)
    (report,) = stored.reports
    # 4 classes of float16 for each fourth row and column of 32 x 32 pixels.
    assert report.bytes_per_sample == pytest.approx(8 * 8 * 4 * 2)


@pytest.mark.parametrize(
    ("steps", "refused"),
    [([FLIP], True), ([{"kind": "mosaic"}], True), ([{"kind": "levels"}], False), ([], False)],
    ids=["flip", "mosaic", "levels", "none"],
)
def test_stored_answers_about_places_do_not_teach_pictures_that_are_moved(
    steps: list[dict[str, Any]], refused: bool, shapes: PreparedData, tmp_path: Path
) -> None:
    augment = Augment.model_validate({"steps": steps}) if steps else None
    lesson = Lesson(Distill(), "sequence", shapes, shapes.augmenter(Training(epochs=1, augment=augment), 0), 1)
    teachers = Teachers((LoadedTeacher(StoredAnswers(shapes.card.spec, [], {}), "t"),), shapes.data_digest, tmp_path)
    with (
        pytest.raises(RecipeError, match="expected a teacher that can be asked about moved")
        if refused
        else nullcontext()
    ):
        assert teachers.soft_labels(lesson, silent) is not None
