"""Bad samples: what is left is what it would be had they never arrived, and each is named with its reason."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from params.pipeline import Recipe
from tasks.contracts.records import DatasetCard
from tasks.core.errors import DataError, RecipeError
from tasks.core.files import sha256_of
from tasks.data.versions.versioning import recorded_version, versioned_data

MakeRecipe = Callable[..., Recipe]
Prepared = Callable[[Recipe], tuple[DatasetCard, Path]]
QUARANTINE = {"bad": "quarantine", "at_most": 0.5}
OFFICIAL = {"kind": "official", "validation": 0.2, "seed": 0}


def arrays(folder: Path) -> dict[str, str]:
    """Returns the digests of all prepared files but those that speak of the quarantine."""
    return {path.name: sha256_of(path) for path in sorted(folder.iterdir()) if path.suffix != ".json"}


def quarantined(folder: Path) -> dict[str, tuple[str, str]]:
    """Returns id -> (reason, what was said) as the file has it."""
    rows = json.loads((folder / "quarantine.json").read_text())
    return {row["id"]: (row["reason"], row["message"]) for row in rows}


Case = tuple[dict[str, Any], Callable[[], None], dict[str, str]]
"""a data section, what makes its source bad, and id -> reason of what is bad then"""


@pytest.fixture
def pictures(images: Path) -> Case:
    def spoil() -> None:
        (images / "cat/0a.png").write_text("no image")
        (images / "dog/zz.png").write_bytes((images / "dog/1.png").read_bytes()[:200])
        (images / "emu").mkdir()
        Image.new("RGB", (12, 12)).save(images / "emu/0.png")
        Image.new("RGB", (12, 12)).save(images / "astray.png")

    section = {
        "source": {"kind": "folder", "path": str(images)},
        "reader": {"kind": "image_folder", "size": [8, 8]},
        "classes": ["cat", "dog"],
    }
    bad = {"cat/0a.png": "corrupt", "dog/zz.png": "corrupt", "emu/0.png": "unknown label", "astray.png": "corrupt"}
    return section, spoil, bad


@pytest.fixture
def rows(table: Path) -> Case:
    def spoil() -> None:
        with table.open("a") as stream:
            stream.write("30,15.1,a,0,0\n31,,b,1\nmany,16.1,a,2\n32,16.6,a,7\n33,17.1,,1\n34,inf,a,1\n35,1.5,b\n")

    section = {
        "source": {"kind": "file", "path": str(table)},
        "reader": {"kind": "table", "label": "label", "categorical": ["colour"]},
        "classes": ["0", "1", "2"],
    }
    # A line that is too long is no row, so the rows behind it are counted without it.
    reasons = dict.fromkeys((f"row {row:08d}" for row in (31, 32, 34, 35, 36)), "corrupt")
    return section, spoil, reasons | {"line 00000032": "corrupt", "row 00000033": "unknown label"}


@pytest.fixture
def sequences(tmp_path: Path) -> Case:
    folder = tmp_path / "series"
    folder.mkdir()
    header = "@dimensions 2\n@classLabel true 0 1\n@data\n"
    for part, offset in (("train", 0), ("test", 100)):
        lines = [f"{offset + n},1:{n},2:{n % 2}" for n in range(12)]
        (folder / f"{part}.ts").write_text(header + "\n".join(lines) + "\n")

    def spoil() -> None:
        with (folder / "train.ts").open("a") as stream:
            stream.write("1,?:1,2:0\n1,2:3,4:5,6:0\n1,2:3:1\n7,8:9,10:5\n")

    section = {
        "source": {"kind": "folder", "path": str(folder)},
        "reader": {"kind": "time_series", "train": "train.ts", "test": "test.ts"},
        "split": OFFICIAL,
    }
    names = [f"train.ts:{line:07d}" for line in range(16, 20)]
    return section, spoil, dict(zip(names, ["corrupt"] * 3 + ["unknown label"], strict=True))


@pytest.fixture
def listed_pictures(images: Path) -> Case:
    lines = [f"{label}/{n}.png,{label}" for label in ("cat", "dog") for n in range(10)]
    (images / "list.csv").write_text("\n".join(["image,label", *lines]) + "\n")

    def spoil() -> None:
        (images / "cat/bad.png").write_text("no image")
        Image.new("RGB", (12, 12)).save(images / "cat/odd.png")
        Image.new("RGB", (12, 12), "red").save(images / "cat/none.png")
        with (images / "list.csv").open("a") as stream:
            stream.write("cat/bad.png,cat\ncat/gone.png,cat\ncat/odd.png,emu\ncat/none.png,\ncat/1.png,cat,2\n")

    section = {
        "source": {"kind": "folder", "path": str(images)},
        "reader": {"kind": "image_table", "table": "list.csv", "image": "image", "label": "label", "size": [8, 8]},
        "classes": ["cat", "dog"],
    }
    corrupt = dict.fromkeys(("cat/bad.png", "cat/gone.png", "cat/none.png", "list.csv:0000026"), "corrupt")
    return section, spoil, corrupt | {"cat/odd.png": "unknown label"}


@pytest.fixture
def pixels(tmp_path: Path) -> Case:
    path = tmp_path / "pixels.csv"
    path.write_text("\n".join(f"{n},{n},{n},{n},{n % 2}" for n in range(20)) + "\n")

    def spoil() -> None:
        with path.open("a") as stream:
            stream.write("1,2,3,0\n1,2,3,300,1\n1,2,3,4,9\n")

    section = {
        "source": {"kind": "file", "path": str(path)},
        "reader": {"kind": "pixel_table", "file": "pixels.csv", "shape": [1, 2, 2]},
        "classes": ["0", "1"],
    }
    return (
        section,
        spoil,
        {
            "line 0000021": "corrupt",
            "line 0000022": "corrupt",
            "line 0000023": "unknown label",
        },
    )


@pytest.mark.parametrize("kind", ["pictures", "rows", "sequences", "listed_pictures", "pixels"])
def test_what_is_left_is_what_it_would_be_had_the_bad_never_arrived(
    kind: str, request: pytest.FixtureRequest, make_recipe: MakeRecipe, prepared: Prepared
) -> None:
    section, spoil, bad = request.getfixturevalue(kind)
    recipe, stopping = make_recipe(**section, arrivals=QUARANTINE), make_recipe(**section, name="stopping")
    card, folder = prepared(recipe)
    assert (card.quarantine, (folder / "quarantine.json").exists()) == (None, False)
    clean = arrays(folder)
    spoil()
    card, folder = prepared(recipe)
    assert arrays(folder) == clean
    assert {name: reason for name, (reason, _) in quarantined(folder).items()} == bad
    assert card.quarantine is not None
    assert card.quarantine.reasons == {reason: [*bad.values()].count(reason) for reason in sorted({*bad.values()})}
    assert card.quarantine.file.sha256 == sha256_of(folder / "quarantine.json")
    with pytest.raises(DataError):
        prepared(stopping)


def test_a_reason_says_what_was_expected_and_what_came(rows: Case, make_recipe: MakeRecipe, prepared: Prepared) -> None:
    section, spoil, _ = rows
    spoil()
    said = {
        name: words
        for name, (_, words) in quarantined(prepared(make_recipe(**section, arrivals=QUARANTINE))[1]).items()
    }
    assert said == {
        "line 00000032": "expected 4 fields, got 5",
        "row 00000031": "expected a value in column `height`, got none",
        "row 00000032": "expected a number in column `width`, got `many`",
        "row 00000033": "expected a label among 0, 1, 2, got `7`",
        "row 00000034": "expected a value in column `colour`, got none",
        "row 00000035": "expected a number in column `height`, got `inf`",
        "row 00000036": "expected a value in column `label`, got none",
    }


def test_an_unknown_label_stops_where_nothing_else_is_said(
    rows: Case, make_recipe: MakeRecipe, table: Path, prepared: Prepared
) -> None:
    with table.open("a") as stream:
        stream.write("32,16.6,a,7\n")
    with pytest.raises(DataError, match="`row 00000031`: expected a label among 0, 1, 2, got `7`"):
        prepared(make_recipe(**rows[0]))


def test_the_order_of_the_classes_is_that_of_the_recipe(
    images: Path, make_recipe: MakeRecipe, prepared: Prepared
) -> None:
    source, reader = {"kind": "folder", "path": str(images)}, {"kind": "image_folder", "size": [8, 8]}
    assert prepared(make_recipe(source, reader, classes=["dog", "cat"]))[0].targets.names == ("dog", "cat")
    with pytest.raises(DataError, match="`samples of emu`: expected at least 3 samples, one per split, got none"):
        prepared(make_recipe(source, reader, classes=["dog", "cat", "emu"]))


def test_classes_are_said_in_one_place_and_once(images: Path, make_recipe: MakeRecipe) -> None:
    idx = {"images": "i", "labels": "l"}
    reader = {"kind": "idx", "train": idx, "test": {**idx}, "classes": ["a", "b"]}
    source = {"kind": "folder", "path": str(images)}
    with pytest.raises(RecipeError, match="`classes` goes without those of `reader`"):
        make_recipe(source, reader, split=OFFICIAL, classes=["b", "a"])
    with pytest.raises(RecipeError, match="`cat` is there twice"):
        make_recipe(source, {"kind": "image_folder", "size": [8, 8]}, classes=["cat", "cat"])


def test_more_bad_samples_than_allowed_are_a_broken_source(
    rows: Case, make_recipe: MakeRecipe, prepared: Prepared
) -> None:
    section, spoil, bad = rows
    spoil()
    allowed = make_recipe(**section, arrivals={"bad": "quarantine", "at_most": 7 / 37})
    assert len(quarantined(prepared(allowed)[1])) == len(bad) == 7
    with pytest.raises(DataError) as told:
        prepared(make_recipe(**section, arrivals={"bad": "quarantine", "at_most": 0.18}))
    first, *shown, last = str(told.value).splitlines()
    assert first.startswith(
        "`params/mine.yaml`: `data.arrivals.at_most`: expected at most 0.18 of 37 samples to be bad"
    )
    assert "got 7 (6 corrupt, 1 unknown label); the source is broken" in first
    assert len(shown) == 5
    assert last == "  and 2 more"


def test_a_copy_of_a_test_sample_goes_the_test_sample_stays_and_the_split_is_as_it_was(
    table: Path, make_recipe: MakeRecipe, prepared: Prepared
) -> None:
    source = {"kind": "file", "path": str(table)}
    reader = {"kind": "table", "label": "label", "categorical": ["colour"]}
    recipes = {
        rule: make_recipe(source, reader, rule, duplicates=rule, arrivals=QUARANTINE) for rule in ("refuse", "drop")
    }
    card, folder = prepared(recipes["refuse"])
    clean, lines = arrays(folder), table.read_text().splitlines()[1:]
    there = {part: _first(folder, part) for part in card.splits}
    with table.open("a") as stream:
        stream.write(lines[there["test"] - 1] + "\n" + lines[there["train"] - 1] + "\n")
        stream.write(lines[there["test"] - 1][:-1] + "9\n")
    card, folder = prepared(recipes["refuse"])
    assert arrays(folder) == clean
    of_test = f"expected a sample that is not there yet, got a copy of `row {there['test']:08d}`"
    found = quarantined(folder)
    assert found["row 00000031"] == ("copy of a test sample", of_test)
    assert found["row 00000032"][0] == "copy of a training sample"
    assert found["row 00000033"][1].startswith(f"{of_test}, whose `label` is `")
    card, folder = prepared(recipes["drop"])
    assert arrays(folder) == clean
    assert (list(quarantined(folder)), card.dropped) == (["row 00000031", "row 00000033"], {"duplicate": 1})
    keeping = make_recipe(source, reader, "keep", duplicates="keep", classes=["0", "1", "2"], arrivals=QUARANTINE)
    assert list(quarantined(prepared(keeping)[1])) == ["row 00000033"]


def _first(folder: Path, part: str) -> int:
    import pyarrow.parquet as pq

    return int(pq.read_table(folder / f"{part}.parquet")["id"][0].as_py().split()[1])


def test_a_published_test_sample_stays_whatever_label_its_copy_has(
    sequences: Case, make_recipe: MakeRecipe, prepared: Prepared
) -> None:
    section, _, _ = sequences
    recipe = make_recipe(**section, duplicates="drop", arrivals=QUARANTINE)
    clean = arrays(prepared(recipe)[1])
    with Path(section["source"]["path"], "train.ts").open("a") as stream:
        stream.write("101,1:1,2:0\n")
    _, folder = prepared(recipe)
    assert arrays(folder) == clean
    ((name, (reason, said)),) = quarantined(folder).items()
    assert (name, reason) == ("train.ts:0000016", "copy of a test sample")
    assert said.endswith("got a copy of `test.ts:0000005`, whose `label` is `1` and not `0`")


def stands(project: Path) -> tuple[bytes, dict[str, str]]:
    """Returns the lock, and the digests of raw and prepared data."""
    files = [path for path in sorted((project / "data/mine").rglob("*")) if path.is_file()]
    return (project / "dvc.lock").read_bytes(), {str(path): sha256_of(path) for path in files}


def test_a_broken_source_leaves_the_last_good_data_and_its_lock_as_they_were(
    rows: Case, project: Path, make_recipe: MakeRecipe
) -> None:
    section, spoil, _ = rows
    recipe = make_recipe(**section, arrivals={"bad": "quarantine", "at_most": 0.05})
    good, before = versioned_data(project, recipe), stands(project)
    spoil()
    with pytest.raises(DataError, match=r"`data\.arrivals\.at_most`: expected at most 0\.05 of 37 samples"):
        versioned_data(project, recipe)
    assert stands(project) == before
    assert recorded_version(project, "mine") == good.version


@pytest.mark.parametrize("bad", ["stop", pytest.param("quarantine", marks=pytest.mark.slow)])
def test_another_schema_stops_in_either_mode_until_the_recipe_says_that_it_is_meant(
    bad: str, table: Path, project: Path, make_recipe: MakeRecipe
) -> None:
    source = {"kind": "file", "path": str(table)}
    reader = {"kind": "table", "label": "label", "categorical": ["colour"]}
    recipe = make_recipe(source, reader, arrivals={"bad": bad})
    good, before = versioned_data(project, recipe), stands(project)
    lines = [line.split(",") for line in table.read_text().splitlines()]
    table.write_text("\n".join(",".join([cells[0], *cells[2:]]) for cells in lines) + "\n")
    with pytest.raises(DataError) as told:
        versioned_data(project, recipe)
    assert str(told.value) == (
        "`data of mine`: `schema`: expected vectors of 4 float32 features, as in the last version, got vectors of 3"
        " float32 features, without `height`; correct the source; if that is meant, raise `data.schema_version` in"
        " `params/mine.yaml`"
    )
    assert stands(project) == before
    table.write_text("\n".join(",".join(cells[:-1]) for cells in lines) + "\n")
    with pytest.raises(DataError, match=r"`label`: expected one of the columns width, height, colour, got `label`"):
        versioned_data(project, recipe)
    assert stands(project) == before
    table.write_text("\n".join(",".join([cells[0], *cells[2:]]) for cells in lines) + "\n")
    meant = make_recipe(source, reader, arrivals={"bad": bad}, schema_version=2)
    assert versioned_data(project, meant).version != good.version


def test_a_quarantine_that_was_changed_is_found(rows: Case, project: Path, make_recipe: MakeRecipe) -> None:
    section, spoil, bad = rows
    spoil()
    recipe = make_recipe(**section, arrivals=QUARANTINE)
    data = versioned_data(project, recipe)
    assert data.in_quarantine == f"{len(bad)} samples (6 corrupt, 1 unknown label)"
    listed = json.loads((Path(data.directory) / "dataset.json").read_text())["quarantine"]["file"]
    assert listed["sha256"] == sha256_of(Path(data.directory) / "quarantine.json")
