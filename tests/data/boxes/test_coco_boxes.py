"""COCO files as people write them: each oddity becomes correct boxes, a named bad sample, or one message."""

import json
from pathlib import Path
from typing import Any

import pytest

from tasks.core.errors import DataError
from tests.data.boxes.exports import boxes_of, drawn, opened, samples_of, written


@pytest.fixture
def own(tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    """The folder, and its reader."""
    return tmp_path / "own", written(tmp_path / "own", "coco")


def changed(folder: Path, **lists: Any) -> dict[str, Any]:
    """Changes lists of the file, and returns what was there."""
    content: dict[str, Any] = json.loads((folder / "all.json").read_text())
    (folder / "all.json").write_text(json.dumps({**content, **lists}))
    return content


Own = tuple[Path, dict[str, Any]]


def test_crowds_are_ignored_and_a_missing_iscrowd_is_none(own: Own) -> None:
    folder, reader = own
    content = changed(folder)
    annotations = [{key: one[key] for key in one if key != "iscrowd"} for one in content["annotations"]]
    crowd = {"id": 9999, "image_id": 0, "category_id": 3, "bbox": [1, 1, 9, 9], "iscrowd": 1}
    changed(folder, annotations=[*annotations, crowd])
    found = samples_of(folder, reader)
    assert found["00.png"].target["ignored"].tolist() == [True]
    assert not any(found["01.png"].target["ignored"])


def test_names_with_folders_windows_separators_or_a_whole_path_are_found(own: Own) -> None:
    folder, reader = own
    names = ["images\\01.png", "C:\\data\\images\\01.png", "/home/x/images/01.png", "./01.png", "01.png"]
    for name in names:
        images = changed(folder)["images"]
        images[1]["file_name"] = name
        changed(folder, images=images)
        assert boxes_of(samples_of(folder, reader)["01.png"]) == [tuple(drawn()["01"][0])], name


def test_ids_that_are_there_twice_are_told_and_both_boxes_read(own: Own) -> None:
    folder, reader = own
    annotations = changed(folder)["annotations"]
    more = {**annotations[0], "image_id": 0, "bbox": [3, 3, 5, 5]}
    changed(folder, annotations=[*annotations, annotations[1], more])
    reading = opened(folder, reader)
    twice = f"`all.json`: 2 ids of annotations are there twice ({annotations[0]['id']}, {annotations[1]['id']})"
    assert reading.warnings == (f"{twice}; both are read, unless they are equal",)
    assert sum(count for reason, count in reading.dropped.items() if "there twice" in reason) == 1
    assert len(boxes_of({one.id: one for one in reading.samples()}["00.png"])) == 1


def test_two_pictures_of_one_id_are_refused(own: Own) -> None:
    folder, reader = own
    images = changed(folder)["images"]
    changed(folder, images=[*images, {"id": 1, "file_name": "02.png"}])
    with pytest.raises(DataError, match=r"`all.json`: `images`: expected an id .*`01.png` and `02.png`, both .* id 1"):
        opened(folder, reader)


def test_what_has_no_partner_is_counted(own: Own) -> None:
    folder, reader = own
    content = changed(folder)
    stray = {"id": 9999, "image_id": 77, "category_id": 3, "bbox": [1, 1, 9, 9]}
    kept = [one for one in content["images"] if one["id"] not in (4, 5)]
    changed(folder, annotations=[*content["annotations"], stray], images=[*kept, kept[0]])
    (folder / "notes.md").write_text("x")
    lost = sum(len(drawn()[name]) for name in ("04", "05"))
    assert opened(folder, reader).dropped == {
        "annotations of pictures that their file does not list": 1 + lost,
        "no picture, by its name": 1,
        "pictures that are listed twice": 1,
        "pictures that no annotation tells of": 2,
    }


def test_a_picture_that_is_not_there_is_a_bad_sample(own: Own) -> None:
    folder, reader = own
    (folder / "images/01.png").unlink()
    assert samples_of(folder, reader)["01.png"].problem == "expected the picture in the source, got no such file"


def test_polygons_stand_in_for_a_missing_box(own: Own) -> None:
    folder, reader = own
    polygon = [[5, 4, 15, 4, 15, 10], [2, 8, 3, 9, 2, 9]]
    changed(folder, annotations=[{"id": 1, "image_id": 0, "category_id": "3", "segmentation": polygon}])
    assert boxes_of(samples_of(folder, reader)["00.png"]) == [("pole", 2, 4, 15, 10)]


@pytest.mark.parametrize(
    ("annotation", "said"),
    [
        ({"category_id": 1, "bbox": [1, 1, 5, 5]}, "expected `category_id` among 3, 7, got 1"),
        ({"category_id": 3, "bbox": [1, 1, 5]}, "expected `bbox` of x, y, width and height, got 3 numbers"),
        ({"category_id": 3, "bbox": [1, 1, "x", 5]}, "expected `bbox` of four numbers, got 1 1 x 5"),
        ({"category_id": 3, "bbox": [1, 1, 1e400, 5]}, "expected `bbox` of four numbers, got 1 1 inf 5"),
        ({"category_id": 3, "bbox": [1, 1, True, 5]}, "expected `bbox` of four numbers, got 1 1 True 5"),
        ({"category_id": 3, "bbox": []}, "expected `bbox`, or polygons in `segmentation`, got neither"),
    ],
)
def test_an_annotation_that_cannot_be_read_is_a_bad_sample(own: Own, annotation: dict[str, Any], said: str) -> None:
    folder, reader = own
    changed(folder, annotations=[{"id": 1, "image_id": 0, **annotation}])
    assert samples_of(folder, reader)["00.png"].problem == f"annotation: {said}"


def test_a_picture_of_another_size_than_the_file_says_is_told(own: Own) -> None:
    folder, reader = own
    images = changed(folder)["images"]
    images[1] |= {"width": 400, "height": 300}
    images[2] |= {"width": 30, "height": 40}
    changed(folder, images=images)
    told = "pictures of another size than their annotations say: 1 (01.png); boxes are read as pixels of the picture"
    assert opened(folder, reader).warnings == (f"{told} as it is",)


def test_parts_of_a_split_have_a_file_each_and_no_picture_is_in_two(own: Own) -> None:
    folder, _ = own
    content = changed(folder)
    for name, some in (("train", content["images"][:8]), ("test", content["images"][8:])):
        (folder / f"{name}.json").write_text(json.dumps({**content, "images": some}))
    parts = {name: {"images": "images", "annotations": f"{name}.json"} for name in ("train", "test")}
    split = {"kind": "coco_boxes", "size": [30, 40], "splits": parts}
    reading = opened(folder, split)
    assert [(one.id, one.part) for one in reading.samples()][:5] == [
        *((f"test/{number:02d}.png", "test") for number in range(8, 12)),
        ("train/00.png", "train"),
    ]
    (folder / "test.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"`splits`: expected every picture in one part, got 8 in two: images/00"):
        opened(folder, split)


def test_a_file_that_is_no_coco_file_is_told(own: Own) -> None:
    folder, reader = own
    changed(folder, images=[{"id": 3}])
    with pytest.raises(DataError, match=r"`all.json`: expected `id` and `name` of categories, .*without 'file_name'"):
        opened(folder, reader)
    with pytest.raises(DataError, match=r"`annotations`: expected a COCO file of the source, got `none.json`"):
        opened(folder, {**reader, "annotations": "none.json"})
