"""Folders of pictures and masks: each becomes correct data, or one message that names file and reason."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tasks.contracts.records import DatasetCard
from tasks.core.errors import DataError, RecipeError
from tasks.training.arrays import CARD
from tasks.training.network import PreparedData
from tests.kinds.segmentation.conftest import READER, prepared, save, stripes

OWN = {**READER, "size": [20, 30], "classes": {"a": 0, "b": 1, "c": 2}, "ignore": []}


def of_folder(folder: Path, reader: dict[str, Any] = OWN, **data: Any) -> PreparedData:
    return prepared(folder.parent, {"kind": "folder", "path": str(folder)}, reader, **data)


def masks_of(data: PreparedData) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.concatenate([np.asarray(shard.targets["mask"]) for shard in data.splits.train.shards])


def refusal(folder: Path, reader: dict[str, Any] = OWN) -> str:
    with pytest.raises((DataError, RecipeError)) as caught:
        of_folder(folder, reader)
    return str(caught.value)


def test_grey_masks_are_read_as_they_are(folder: Path) -> None:
    data = of_folder(folder)
    assert data.targets.names == ("a", "b", "c")
    expected = {stripes(number).tobytes() for number in range(12)}
    assert {mask.tobytes() for mask in masks_of(data)} <= expected
    assert {name: part.samples for name, part in data.card.splits.items()} == {"train": 8, "validation": 2, "test": 2}
    pixels: Any = data.card.splits["test"].summary["pixels"]
    assert pixels["a"] > 0


@pytest.mark.parametrize("how", ["palette", "red", "equal channels", "16 bits"])
def test_a_number_in_a_palette_in_red_or_in_16_bits_is_the_same_class(folder: Path, how: str) -> None:
    before = masks_of(of_folder(folder))
    for path in (folder / "masks").iterdir():
        mask = np.asarray(Image.open(path))
        match how:
            case "palette":
                image = Image.fromarray(mask, "P")
                image.putpalette([200, 10, 10, 10, 200, 10, 10, 10, 200])
                image.save(path)
            case "red":
                save(path, np.stack([mask, 0 * mask, 0 * mask], axis=-1))
            case "equal channels":
                save(path, np.stack([mask] * 3, axis=-1))
            case _:
                Image.fromarray(mask.astype(np.uint16)).save(path)
    shutil.rmtree(folder.parent / "data")
    assert np.array_equal(masks_of(of_folder(folder)), before)


def test_colours_are_classes_where_the_recipe_says_so(folder: Path) -> None:
    before = masks_of(of_folder(folder))
    colours = np.array([[128, 64, 128], [244, 35, 232], [0, 0, 0]], dtype=np.uint8)
    for path in (folder / "masks").iterdir():
        save(path, colours[np.asarray(Image.open(path))])
    assert "got colours" in refusal(folder)
    shutil.rmtree(folder.parent / "data")
    reader = {**OWN, "classes": {"a": "#804080", "b": "#F423E8", "c": "#000000"}}
    assert np.array_equal(masks_of(of_folder(folder, reader)), before)


def test_values_that_no_class_has_are_told_by_file_value_and_count(folder: Path) -> None:
    mask = stripes()
    mask[0, :7] = 9
    save(folder / "masks/3.png", mask)
    message = refusal(folder)
    assert "`images/3.png`: `masks/3.png`" in message
    assert "9 in 7 pixels" in message
    assert "data.reader.ignore" in message


def test_a_bad_mask_goes_into_quarantine_by_name(folder: Path) -> None:
    save(folder / "masks/3.png", stripes() + 40)
    data = of_folder(folder, arrivals={"bad": "quarantine", "at_most": 0.2})
    card = DatasetCard.model_validate_json((data.directory / CARD).read_text())
    assert card.quarantine is not None
    assert sum(card.quarantine.reasons.values()) == 1
    assert "images/3.png" in (data.directory / "quarantine.json").read_text()


def test_a_mask_of_0_and_255_is_explained(folder: Path) -> None:
    for path in (folder / "masks").iterdir():
        save(path, np.where(np.asarray(Image.open(path)) == 1, np.uint8(255), np.uint8(0)))
    reader = {**OWN, "classes": {"ground": 0, "thing": 1}}
    assert "in a mask of two values the second" in refusal(folder, reader)
    data = of_folder(folder, {**OWN, "classes": {"ground": 0, "thing": 255}})
    assert set(np.unique(masks_of(data))) == {0, 1}


def test_a_smoothed_mask_is_told_from_a_forgotten_class(folder: Path) -> None:
    soft = np.linspace(0, 250, 600).reshape(20, 30).astype(np.uint8)
    save(folder / "masks/3.png", soft)
    assert "shades come from smoothing or JPEG" in refusal(folder)


def test_ignored_values_are_of_no_class(folder: Path) -> None:
    data = of_folder(folder, {**OWN, "classes": {"a": 0, "b": 1}, "ignore": [2]})
    assert set(np.unique(masks_of(data))) == {0, 1, 255}


def test_masks_are_resized_by_the_nearest_pixel_and_invent_no_class(folder: Path) -> None:
    data = of_folder(folder, {**OWN, "size": [10, 45]})
    assert masks_of(data).shape[1:] == (10, 45)
    assert set(np.unique(masks_of(data))) == {0, 1, 2}


def test_a_picture_without_its_mask_is_told_by_name(folder: Path) -> None:
    (folder / "masks/5.png").unlink()
    assert "`images/5.png`: expected its mask `masks/5`, got no such file" in refusal(folder)


@pytest.mark.parametrize("tree", ["images", "masks"])
def test_two_files_of_one_name_are_told_because_neither_is_known_to_be_the_one(folder: Path, tree: str) -> None:
    Image.open(folder / tree / "3.png").save(folder / tree / "3.bmp")
    said = refusal(folder)
    assert f"`{tree}/3.bmp`, `{tree}/3.png`" in said
    what = "picture" if tree == "images" else "mask"
    assert f"`images/3.png`: expected one {what} of this name, got 2 that differ in their extension" in said
    assert f"got {2 if tree == 'images' else 1} that cannot" in said


def test_a_mask_of_another_size_than_its_picture_is_told(folder: Path) -> None:
    save(folder / "masks/5.png", stripes()[:10])
    assert "expected a mask of the size of its picture, 30 x 20, got 30 x 10" in refusal(folder)


def test_masks_beside_their_pictures_are_found_by_their_suffix(folder: Path) -> None:
    for path in (folder / "images").iterdir():
        path.rename(folder / f"{path.stem}.png")
    for path in (folder / "masks").iterdir():
        path.rename(folder / f"{path.stem}_mask.png")
    data = of_folder(folder, {**OWN, "images": "", "masks": "", "mask_suffix": "_mask"})
    assert sum(part.samples for part in data.card.splits.values()) == 12
    assert not data.card.dropped


def test_cityscapes_is_two_trees_with_suffixes_and_a_published_split(folder: Path) -> None:
    parts = {"train": range(6), "val": range(6, 9), "test": range(9, 12)}
    for part, numbers in parts.items():
        for number in numbers:
            place = f"{part}/ulm/ulm_{number:06d}"
            for tree, suffix, old in (("left", "leftImg8bit", "images"), ("fine", "gtFine_labelIds", "masks")):
                target = folder / tree / f"{place}_{suffix}.png"
                target.parent.mkdir(parents=True, exist_ok=True)
                (folder / old / f"{number}.png").rename(target)
    (folder / "fine/train/ulm/ulm_000001_gtFine_polygons.json").write_text("{}")
    names = {"train": "train", "validation": "val", "test": "test"}
    splits = {part: {"images": f"left/{name}", "masks": f"fine/{name}"} for part, name in names.items()}
    suffixes = {"image_suffix": "_leftImg8bit", "mask_suffix": "_gtFine_labelIds"}
    reader = {**{k: v for k, v in OWN.items() if k not in ("images", "masks")}, "splits": splits, **suffixes}
    data = of_folder(folder, reader, split={"kind": "official"})
    assert {name: part.samples for name, part in data.card.splits.items()} == {"train": 6, "validation": 3, "test": 3}
    assert data.card.dropped == {"no picture, by its name": 1}


def test_a_class_that_means_none_is_refused(folder: Path) -> None:
    assert "`void`" in refusal(folder, {**OWN, "classes": {"a": 0, "b": 1, "void": 2}})


def test_a_class_without_a_pixel_to_learn_from_is_told(folder: Path) -> None:
    assert "pixels of `d`" in refusal(folder, {**OWN, "classes": {"a": 0, "b": 1, "c": 2, "d": 3}})
