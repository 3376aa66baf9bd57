"""Tables of boxes as people write them: each oddity becomes correct boxes, a named bad sample, or one message."""

from pathlib import Path
from typing import Any

import pytest

from tasks.core.errors import DataError
from tests.data.boxes.exports import HEIGHT, WIDTH, Box, boxes_of, drawn, opened, samples_of, written

Own = tuple[Path, dict[str, Any]]


@pytest.fixture
def own(tmp_path: Path) -> Own:
    """The folder, and its reader."""
    return tmp_path / "own", written(tmp_path / "own", "table")


@pytest.mark.parametrize("form", ["corners", "corner_size", "middle_size"])
@pytest.mark.parametrize("unit", ["pixels", "parts"])
def test_four_numbers_mean_what_the_recipe_says(own: Own, form: str, unit: str) -> None:
    folder, reader = own

    def numbers(box: Box) -> tuple[float, ...]:
        _, left, top, right, bottom = box
        size = right - left, bottom - top
        middle = (left + right) / 2, (top + bottom) / 2
        found = {"corners": box[1:], "corner_size": (left, top, *size), "middle_size": (*middle, *size)}[form]
        sides = (WIDTH, HEIGHT, WIDTH, HEIGHT) if unit == "parts" else (1, 1, 1, 1)
        return tuple(value / side for value, side in zip(found, sides, strict=True))

    rows = [
        f"images/{name}.png;{';'.join(map(str, numbers(b)))};{b.name}" for name, some in drawn().items() for b in some
    ]
    (folder / "boxes.csv").write_text("\n".join(rows))
    columns = ["file", "a", "b", "c", "d", "what"]
    plain = {"columns": columns, "box": columns[1:5], "label": "what", "form": form, "unit": unit, "separator": ";"}
    found = samples_of(folder, {**reader, **plain})
    assert {name: {*boxes_of(one)} for name, one in found.items()} == {
        f"{name}.png": {tuple(box) for box in some} for name, some in drawn().items() if some
    }


def test_paths_begin_in_the_folder_of_the_table_unless_said(own: Own) -> None:
    folder, reader = own
    (folder / "images/boxes.csv").write_text((folder / "boxes.csv").read_text().replace("images/", "images\\"))
    plain = {key: value for key, value in reader.items() if key != "images"}
    assert len(samples_of(folder, {**plain, "table": "images/boxes.csv"})) == 12


def test_a_picture_without_a_row_is_left_out_and_counted(own: Own) -> None:
    folder, reader = own
    rows = (folder / "boxes.csv").read_text().splitlines()
    (folder / "boxes.csv").write_text("\n".join(row for row in rows if "/03" not in row and "/04" not in row))
    reading = opened(folder, reader)
    assert len([*reading.samples()]) == 10
    assert reading.dropped == {"pictures that no annotation tells of": 2}


@pytest.mark.parametrize(
    ("row", "id_", "said"),
    [
        ("images/01.png,1,2,3,x,car", "01.png", "line 18: expected numbers in xmin, ymin, xmax, ymax, got 1 2 3 x"),
        ("images/01.png,1,2,3,,car", "01.png", "line 18: expected numbers in xmin, ymin, xmax, ymax, got 1 2 3 "),
        ("images/01.png,1,2,3,4,", "01.png", "line 18: expected a class in column `class`, got none"),
        ("images/77.png,1,2,3,4,car", "77.png", "expected the picture in the source, got no such file"),
        ("images/01.png,1,2,3,4", "boxes.csv:0000018", "expected 6 columns, got 5"),
    ],
)
def test_a_row_that_cannot_be_read_makes_a_bad_sample(own: Own, row: str, id_: str, said: str) -> None:
    folder, reader = own
    with (folder / "boxes.csv").open("a") as stream:
        stream.write(f"{row}\n")
    assert samples_of(folder, reader)[id_].problem == said


def test_columns_say_the_split_and_what_is_ignored(own: Own) -> None:
    folder, reader = own
    header, *rows = (folder / "boxes.csv").read_text().splitlines()
    parts = ["Train", "val", "test"]
    more = [f"{row},{parts[int(row[7:9]) % 3]},{place % 2}" for place, row in enumerate(rows)]
    (folder / "boxes.csv").write_text("\n".join([f"{header},set,hard", *more]))
    reading = opened(folder, {**reader, "split": "set", "ignored": "hard"})
    found = {one.id: one for one in reading.samples()}
    assert {one.part for one in found.values()} == {"train", "validation", "test"}
    assert found["validation/01.png"].target["ignored"].tolist() == [False]
    assert found["test/02.png"].target["ignored"].tolist() != [False, False]
    (folder / "boxes.csv").write_text("\n".join([f"{header},set,hard", *more, f"{rows[-1]},x,0".replace("/09", "/10")]))
    told = {one.problem for one in opened(folder, {**reader, "split": "set"}).samples()}
    assert told == {"", "expected `train`, `validation` or `test` in column `set`, got `x`"}


def test_missing_columns_are_told_at_once(own: Own) -> None:
    folder, reader = own
    with pytest.raises(DataError) as caught:
        opened(folder, {**reader, "label": "what", "box": ["xmin", "ymin", "w", "h"]})
    assert [line.split(":")[1] for line in str(caught.value).splitlines()] == [" `label`", " `box.2`", " `box.3`"]
