"""Texts of YOLO as people write them: each oddity becomes correct boxes, a named bad sample, or one message."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tasks.core.errors import DataError
from tests.data.boxes.exports import boxes_of, drawn, opened, samples_of, written

Own = tuple[Path, dict[str, Any]]


@pytest.fixture
def own(tmp_path: Path) -> Own:
    """The folder, and its reader."""
    return tmp_path / "own", written(tmp_path / "own", "yolo")


def test_a_line_of_more_numbers_is_a_polygon_and_means_the_box_around_it(own: Own) -> None:
    folder, reader = own
    (folder / "labels/00.txt").write_text("1 0.1 0.2 0.5 0.3 0.25 0.8\n\n0.0 0.5 0.5 0.5 0.5\n")
    assert boxes_of(samples_of(folder, reader)["00.png"]) == [("car", 4, 6, 20, 24), ("pole", 10, 7.5, 30, 22.5)]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("0 0.5 0.5 0.1", r"expected 5 numbers \(class, middle, width, height\), or .* polygon, got 4"),
        ("0 0.5 0.5 0.1 0.1 0.9", "got 6; is the last one a score?"),
        ("2 0.5 0.5 0.1 0.1", r"expected the number of a class \(0 pole, 1 car\), got 2"),
        ("0.5 0.5 0.5 0.1 0.1", "expected the number of a class"),
        ("0 20 15 10 10", "expected parts of the picture from 0 to 1, got 20; is it in pixels?"),
        ("0 nan 0.5 0.1 0.1", "expected numbers: a class, then a box or a polygon, got 0 nan 0.5 0.1 0.1"),
        ("pole 0.5 0.5 0.1 0.1", "got pole 0.5"),
    ],
)
def test_a_line_that_cannot_be_read_makes_a_bad_sample(own: Own, line: str, said: str) -> None:
    folder, reader = own
    (folder / "labels/01.txt").write_text(f"\n{line}\n")
    problem = samples_of(folder, reader)["01.png"].problem
    assert problem.startswith("`labels/01.txt`: line 2: ")
    with pytest.raises(AssertionError, match=said):
        raise AssertionError(problem)


def test_what_reaches_out_of_the_picture_a_little_is_clipped(own: Own) -> None:
    folder, reader = own
    (folder / "labels/00.txt").write_text("0 0.99 0.5 0.1 0.2\n")
    reading = opened(folder, reader)
    assert boxes_of(next(reading.samples())) == [("pole", 37.625, 12, 40, 18)]
    assert reading.warnings == ("boxes that reach out of their picture are clipped to it: 1 (in 00.png)",)


@pytest.mark.parametrize("names", ["[pole, car]", "{0: pole, 1: car}", '{"0": pole, "1": car}', "\n- pole\n- car"])
def test_names_are_a_list_or_a_mapping(own: Own, names: str) -> None:
    folder, reader = own
    (folder / "data.yaml").write_text(f"nc: 2\nnames: {names}\n")
    assert boxes_of(samples_of(folder, reader)["01.png"]) == [tuple(drawn()["01"][0])]


def test_a_text_of_names_in_another_order_is_told(own: Own) -> None:
    folder, reader = own
    (folder / "labels/classes.txt").write_text("car\npole\n")
    reading = opened(folder, reader)
    told = "names the classes in another order than `data.yaml`, which is used"
    assert reading.warnings == (f"`labels/classes.txt` {told}",)
    assert boxes_of({one.id: one for one in reading.samples()}["01.png"])[0][0] == "car"
    other = samples_of(folder, {**reader, "names": "labels/classes.txt"})
    assert boxes_of(other["01.png"])[0][0] == "pole"


def test_without_a_file_of_names_the_recipe_numbers_the_classes(own: Own) -> None:
    folder, reader = own
    plain = {key: value for key, value in reader.items() if key != "names"}
    assert boxes_of(samples_of(folder, {**plain, "classes": ["pole", "car"]})["01.png"])[0][0] == "car"
    with pytest.raises(ValueError, match="say in `names` which file names the classes, or name them in `classes`"):
        opened(folder, plain)


def test_texts_are_found_beside_the_pictures_and_in_the_last_folder_images(tmp_path: Path) -> None:
    reader = written(tmp_path / "own", "yolo")
    folder = tmp_path / "own"
    (folder / "images/a/images").mkdir(parents=True)
    (folder / "images/a/labels").mkdir()
    (folder / "images/01.png").rename(folder / "images/a/images/01.png")
    (folder / "labels/01.txt").rename(folder / "images/a/labels/01.txt")
    assert len(boxes_of(samples_of(folder, reader)["a/images/01.png"])) == 1
    beside = tmp_path / "beside"
    shutil.copytree(folder / "labels", beside)
    for path in (folder / "images").glob("*.png"):
        shutil.copyfile(path, beside / path.name)
    (beside / "data.yaml").write_text((folder / "data.yaml").read_text())
    found = samples_of(beside, {**reader, "images": ""})
    assert boxes_of(found["02.png"]) == boxes_of(samples_of(folder, reader)["02.png"])


def test_texts_that_are_nowhere_are_no_empty_pictures(own: Own) -> None:
    folder, reader = own
    (folder / "labels").rename(folder / "boxes")
    with pytest.raises(DataError, match=r"`labels`: expected texts .*such as `labels/00.txt` for `images/00.png`"):
        opened(folder, reader)
    assert len(boxes_of(samples_of(folder, {**reader, "labels": "boxes"})["02.png"])) == 2


def test_a_text_without_its_picture_is_counted(own: Own) -> None:
    folder, reader = own
    (folder / "labels/99.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    (folder / "readme.txt").write_text("hello")
    dropped = opened(folder, reader).dropped
    assert dropped == {"annotations without their picture": 1, "no picture, by its name": 1}


def test_parts_of_a_split_are_folders_or_lists(own: Own) -> None:
    folder, reader = own
    (folder / "train.txt").write_text("".join(f"./images/{number:02d}.png\n" for number in range(8)) + "gone.png\n")
    (folder / "test.txt").write_text("".join(f"/data/images/{number:02d}.png\n" for number in range(8, 11)))
    found = samples_of(folder, {**reader, "splits": {"train": "train.txt", "test": "test.txt"}})
    assert [one.part for one in found.values()] == ["test"] * 3 + ["train"] * 9
    assert found["train/gone.png"].problem == (
        "expected the picture that `train.txt` lists, got no such file in `images`"
    )
    for part, numbers in (("train", range(8)), ("val", range(8, 12))):
        for kind, suffix in (("images", "png"), ("labels", "txt")):
            (folder / kind / part).mkdir()
            for number in numbers:
                path = folder / kind / f"{number:02d}.{suffix}"
                if path.exists():
                    path.rename(folder / kind / part / path.name)
    moved = samples_of(folder, {**reader, "splits": {"train": "train", "test": "val"}})
    assert [*moved] == sorted([*(f"train/{n:02d}.png" for n in range(8)), *(f"test/{n:02d}.png" for n in range(8, 12))])
    assert boxes_of(moved["train/01.png"]) == [tuple(drawn()["01"][0])]


def test_yaml_that_is_none_is_told(own: Own) -> None:
    folder, reader = own
    for text, said in (
        ("names: *x", "alias"),
        ("names: []", "expected names of classes, got none"),
        ("x: [", "data.yaml"),
    ):
        (folder / "data.yaml").write_text(text)
        with pytest.raises(DataError, match=said):
            opened(folder, reader)
