"""XML of Pascal VOC as people write it: each oddity becomes correct boxes, a named bad sample, or one message."""

from pathlib import Path
from typing import Any

import pytest

from tasks.core.errors import DataError
from tests.data.boxes.exports import Box, as_voc, boxes_of, drawn, opened, samples_of, voc_file, voc_object, written

Own = tuple[Path, dict[str, Any]]
CAR = Box("car", 2, 3, 12, 13)


@pytest.fixture
def own(tmp_path: Path) -> Own:
    """The folder, and its reader."""
    return tmp_path / "own", written(tmp_path / "own", "voc")


def test_pixels_are_counted_from_1_or_from_0_as_the_recipe_says(own: Own) -> None:
    folder, reader = own
    (folder / "Annotations/00.xml").write_text(voc_file(voc_object(CAR), "00.png"))
    assert boxes_of(samples_of(folder, reader)["00.png"]) == [("car", 2, 3, 12, 13)]
    assert boxes_of(samples_of(folder, {**reader, "first_pixel": 0})["00.png"]) == [("car", 3, 4, 12, 13)]


def test_both_countings_of_one_data_set_are_the_same_boxes(own: Own) -> None:
    folder, reader = own
    before = {name: boxes_of(one) for name, one in samples_of(folder, reader).items()}
    for path in (folder / "Annotations").iterdir():
        path.unlink()
    (folder / "Annotations").rmdir()
    after = samples_of(folder, {**reader, **as_voc(folder, drawn(), first=0)})
    assert {name: boxes_of(one) for name, one in after.items()} == before


def test_difficult_objects_are_ignored_and_one_pixel_is_no_box(own: Own) -> None:
    folder, reader = own
    point = CAR._replace(left=4, right=5)  # as counted from 1: from 5 to 5
    objects = voc_object(CAR, difficult=1) + voc_object(point)
    (folder / "Annotations/00.xml").write_text(voc_file(objects, "00.png"))
    reading = opened(folder, reader)
    assert next(reading.samples()).target["ignored"].tolist() == [True]
    assert reading.dropped == {"boxes without area (in 00.png)": 1}


@pytest.mark.parametrize("size", [(0, 0), (30, 40), (4000, 3000)])
def test_a_wrong_size_changes_no_box_and_is_told_where_it_means_something(own: Own, size: tuple[int, int]) -> None:
    folder, reader = own
    (folder / "Annotations/00.xml").write_text(voc_file(voc_object(CAR), "00.png", size))
    reading = opened(folder, reader)
    assert boxes_of(next(reading.samples())) == [tuple(CAR)]
    assert bool(reading.warnings) == (size == (4000, 3000))


def test_the_name_of_the_file_decides_and_filename_where_no_picture_has_it(own: Own) -> None:
    folder, reader = own
    (folder / "Annotations/00.xml").write_text(voc_file(voc_object(CAR), "C:\\x\\01.png"))
    (folder / "Annotations/02.xml").rename(folder / "Annotations/other.xml")
    found = samples_of(folder, reader)
    assert boxes_of(found["00.png"]) == [tuple(CAR)]
    assert boxes_of(found["01.png"]) == [tuple(drawn()["01"][0])]
    assert len(boxes_of(found["02.png"])) == len(drawn()["02"])


def test_what_has_no_partner_is_counted(own: Own) -> None:
    folder, reader = own
    (folder / "Annotations/01.xml").unlink()
    (folder / "Annotations/99.xml").write_text(voc_file("", "99.png"))
    dropped = {"annotations without their picture": 1, "pictures that no annotation tells of": 1}
    assert opened(folder, reader).dropped == dropped


def test_lists_of_a_split_name_pictures_and_missing_files_are_bad_samples(own: Own) -> None:
    folder, reader = own
    lists = folder / "ImageSets/Main"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("".join(f"{number:02d}\n" for number in range(6)))
    (lists / "val.txt").write_text("".join(f"{number:02d}  {(-1) ** number}\n" for number in range(6, 9)))
    (lists / "test.txt").write_text("09\n10\n77\n")
    (folder / "Annotations/09.xml").unlink()
    names = {"train": "train", "validation": "val", "test": "test"}
    splits = {part: f"ImageSets/Main/{name}.txt" for part, name in names.items()}
    reading = opened(folder, {**reader, "splits": splits})
    found = {one.id: one for one in reading.samples()}
    assert [(one.id, one.part) for one in found.values() if one.problem] == [
        ("test/09.png", "test"),
        ("test/77", "test"),
    ]
    assert found["test/09.png"].problem == "expected its file `09.xml`, got no such file"
    assert [one.part for one in found.values()].count("validation") == 3
    assert reading.dropped == {"pictures that no annotation tells of": 1}
    (lists / "test.txt").write_text("05\n09\n")
    with pytest.raises(
        DataError, match=r"expected every picture in one part, got 1 in two: images/05.png \(test and train"
    ):
        opened(folder, {**reader, "splits": splits})
    with pytest.raises(DataError, match=r"`splits.test`: expected a file of the source, got `no.txt`; there are Image"):
        opened(folder, {**reader, "splits": {**splits, "test": "no.txt"}})


def test_folders_of_a_split_hold_pictures_and_files(own: Own) -> None:
    folder, reader = own
    for part, numbers in (("train", range(8)), ("test", range(8, 12))):
        (folder / part).mkdir()
        for number in numbers:
            (folder / f"images/{number:02d}.png").rename(folder / part / f"{number:02d}.png")
            (folder / f"Annotations/{number:02d}.xml").rename(folder / part / f"{number:02d}.xml")
    together = {**reader, "images": "", "annotations": "", "splits": {"train": "train", "test": "test"}}
    assert [one.part for one in samples_of(folder, together).values()] == ["test"] * 4 + ["train"] * 8


BOMB = '<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
OUTSIDE = '<!DOCTYPE a SYSTEM "file:///etc/passwd">'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{BOMB}<annotation><filename>&c;</filename></annotation>", "without a document type, got `<!DOCTYPE`"),
        (f"{OUTSIDE}<annotation/>", "without a document type"),
        ("<annotation><object>", "expected XML, got no element found"),
        ("", "expected XML"),
        ("<a>" * 40 + "</a>" * 40, "at most 32 elements inside of each other"),
        (voc_file("<object><bndbox/></object>", "01.png"), "expected a `<name>` in every `<object>`, got none"),
        (voc_file("<object><name>car</name></object>", "01.png"), "expected numbers in `<bndbox>` of `car`, got None"),
        (voc_file(voc_object(CAR).replace("13", "x"), "01.png"), "in `<bndbox>` of `car`, got 3 4 12 x"),
    ],
)
def test_a_file_that_cannot_be_read_makes_a_bad_sample(own: Own, text: str, said: str) -> None:
    folder, reader = own
    (folder / "Annotations/01.xml").write_text(text)
    problem = samples_of(folder, reader)["01.png"].problem
    assert problem.startswith("`Annotations/01.xml`: ")
    assert said in problem


def test_a_folder_without_files_is_told(own: Own) -> None:
    folder, reader = own
    with pytest.raises(DataError, match="`annotations`: expected XML files in `labels`, got none; correct the folder"):
        opened(folder, {**reader, "annotations": "labels"})
    with pytest.raises(DataError, match="`images`: expected pictures in `photos`, got none; correct it"):
        opened(folder, {**reader, "images": "photos"})
