import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from params.pipeline import Recipe
from tasks.contracts.records import DatasetCard
from tasks.core.errors import DataError

MakeRecipe = Callable[..., Recipe]
Prepared = Callable[[Recipe], tuple[DatasetCard, Path]]
IMAGES = {"kind": "image_folder", "size": [8, 8], "channels": 3}
TABLE = {"kind": "table", "label": "label"}
OFFICIAL = {"kind": "official", "validation": 0.3, "seed": 0}
SERIES = {"kind": "time_series", "train": "a_TRAIN.ts", "test": "a_TEST.ts"}
HEADER = "# comment\n@problemName a\n@timeStamps false\n@dimensions 2\n@classLabel true 1 2\n@data\n"


def _file(path: Path, text: str) -> dict[str, Any]:
    path.write_text(text)
    return {"kind": "file", "path": str(path)}


@pytest.mark.parametrize("name", ["p.csv", "p.csv.gz"])
def test_pixel_table_becomes_images(name: str, tmp_path: Path, make_recipe: MakeRecipe, prepared: Prepared) -> None:
    path, text = tmp_path / name, "".join(f"{n},1,2,255,{n % 2}\n" for n in range(12))
    path.write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    card, folder = prepared(
        make_recipe({"kind": "file", "path": str(path)}, {"kind": "pixel_table", "file": name, "shape": [1, 2, 2]})
    )
    assert (card.input.layout, card.input.dtype, card.input.shape) == ("image", "uint8", (1, 2, 2))
    assert np.load(folder / "test-00000.inputs.npy")[0, 0, 1].tolist() == [2, 255]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("1,2,0", "`line 0000013`: expected 4 pixels and a label, got 3 columns"),
        ("1,2,3,300,0", "whole numbers in 0..255"),
        ("1,2,3,nan,0", "whole numbers in 0..255"),
        ("1,2,3,x,0", "expected numbers"),
    ],
)
def test_bad_rows_of_pixels_are_named(
    row: str, said: str, tmp_path: Path, make_recipe: MakeRecipe, prepared: Prepared
) -> None:
    source = _file(tmp_path / "p.csv", "".join(f"{n},1,2,3,{n % 2}\n" for n in range(12)) + row + "\n")
    with pytest.raises(DataError, match=said):
        prepared(make_recipe(source, {"kind": "pixel_table", "file": "p.csv", "shape": [1, 2, 2]}))


def test_a_file_that_was_not_fetched_is_named_with_those_that_were(
    tmp_path: Path, make_recipe: MakeRecipe, prepared: Prepared
) -> None:
    source = _file(tmp_path / "p.csv", "1,0\n")
    with pytest.raises(DataError, match=r"`data.reader`: `file`: expected one of `p\.csv`, got `q\.csv`"):
        prepared(make_recipe(source, {"kind": "pixel_table", "file": "q.csv", "shape": [1, 1, 1]}))


def test_a_file_that_is_not_gzip_is_refused(tmp_path: Path, make_recipe: MakeRecipe, prepared: Prepared) -> None:
    source = _file(tmp_path / "p.csv.gz", "1,0\n")
    with pytest.raises(DataError, match="expected CSV text"):
        prepared(make_recipe(source, {"kind": "pixel_table", "file": "p.csv.gz", "shape": [1, 1, 1]}))


def test_image_folders_become_images(image_recipe: Recipe, prepared: Prepared) -> None:
    card, folder = prepared(image_recipe)
    assert card.targets.names == ("cat", "dog")
    assert card.input.shape == (3, 8, 8)
    assert {name: split.samples for name, split in card.splits.items()} == {"train": 12, "validation": 4, "test": 4}
    assert pd.read_parquet(folder / "test.parquet")["id"].str.match(r"(cat|dog)/\d\.png").all()


def test_images_are_turned_upright_and_16_bits_are_scaled(
    images: Path, make_recipe: MakeRecipe, prepared: Prepared
) -> None:
    for path in images.glob("*/*.png"):
        shade = int(path.stem) * 20 + (path.parent.name == "dog") * 10 + 5
        Image.fromarray(np.full((8, 8), shade * 256, dtype=np.uint16)).save(path)
    recipe = make_recipe({"kind": "folder", "path": str(images)}, {**IMAGES, "channels": 1})
    _, folder = prepared(recipe)
    assert set(np.unique(np.load(folder / "train-00000.inputs.npy"))) <= {*range(5, 200, 10)}


