"""A second source: training samples that have no label, as a device would be given them."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from params.pipeline import Recipe
from tasks.contracts.records import DatasetCard
from tasks.core.errors import DataError
from tasks.data.task import _summary
from tasks.data.versions.code import code_file, write_code
from tasks.data.versions.versioning import versioned_data
from tasks.data.versions.watched import source_signature

MakeRecipe = Callable[..., Recipe]
Prepared = Callable[[Recipe], tuple[DatasetCard, Path]]
PICTURES = {"kind": "image_folder", "size": [8, 8], "channels": 3}
TABLE = {"kind": "table", "label": "label", "categorical": ["colour"]}


@pytest.fixture
def more_images(tmp_path: Path) -> Path:
    """Six pictures without a label, in folders that mean nothing."""
    folder, random = tmp_path / "camera", np.random.default_rng(5)
    (folder / "monday").mkdir(parents=True)
    for number in range(6):
        pixels = random.integers(0, 256, (12, 12, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / ("monday" if number % 2 else ".") / f"{number}.png")
    return folder


def of_folder(path: Path) -> dict[str, Any]:
    return {"source": {"kind": "folder", "path": str(path)}}


def of_file(path: Path) -> dict[str, Any]:
    return {"source": {"kind": "file", "path": str(path)}}


def ids(folder: Path, split: str) -> list[str]:
    names: list[str] = pq.read_table(folder / f"{split}.parquet")["id"].to_pylist()
    return names


def test_pictures_without_labels_become_a_split_of_their_own(
    make_recipe: MakeRecipe, images: Path, more_images: Path, prepared: Prepared
) -> None:
    source = {"kind": "folder", "path": str(images), "licence": "A"}
    further = {"source": {"kind": "folder", "path": str(more_images), "licence": "B"}}
    whole, whole_folder = prepared(make_recipe(source, PICTURES, "whole"))
    card, folder = prepared(make_recipe(source, PICTURES, "more", unlabelled=further))
    assert card.splits["unlabelled"].samples == 6
    assert sorted(ids(folder, "unlabelled"))[:2] == ["unlabelled/0.png", "unlabelled/2.png"]
    for split in whole.splits:
        assert ids(folder, split) == ids(whole_folder, split)
    (shard,) = card.splits["unlabelled"].shards
    assert not shard.targets
    pixels = np.load(folder / shard.inputs["inputs"].name)[ids(folder, "unlabelled").index("unlabelled/monday/1.png")]
    with Image.open(more_images / "monday" / "1.png") as picture:
        expected = np.asarray(picture.resize((8, 8), Image.Resampling.BOX)).transpose(2, 0, 1)
    assert pixels.shape == expected.shape
    assert abs(pixels.astype(int) - expected.astype(int)).mean() < 40, "the same picture, whatever the filter"
    assert card.statistics != whole.statistics, "the network normalises what it learns from"
    assert card.licence == "A; B"


def test_copies_and_other_files_are_left_out_and_counted(
    make_recipe: MakeRecipe, images: Path, more_images: Path, prepared: Prepared
) -> None:
    source = {"kind": "folder", "path": str(images)}
    _, folder = prepared(make_recipe(source, PICTURES, "whole"))
    for split, name in (("test", "a"), ("train", "b"), ("validation", "c")):
        shutil.copy(images / ids(folder, split)[0], more_images / f"{name}.png")
    shutil.copy(more_images / "0.png", more_images / "again.png")
    (more_images / "notes.txt").write_text("taken on monday")
    card, folder = prepared(make_recipe(source, PICTURES, "more", unlabelled=of_folder(more_images)))
    assert card.splits["unlabelled"].samples == 6
    assert card.dropped == {
        "copy of a test sample": 1,
        "copy of a training sample": 1,
        "copy of a validation sample": 1,
        "copy of a sample without label": 1,
        "file of another form, by its name": 1,
    }


def test_what_cannot_be_read_is_refused_or_goes_into_quarantine(
    make_recipe: MakeRecipe, images: Path, more_images: Path, prepared: Prepared
) -> None:
    source = {"kind": "folder", "path": str(images)}
    (more_images / "torn.png").write_bytes((more_images / "0.png").read_bytes()[:60])
    with pytest.raises(DataError, match=r"`unlabelled/torn.png`"):
        prepared(make_recipe(source, PICTURES, unlabelled=of_folder(more_images)))
    arrivals = {"bad": "quarantine", "at_most": 0.2}
    card, folder = prepared(make_recipe(source, PICTURES, unlabelled=of_folder(more_images), arrivals=arrivals))
    assert card.quarantine is not None
    assert [bad["id"] for bad in json.loads((folder / card.quarantine.file.name).read_text())] == [
        "unlabelled/torn.png"
    ]
    assert card.splits["unlabelled"].samples == 6


def test_none_that_is_new_is_refused(make_recipe: MakeRecipe, images: Path, prepared: Prepared, tmp_path: Path) -> None:
    recipe = make_recipe({"kind": "folder", "path": str(images)}, PICTURES, unlabelled=of_folder(images))
    with pytest.raises(DataError, match=r"samples without labels, got none; left out: .*12 copy of a training"):
        prepared(recipe)
    (tmp_path / "empty").mkdir()
    recipe = make_recipe({"kind": "folder", "path": str(images)}, PICTURES, unlabelled=of_folder(tmp_path / "empty"))
    with pytest.raises(DataError, match="expected samples without labels, got none; give files that end in"):
        prepared(recipe)


def test_rows_without_labels_have_the_same_features(
    make_recipe: MakeRecipe, table: Path, prepared: Prepared, tmp_path: Path
) -> None:
    more = tmp_path / "more.csv"
    more.write_text("colour,height,width,shop\na,100.5,7,x\nc,3.25,8,y\n")
    card, folder = prepared(make_recipe({"kind": "file", "path": str(table)}, TABLE, unlabelled=of_file(more)))
    (shard,) = card.splits["unlabelled"].shards
    assert card.feature_names == ("width", "height", "colour=a", "colour=b")
    assert np.load(folder / shard.inputs["inputs"].name).tolist() == [[7, 100.5, 1, 0], [8, 3.25, 0, 0]]
    assert card.warnings[-1].startswith("1 of 2 samples without labels have values that are in no other")


def test_one_wrong_row_is_one_bad_sample_and_the_others_stay(
    make_recipe: MakeRecipe, table: Path, prepared: Prepared, tmp_path: Path
) -> None:
    more = tmp_path / "more.csv"
    more.write_text("colour,height,width\na,100.5,7\nb,tall,8\na,3.25,9\nb,5.5,\n")
    recipe = make_recipe(
        *({"kind": "file", "path": str(table)}, TABLE),
        unlabelled=of_file(more),
        arrivals={"bad": "quarantine", "at_most": 0.5},
    )
    card, folder = prepared(recipe)
    assert card.splits["unlabelled"].samples == 2
    assert card.quarantine is not None
    bad = {one["id"]: one for one in json.loads((folder / card.quarantine.file.name).read_text())}
    assert [*bad] == ["unlabelled/more.csv:0000002", "unlabelled/more.csv:0000004"]
    assert "line 3: expected a number in column `height`, got `tall`" in str(bad["unlabelled/more.csv:0000002"])
    (shard,) = card.splits["unlabelled"].shards
    assert np.load(folder / shard.inputs["inputs"].name)[:, 1].tolist() == [100.5, 3.25]


def test_one_wrong_sequence_is_one_bad_sample(make_recipe: MakeRecipe, prepared: Prepared, tmp_path: Path) -> None:
    rows, more = tmp_path / "rows.csv", tmp_path / "more.csv"
    rows.write_text("\n".join(["a,b,c,label", *(f"{n},{n + 1},{n + 2},{'xy'[n % 2]}" for n in range(30))]) + "\n")
    more.write_text("a,b,c\n5,5,5\n,7,8\n")
    recipe = make_recipe(
        *({"kind": "file", "path": str(rows)}, {"kind": "wide_table", "label": "label"}),
        unlabelled=of_file(more),
        arrivals={"bad": "quarantine", "at_most": 0.5},
    )
    card, _ = prepared(recipe)
    assert card.splits["unlabelled"].samples == 1
    assert card.quarantine is not None
    assert card.quarantine.reasons == {"corrupt": 1}


def test_gaps_are_filled_as_those_of_the_labelled(make_recipe: MakeRecipe, prepared: Prepared, tmp_path: Path) -> None:
    rows, more = tmp_path / "rows.csv", tmp_path / "more.csv"
    rows.write_text("\n".join(["x,y,label", *(f"{n},{'' if n == 3 else n},{'ab'[n % 2]}" for n in range(40))]) + "\n")
    more.write_text("x,y\n3,\n100,\n")
    reader = {"kind": "table", "label": "label", "missing": "impute"}
    card, folder = prepared(make_recipe({"kind": "file", "path": str(rows)}, reader, unlabelled=of_file(more)))
    (shard,) = card.splits["unlabelled"].shards
    inputs = np.load(folder / shard.inputs["inputs"].name)
    assert len(inputs) == 1, "the first is a copy of row 3, whose gap is filled alike"
    assert card.feature_names == ("x", "y", "y is missing")
    assert inputs[0, 0] == 100
    assert inputs[0, 2] == 1
    assert 0 < inputs[0, 1] < 40


def test_other_columns_are_told(make_recipe: MakeRecipe, table: Path, prepared: Prepared, tmp_path: Path) -> None:
    more = tmp_path / "more.csv"
    more.write_text("width,colour\n7,a\n")
    recipe = make_recipe({"kind": "file", "path": str(table)}, TABLE, unlabelled=of_file(more))
    with pytest.raises(DataError, match=r"`unlabelled/more.csv`: .*`height`"):
        prepared(recipe)


def test_longer_sequences_without_labels_make_room(make_recipe: MakeRecipe, prepared: Prepared, tmp_path: Path) -> None:
    rows, more = tmp_path / "rows.csv", tmp_path / "more.csv"
    rows.write_text("\n".join(["a,b,c,label", *(f"{n},{n + 1},{n + 2},{'xy'[n % 2]}" for n in range(30))]) + "\n")
    more.write_text("a,b,c\n5,5,5\n6,7\n")
    reader = {"kind": "wide_table", "label": "label"}
    card, folder = prepared(make_recipe({"kind": "file", "path": str(rows)}, reader, unlabelled=of_file(more)))
    (shard,) = card.splits["unlabelled"].shards
    assert np.load(folder / shard.inputs["lengths"].name).tolist() == [3, 2]
    assert card.splits["unlabelled"].samples == 2


def test_a_reader_of_whole_files_has_no_samples_without_labels(
    make_recipe: MakeRecipe, prepared: Prepared, tmp_path: Path
) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("".join(f"{n},{n + 1},{n % 2}\n" for n in range(30)))
    reader = {"kind": "pixel_table", "file": "rows.csv", "shape": [1, 1, 2]}
    recipe = make_recipe({"kind": "file", "path": str(rows)}, reader, unlabelled=of_file(rows))
    with pytest.raises(DataError, match=r"`data.unlabelled`: expected a reader of single raw samples"):
        prepared(recipe)


def test_new_files_without_labels_are_noticed(
    make_recipe: MakeRecipe, images: Path, more_images: Path, project: Path
) -> None:
    recipe = make_recipe({"kind": "folder", "path": str(images)}, PICTURES, unlabelled=of_folder(more_images))
    before, asked = source_signature(project, recipe), _fetched(project, recipe)
    assert asked == _fetched(project, recipe)
    shutil.copy(images / "cat" / "1.png", more_images / "new.png")
    assert source_signature(project, recipe) != before
    assert _fetched(project, recipe) != asked
    shutil.rmtree(more_images)
    with pytest.raises(DataError, match=r"`data.unlabelled.source.path`: expected a folder, got nothing"):
        write_code(project, recipe)


def _fetched(project: Path, recipe: Recipe) -> str:
    write_code(project, recipe)
    return code_file(project, recipe.name, "fetch").read_text()


def test_new_samples_without_labels_are_a_new_version_and_the_line_of_the_run_counts_them(
    make_recipe: MakeRecipe, images: Path, more_images: Path
) -> None:
    recipe = make_recipe({"kind": "folder", "path": str(images)}, PICTURES, unlabelled=of_folder(more_images))
    first = versioned_data(Path.cwd(), recipe)
    assert "\nto learn from: 12 samples with labels and 6 without" in _summary(first)
    assert first.learned_from == "12 samples with labels and 6 without"
    assert versioned_data(Path.cwd(), recipe).reused
    with Image.open(more_images / "0.png") as picture:
        picture.rotate(90).save(more_images / "turned.png")
    second = versioned_data(Path.cwd(), recipe)
    assert second.version != first.version
    assert second.samples == {**first.samples, "unlabelled": 7}
