"""One data set as COCO, YOLO, Pascal VOC and a table: the same samples, and what becomes of odd boxes in each."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from tasks.core.errors import DataError
from tests.data.boxes.exports import FORMS, HEIGHT, NAMES, WIDTH, Box, boxes_of, drawn, opened, samples_of, written

each_form = pytest.mark.parametrize("form", FORMS)


@each_form
def test_boxes_are_read_as_they_were_drawn_and_pictures_without_any_are_samples(tmp_path: Path, form: str) -> None:
    reading = opened(tmp_path / "own", written(tmp_path / "own", form))
    found = {sample.id: boxes_of(sample) for sample in reading.samples()}
    expected = {f"{name}.png": {tuple(box) for box in some} for name, some in drawn().items()}
    assert {name: set(some) for name, some in found.items()} == expected
    assert [name for name, some in found.items() if not some] == ["00.png", "03.png", "06.png", "09.png"]
    assert reading.declared["boxes"]["names"] == NAMES
    assert not reading.dropped
    assert not reading.warnings


@each_form
def test_samples_are_the_same_each_time(tmp_path: Path, form: str) -> None:
    reading = opened(tmp_path / "own", written(tmp_path / "own", form))
    first, second = [*reading.samples()], [*reading.samples()]
    assert [one.id for one in first] == [one.id for one in second] == sorted(one.id for one in first)
    for one, other in zip(first, second, strict=True):
        assert np.array_equal(one.values, other.values)
        assert np.array_equal(one.target["boxes"], other.target["boxes"])


@each_form
def test_boxes_are_clipped_and_dropped_and_each_is_counted_and_named(tmp_path: Path, form: str) -> None:
    boxes = {name: [*some] for name, some in drawn().items()}
    boxes["00"] = [Box("car", -5, 4, 12, 20), Box("car", 10, 4, 10, 20)]
    boxes["03"] = [Box("pole", 20, 4, 12, 20), Box("pole", 2, 31, 12, 34), Box("car", 38, 29.5, 44, 33)]
    boxes["06"] = [Box("car", 1, 2, 9, 8), Box("car", 1, 2, 9, 8), Box("pole", 1, 2, 9, 8)]
    reading = opened(tmp_path / "own", written(tmp_path / "own", form, boxes))
    found = {sample.id: boxes_of(sample) for sample in reading.samples()}
    assert found["00.png"] == [("car", 0, 4, 12, 20)]
    assert found["03.png"] == []
    assert found["06.png"] == [("car", 1, 2, 9, 8), ("pole", 1, 2, 9, 8)]
    assert reading.dropped == {
        "boxes of less than a pixel (in 03.png)": 1,
        "boxes outside of their picture (in 03.png)": 1,
        "boxes that are there twice (in 06.png)": 1,
        "boxes whose corners are in the wrong order (in 03.png)": 1,
        "boxes without area (in 00.png)": 1,
    }
    assert reading.warnings == ("boxes that reach out of their picture are clipped to it: 1 (in 00.png)",)


@each_form
def test_a_turned_picture_is_upright_before_boxes_are_laid_on_it(tmp_path: Path, form: str) -> None:
    reader = written(tmp_path / "own", form)
    # As it lies in the file the picture is 30 wide and 40 high; upright its left half is white.
    upright = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
    upright[:, :20] = 255
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = Image.fromarray(np.ascontiguousarray(np.rot90(upright)))
    lying.save(tmp_path / "own/images/01.png", exif=exif)
    assert Image.open(tmp_path / "own/images/01.png").size == (HEIGHT, WIDTH)
    sample = samples_of(tmp_path / "own", reader)["01.png"]
    assert boxes_of(sample) == [tuple(box) for box in drawn()["01"]]
    assert (sample.values[:, :, :20] == 255).all()
    assert (sample.values[:, :, 20:] == 0).all()


@each_form
def test_boxes_follow_a_picture_that_is_padded_or_stretched(tmp_path: Path, form: str) -> None:
    reader = written(tmp_path / "own", form)
    box = drawn()["01"][0]
    padded = samples_of(tmp_path / "own", {**reader, "size": [60, 60], "background": 7})["01.png"]
    assert boxes_of(padded) == [("car", *(1.5 * side for side in box[1:]))]
    assert (padded.values[:, :45] == 20).all()
    assert (padded.values[:, 45:] == 7).all()
    stretched = samples_of(tmp_path / "own", {**reader, "size": [60, 60], "fit": "stretch"})["01.png"]
    assert boxes_of(stretched) == [("car", 1.5 * box.left, 2 * box.top, 1.5 * box.right, 2 * box.bottom)]
    assert (stretched.values == 20).all()


@each_form
def test_classes_are_chosen_and_ordered_by_the_recipe(tmp_path: Path, form: str) -> None:
    reader = written(tmp_path / "own", form)
    reading = opened(tmp_path / "own", {**reader, "classes": ["pole"]})
    assert reading.declared["boxes"]["names"] == ("pole",)
    assert {name for sample in reading.samples() for name in sample.target["names"]} == {"pole"}
    cars = sum(box.name == "car" for some in drawn().values() for box in some)
    assert reading.dropped == {"boxes of classes that `classes` does not name": cars}
    with pytest.raises(DataError, match=r"`classes`: expected .*`car`, `pole`, got `bus`|`pole`, `car`, got `bus`"):
        opened(tmp_path / "own", {**reader, "classes": ["bus"]})


@each_form
def test_several_names_may_mean_one_class(tmp_path: Path, form: str) -> None:
    reader = written(tmp_path / "own", form)
    reading = opened(tmp_path / "own", {**reader, "merge": {"thing": ["car", "pole"]}})
    assert reading.declared["boxes"]["names"] == ("thing",)
    assert sum(sample.target["names"].count("thing") for sample in reading.samples()) == 12
    with pytest.raises(DataError, match=r"`merge`: expected names that the source has: `car`, `pole`, got `bus`"):
        opened(tmp_path / "own", {**reader, "merge": {"thing": ["car", "bus"]}})
    with pytest.raises(ValidationError, match="`merge` has `car` on both sides"):
        opened(tmp_path / "own", {**reader, "merge": {"car": ["car"]}})


@each_form
def test_a_damaged_picture_is_named(tmp_path: Path, form: str) -> None:
    reader = written(tmp_path / "own", form)
    (tmp_path / "own/images/01.png").write_bytes(b"none")
    whole = (tmp_path / "own/images/02.png").read_bytes()
    (tmp_path / "own/images/02.png").write_bytes(whole[:-30])
    found = samples_of(tmp_path / "own", reader)
    assert "expected an image, got a file that begins with 6e 6f 6e 65" in found["01.png"].problem
    assert "breaks off or is damaged" in found["02.png"].problem


def test_a_box_that_cannot_be_seen_in_the_prepared_picture_is_told(tmp_path: Path) -> None:
    reading = opened(tmp_path / "own", {**written(tmp_path / "own", "coco"), "size": [8, 8]})
    assert any(
        "less than 2 pixels high or wide in prepared pictures: take a larger `size`" in w for w in reading.warnings
    )