def test_every_unreadable_image_is_named(images: Path, image_recipe: Recipe, prepared: Prepared) -> None:
    whole = (images / "cat/0.png").read_bytes()
    (images / "cat/0.png").write_bytes(whole[: len(whole) // 2])
    (images / "dog/1.png").write_text("not an image")
    with pytest.raises(DataError) as told:
        prepared(image_recipe)
    assert "`cat/0.png`: expected a whole image" in str(told.value)
    assert "`dog/1.png`: expected an image, got a file that begins with 6e 6f 74 20 61 6e 20 69" in str(told.value)


def test_an_empty_class_folder_is_named(images: Path, image_recipe: Recipe, prepared: Prepared) -> None:
    (images / "emu").mkdir()
    with pytest.raises(DataError, match="`emu`: expected images in a class folder, got an empty folder; put"):
        prepared(image_recipe)


def test_images_beside_class_folders_are_named(images: Path, image_recipe: Recipe, prepared: Prepared) -> None:
    (images / "cat/0.png").rename(images / "astray.png")
    with pytest.raises(DataError, match=r"inside class folders, got 1 beside them: `astray\.png`"):
        prepared(image_recipe)


def test_a_folder_without_classes_is_refused(tmp_path: Path, make_recipe: MakeRecipe, prepared: Prepared) -> None:
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match="expected a folder per class, got none"):
        prepared(make_recipe({"kind": "folder", "path": str(tmp_path / "none")}, IMAGES))


def test_images_need_a_folder(table: Path, make_recipe: MakeRecipe, prepared: Prepared) -> None:
    with pytest.raises(DataError, match="`kind: folder`"):
        prepared(make_recipe({"kind": "file", "path": str(table)}, IMAGES))


@pytest.fixture
def series(tmp_path: Path) -> Path:
    folder = tmp_path / "series"
    folder.mkdir()
    for part, offset in (("TRAIN", 0.0), ("TEST", 0.5)):
        rows = [f"{n + offset}{',1' * (n % 3)}:{n + offset}{',2' * (n % 3)}:{n % 2 + 1}" for n in range(8)]
        (folder / f"a_{part}.ts").write_text(HEADER + "\n".join(rows) + "\n")
    return folder


def _series_recipe(make_recipe: MakeRecipe, series: Path) -> Recipe:
    return make_recipe({"kind": "folder", "path": str(series)}, SERIES, split=OFFICIAL)


def test_time_series_keep_their_published_split_and_their_lengths(
    series: Path, make_recipe: MakeRecipe, prepared: Prepared
) -> None:
    card, folder = prepared(_series_recipe(make_recipe, series))
    assert (card.input.layout, card.input.shape) == ("sequence", (3, 2))
    assert {name: split.samples for name, split in card.splits.items()} == {"train": 6, "validation": 2, "test": 8}
    ids = pd.read_parquet(folder / "test.parquet")["id"]
    assert ids.str.startswith("a_TEST.ts:").all()
    inputs, lengths = np.load(folder / "test-00000.inputs.npy"), np.load(folder / "test-00000.lengths.npy")
    assert lengths.dtype == np.int32
    assert lengths[:3].tolist() == [1, 2, 3]
    assert inputs[1].tolist() == [[1.5, 1.5], [1.0, 2.0], [0.0, 0.0]]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("1,2:3:1", r"`a_TEST.ts:0000015`: expected numbers, equally many .* lengths \[1, 2\]"),
        ("1:2:3:1", "expected 2 dimensions, got 3"),
        ("1,?:1,2:1", "1 of 4 that are NaN or infinite"),
        ("77:78:5", "`a_TEST.ts:0000015`: expected a label among 1, 2, got `5`"),
    ],
)
def test_bad_sequences_are_named(
    line: str, said: str, series: Path, make_recipe: MakeRecipe, prepared: Prepared
) -> None:
    with (series / "a_TEST.ts").open("a") as stream:
        stream.write(line + "\n")
    with pytest.raises(DataError, match=said):
        prepared(_series_recipe(make_recipe, series))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("@data", "@date", "expected a line `@data`"),
        ("@dimensions 2", "", "`@dimensions`: expected a whole number, got none"),
        ("@classLabel true 1 2", "@classLabel false", "`@classLabel`: expected `true`"),
        ("@timeStamps false", "@timeStamps true", "`@timeStamps`: expected false"),
        ("@dimensions 2", "@dimensions 3", "`@header`: expected that of"),
    ],
)
def test_headers_that_cannot_be_read_are_told(
    old: str, new: str, said: str, series: Path, make_recipe: MakeRecipe, prepared: Prepared
) -> None:
    path = series / "a_TEST.ts"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(DataError, match=said):
        prepared(_series_recipe(make_recipe, series))


