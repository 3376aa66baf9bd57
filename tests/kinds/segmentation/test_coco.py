"""COCO files: polygons and run lengths become masks; odd files end with one message."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.core.errors import DataError
from tasks.data.readers.coco_masks.regions import BadRegionError, region_of
from tasks.training.network import PreparedData
from tests.kinds.segmentation.conftest import prepared

SIZE = (20, 30)
OWN: dict[str, Any] = {
    "kind": "coco_masks",
    "images": "images",
    "annotations": "all.json",
    "size": [20, 30],
    "classes": ["car", "pole"],
}
SQUARE = [[5, 4, 15, 4, 15, 10, 5, 10]]


def written(folder: Path, annotations: list[dict[str, Any]], **changed: Any) -> None:
    """Writes a COCO file of the twelve pictures."""
    content = {
        "images": [{"id": number, "file_name": f"{number}.png"} for number in range(12)],
        "categories": [{"id": 7, "name": "car"}, {"id": "9", "name": "pole"}, {"id": 90, "name": "cloud"}],
        "annotations": annotations,
    }
    (folder / "all.json").write_text(json.dumps(content | changed))


def of_folder(folder: Path, **reader: Any) -> PreparedData:
    return prepared(folder.parent, {"kind": "folder", "path": str(folder)}, OWN | reader)


def every(category: Any, segmentation: Any, **more: Any) -> list[dict[str, Any]]:
    return [{"image_id": number, "category_id": category, "segmentation": segmentation, **more} for number in range(12)]


def first_mask(data: PreparedData) -> Any:
    return np.asarray(data.splits.train.shards[0].targets["mask"][0])


def column_runs(region: Any) -> list[int]:
    """Returns the run lengths of a region, column by column, the first one outside."""
    flat = region.T.ravel().astype(int)
    ends = np.flatnonzero(np.diff(flat)) + 1
    lengths = np.diff(np.concatenate([[0], ends, [flat.size]])).tolist()
    return [0, *lengths] if flat[0] else lengths


def as_text(lengths: list[int]) -> str:
    """Writes run lengths as pycocotools does."""
    characters = []
    for place, length in enumerate(lengths):
        value = length - (lengths[place - 2] if place > 2 else 0)
        more = True
        while more:
            bits = value & 0x1F
            value >>= 5
            more = value != -1 if bits & 0x10 else value != 0
            characters.append(chr((bits | 0x20 if more else bits) + 48))
    return "".join(characters)


def test_polygons_become_masks_later_ones_over_earlier_ones(folder: Path) -> None:
    thin = [[8, 0, 10, 0, 10, 20, 8, 20]]
    written(folder, [*every(7, SQUARE), *every(9, thin), *every(90, SQUARE)])
    data = of_folder(folder)
    assert data.targets.names == ("background", "car", "pole")
    expected = np.zeros(SIZE, dtype=np.uint8)
    expected[4:10, 5:15] = 1
    expected[:, 8:10] = 2
    # Drawn lines are a pixel wide, so edges may be a pixel further.
    assert (first_mask(data) != expected).mean() < 0.1
    assert (first_mask(data)[5:9, 11:14] == 1).all()
    assert data.card.dropped == {
        "annotations of categories that `classes` does not name": 12,
        "pictures that no COCO file lists": 12,  # the folder of masks
    }


@pytest.mark.parametrize("packed", [True, False])
def test_run_lengths_are_read_plain_and_as_text(packed: bool) -> None:
    region = np.random.default_rng(0).random(SIZE) < 0.4
    region[3:9, 4:20] = True
    lengths = column_runs(region)
    counts: Any = as_text(lengths) if packed else lengths
    assert np.array_equal(region_of({"size": [20, 30], "counts": counts}, SIZE), region)


def test_differences_in_a_text_of_run_lengths_are_added_up() -> None:
    # The inner 2 x 2 of 4 x 4 pixels: from the fourth number on, differences to the last but one.
    region = np.zeros((4, 4), dtype=bool)
    region[1:3, 1:3] = True
    assert column_runs(region) == [5, 2, 2, 2, 5]
    assert np.array_equal(region_of({"size": [4, 4], "counts": "52203"}, (4, 4)), region)


def test_crowds_are_of_no_class_and_pictures_without_annotations_are_background(folder: Path) -> None:
    written(folder, [*every(7, SQUARE), *every(9, [[0, 0, 3, 0, 3, 3, 0, 3]], iscrowd=1)[:11], *every(9, SQUARE)[11:]])
    data = of_folder(folder, classes=["car"])
    masks = np.concatenate([np.asarray(shard.targets["mask"]) for shard in data.splits.train.shards])
    assert set(np.unique(masks)) <= {0, 1, 255}
    written(folder, every(7, SQUARE)[:8], categories=[{"id": 7, "name": "car"}])
    data = of_folder(folder, classes=["car"])
    assert sum(part.samples for part in data.card.splits.values()) == 12


def test_names_with_folders_and_windows_separators_are_found(folder: Path) -> None:
    images = [{"id": number, "file_name": f"images\\{number}.png"} for number in range(12)]
    written(folder, [*every(7, SQUARE), *every("9", [[0, 0, 3, 0, 3, 3, 0, 3]])], images=images)
    assert first_mask(of_folder(folder, images="")).max() == 2


def test_what_a_file_tells_of_no_picture_and_pictures_it_does_not_list_are_counted(folder: Path) -> None:
    images = [{"id": number, "file_name": f"{number}.png"} for number in range(11)]
    images.append({"id": 50, "file_name": "0.png"})
    pole = [{"image_id": 50, "category_id": 9, "segmentation": [[20, 10, 26, 10, 26, 16, 20, 16]]}]
    written(folder, [*every(7, SQUARE), *pole], images=images)
    (folder / "read me.txt").write_text("no picture")
    data = of_folder(folder, classes=["car"])
    assert sum(part.samples for part in data.card.splits.values()) == 11
    assert data.card.dropped == {
        "annotations of categories that `classes` does not name": 1,
        "annotations of pictures that their file does not list": 1,
        "no picture, by its name": 1,
        "pictures that are listed twice": 1,
        "pictures that no COCO file lists": 13,
    }


def test_two_pictures_with_one_id_are_refused(folder: Path) -> None:
    images = [{"id": min(number, 10), "file_name": f"{number}.png"} for number in range(12)]
    written(folder, every(7, SQUARE), images=images)
    with pytest.raises(DataError, match=r"got `10.png` and `11.png`, both with the id 10"):
        of_folder(folder, classes=["car"])


@pytest.mark.parametrize(
    ("segmentation", "words"),
    [
        ([[1, 2, 3, 4]], "three corners"),
        ({"size": [5, 5], "counts": [25]}, "run lengths of 30 x 20 pixels, got 5 x 5"),
        ({"size": [20, 30], "counts": [1, 2]}, "run lengths of 600 pixels, got 3"),
        (None, "expected polygons"),
        ([], "got an empty list, as of boxes alone"),
        ([[1, 2, "3", 4, 5, 6]], "a polygon of numbers, got '3' in it"),
        ([[1, 2, float("nan"), 4, 5, 6]], "a polygon of numbers, got nan in it"),
    ],
)
def test_a_region_that_is_none_is_told(segmentation: Any, words: str) -> None:
    with pytest.raises(BadRegionError, match=words):
        region_of(segmentation, SIZE)


def test_a_file_that_is_no_coco_file_is_told(folder: Path) -> None:
    (folder / "all.json").write_text("[1, 2]")
    with pytest.raises(DataError, match=r"`all.json`: expected JSON with lists `images`"):
        of_folder(folder)
    written(folder, [])
    with pytest.raises(DataError, match="expected categories of the file: `car`, `pole`, `cloud`, got `bus`"):
        of_folder(folder, classes=["bus"])