def test_table_columns_become_features(table_recipe: Recipe, prepared: Prepared) -> None:
    card, folder = prepared(table_recipe)
    assert card.feature_names == ("width", "height", "colour=a", "colour=b")
    assert card.targets.names == ("0", "1", "2")
    inputs = np.load(folder / "train-00000.inputs.npy")
    assert inputs.dtype == np.float32
    assert (inputs[:, 2] + inputs[:, 3] == 1).all()


def test_parquet_reads_like_csv(table: Path, table_recipe: Recipe, make_recipe: MakeRecipe, prepared: Prepared) -> None:
    first = prepared(table_recipe)[0]
    path = table.with_suffix(".parquet")
    pd.read_csv(table).to_parquet(path)
    reader = {"kind": "table", "label": "label", "categorical": ["colour"]}
    second = prepared(make_recipe({"kind": "file", "path": str(path)}, reader, name="other"))[0]
    assert second.splits == first.splits


def test_all_columns_that_cannot_be_used_are_told_at_once(
    tmp_path: Path, make_recipe: MakeRecipe, prepared: Prepared
) -> None:
    source = _file(tmp_path / "t.csv", "a,b,c,label\n1,x,y,0\n2,x,z,1\n")
    with pytest.raises(DataError) as told:
        prepared(make_recipe(source, {**TABLE, "ignore": ["d"]}))
    assert "got `b`, `c`; add them to `data.reader.categorical` or to `data.reader.ignore`" in str(told.value)
    assert "`ignore`: expected one of the columns a, b, c, label, got `d`" in str(told.value)


def test_the_label_cannot_be_ignored(table: Path, make_recipe: MakeRecipe, prepared: Prepared) -> None:
    reader = {**TABLE, "categorical": ["colour"], "ignore": ["label"]}
    with pytest.raises(DataError, match="`ignore`: expected columns other than the label, got `label`"):
        prepared(make_recipe({"kind": "file", "path": str(table)}, reader))


def test_missing_values_are_refused_with_their_number_or_dropped(
    table: Path, make_recipe: MakeRecipe, prepared: Prepared
) -> None:
    table.write_text(table.read_text().replace("\n29,", "\n,"))
    reader = {**TABLE, "categorical": ["colour"]}
    source = {"kind": "file", "path": str(table)}
    with pytest.raises(DataError, match=r"no missing values, got `width` 1 of 30 rows"):
        prepared(make_recipe(source, reader))
    card, _ = prepared(make_recipe(source, {**reader, "missing": "drop"}))
    assert card.dropped == {"missing value": 1}


def test_a_table_that_is_none_is_refused(tmp_path: Path, make_recipe: MakeRecipe, prepared: Prepared) -> None:
    with pytest.raises(DataError, match="expected a CSV or Parquet table"):
        prepared(make_recipe(_file(tmp_path / "t.parquet", "no"), TABLE))
    with pytest.raises(DataError, match="expected one file that ends in"):
        prepared(make_recipe(_file(tmp_path / "t.xlsx", "no"), TABLE))


def test_infinite_values_of_a_table_are_named(table: Path, table_recipe: Recipe, prepared: Prepared) -> None:
    table.write_text(table.read_text() + "inf,1,a,0\n")
    with pytest.raises(DataError, match=r"`row 00000031`: expected a number in column `width`, got `inf`"):
        prepared(table_recipe)
