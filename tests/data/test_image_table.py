from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from params.pipeline import Recipe
from tasks.contracts.records import DatasetCard
from tasks.core.errors import DataError, RecipeError
from tasks.kinds.classification.names import further_classes

MakeRecipe = Callable[..., Recipe]
Prepared = Callable[[Recipe], tuple[DatasetCard, Path]]
READER: dict[str, Any] = {
    "kind": "image_table",
    "table": "data/labels.csv",
    "image": "image",
    "label": {"column": "probability", "above": 0.5, "names": ["intact", "defective"]},
    "heads": ["cell"],
    "slices": ["probability", "cell", "site"],
    "size": [6, 6],
    "channels": 1,
}
ROOT = Path(__file__).parents[2]


@pytest.fixture
def cells(tmp_path: Path) -> Path:
    """Forty grey pictures, half of them with a probability above 0.5, in turn of two kinds; one more without a row."""
    folder = tmp_path / "cells"
    (folder / "data/images").mkdir(parents=True)
    random = np.random.default_rng(0)
    lines = ["image,probability,cell,site"]
    for number in range(41):
        pixels = random.integers(0, 256, (12, 12), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"data/images/{number:02d}.png")
        lines.append(f"images/{number:02d}.png,{number % 4 / 3},{('mono', 'poly')[number % 8 // 4]},north")
    (folder / "data/labels.csv").write_text("\n".join(lines[:-1]) + "\n")
    return folder


def _recipe(make: MakeRecipe, folder: Path, split: dict[str, Any] | None = None, **reader: Any) -> Recipe:
    section = {} if split is None else {"split": split}
    return make({"kind": "folder", "path": str(folder)}, {**READER, **reader}, **section)


def _edit(folder: Path, old: str, new: str) -> None:
    path = folder / "data/labels.csv"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def test_a_table_that_was_written_on_windows_names_the_same_files(
    cells: Path, make_recipe: MakeRecipe, prepared: Prepared
) -> None:
    _edit(cells, "images/", "images\\")
    card, _ = prepared(_recipe(make_recipe, cells))
    assert sum(part.samples for part in card.splits.values()) == 40


def test_a_number_becomes_two_classes_in_the_order_of_their_names(
    cells: Path, make_recipe: MakeRecipe, prepared: Prepared
) -> None:
    card, folder = prepared(_recipe(make_recipe, cells))
    assert card.targets.names == ("intact", "defective")
    assert card.input.shape == (1, 6, 6)
    assert sum(part.samples for part in card.splits.values()) == 40
    table = pd.read_parquet(folder / "train.parquet")
    assert ((table["probability"] > 0.5) == (table["label"] == "defective")).all()


def test_each_head_is_a_column_of_labels(cells: Path, make_recipe: MakeRecipe, prepared: Prepared) -> None:
    card, folder = prepared(_recipe(make_recipe, cells))
    assert further_classes(card.targets) == {"cell": ["mono", "poly"]}
    table = pd.read_parquet(folder / "test.parquet")
    first, second = (np.load(folder / f"test-00000.targets.{name}.npy") for name in ("label", "cell"))
    assert first.dtype == second.dtype == np.int64
    assert [card.targets.names[label] for label in first] == table["label"].tolist()
    assert [further_classes(card.targets)["cell"][label] for label in second] == table["cell"].tolist()


def test_slices_are_columns_of_the_table_and_numbers_stay_numbers(
    cells: Path, make_recipe: MakeRecipe, prepared: Prepared
) -> None:
    _, folder = prepared(_recipe(make_recipe, cells))
    table = pd.read_parquet(folder / "validation.parquet")
    assert list(table.columns) == ["id", "label", "cell", "probability", "site"]
    assert table["probability"].dtype == np.float64
    assert set(table["site"]) == {"north"}


def test_a_split_by_a_column_spreads_its_values_evenly_within_each_class(
    cells: Path, make_recipe: MakeRecipe, prepared: Prepared
) -> None:
    rule = {"kind": "stratified", "validation": 0.2, "test": 0.4, "seed": 3, "by": ["cell"]}
    card, folder = prepared(_recipe(make_recipe, cells, rule))
    assert card.split_rule == {**rule, "duplicates": "refuse"}
    for part, count in (("train", 4), ("validation", 2), ("test", 4)):
        table = pd.read_parquet(folder / f"{part}.parquet")
        assert table.groupby(["label", "cell"]).size().tolist() == [count] * 4


def test_groups_too_small_to_split_are_told_together(cells: Path, make_recipe: MakeRecipe, prepared: Prepared) -> None:
    for number in (4, 6):
        _edit(cells, f"images/{number:02d}.png,{number % 4 / 3},poly", f"images/{number:02d}.png,{number % 4 / 3},rare")
    rule = {"kind": "stratified", "validation": 0.2, "test": 0.2, "seed": 0, "by": ["cell"]}
    with pytest.raises(DataError) as told:
        prepared(_recipe(make_recipe, cells, rule))
    lines = str(told.value).splitlines()
    assert [line.split("`")[3] for line in lines] == ["samples of intact, rare", "samples of defective, rare"]


def test_a_column_can_be_the_label_as_it_is(cells: Path, make_recipe: MakeRecipe, prepared: Prepared) -> None:
    card, folder = prepared(_recipe(make_recipe, cells, label="cell", heads=[], slices=[]))
    assert card.targets.names == ("mono", "poly")
    assert np.load(folder / "train-00000.targets.label.npy").ndim == 1
    assert [column.name for column in card.columns] == ["label"]


def test_a_table_without_header_is_split_at_white_space(
    cells: Path, make_recipe: MakeRecipe, prepared: Prepared
) -> None:
    path = cells / "data/labels.csv"
    path.write_text("\n".join(line.replace(",", "   ") for line in path.read_text().splitlines()[1:]) + "\n")
    columns = ["image", "probability", "cell", "site"]
    card, _ = prepared(_recipe(make_recipe, cells, columns=columns, separator="whitespace"))
    assert sum(part.samples for part in card.splits.values()) == 40


def test_rows_that_cannot_be_used_are_named_together(cells: Path, make_recipe: MakeRecipe, prepared: Prepared) -> None:
    _edit(cells, "images/00.png,0.0", "images/00.png,low")
    _edit(cells, "images/01.png,0.3333333333333333,mono", "images/01.png,0.3,")
    _edit(cells, "images/02.png", "images/none.png")
    _edit(cells, "images/03.png", "images/04.png")
    with pytest.raises(DataError) as told:
        prepared(_recipe(make_recipe, cells))
    said = str(told.value)
    assert "got 4 that cannot" in said
    assert "`images/00.png`: expected a number in column `probability`, got `low`" in said
    assert "`images/01.png`: expected a value in column `cell`, got none" in said
    assert "`images/none.png`: expected an image at `data/images/none.png` in the source, got no such file" in said
    assert "`images/04.png`: expected one row in `data/labels.csv`, got a second one" in said


def test_all_unknown_columns_are_told_at_once(cells: Path, make_recipe: MakeRecipe, prepared: Prepared) -> None:
    with pytest.raises(DataError) as told:
        prepared(_recipe(make_recipe, cells, image="path", heads=["kind"], slices=["where"]))
    lines = str(told.value).splitlines()
    assert [line.split("`")[3] for line in lines] == ["image", "heads", "slices"]
    assert "expected one of the columns image, probability, cell, site, got `path`" in lines[0]


def test_lines_of_another_length_are_named(cells: Path, make_recipe: MakeRecipe, prepared: Prepared) -> None:
    _edit(cells, "images/07.png,1.0,poly", "images/07.png,1.0")
    with pytest.raises(DataError, match=r"`data/labels.csv`: expected 4 columns in every line, got 3 in line 9;"):
        prepared(_recipe(make_recipe, cells))


def test_a_table_that_is_not_there_is_named(cells: Path, make_recipe: MakeRecipe, prepared: Prepared) -> None:
    with pytest.raises(DataError, match=r"`table`: expected one of .*, got `labels\.csv`"):
        prepared(_recipe(make_recipe, cells, table="labels.csv"))


def test_a_head_that_cannot_be_learned_is_refused(cells: Path, make_recipe: MakeRecipe, prepared: Prepared) -> None:
    with pytest.raises(DataError, match="`head site`: expected at least two classes, got only `north`"):
        prepared(_recipe(make_recipe, cells, heads=["site"], slices=[]))
    names = {"column": "probability", "above": 2, "names": ["usual", "rare"]}
    with pytest.raises(DataError, match="`head probability`: expected `rare` among the samples to train on, got none"):
        prepared(_recipe(make_recipe, cells, heads=[names], slices=[]))


def test_copies_that_disagree_about_a_further_label_are_dropped(
    cells: Path, make_recipe: MakeRecipe, prepared: Prepared
) -> None:
    (cells / "data/images/04.png").write_bytes((cells / "data/images/00.png").read_bytes())
    recipe = _recipe(make_recipe, cells)
    recipe = recipe.model_copy(update={"data": recipe.data.model_copy(update={"duplicates": "drop"})})
    assert prepared(recipe)[0].dropped == {"an image without a row in the table": 1, "duplicate with another target": 2}


@pytest.mark.parametrize(
    ("reader", "said"),
    [
        ({"label": {"column": "probability", "above": 0.5}}, "`above` needs two different `names`"),
        ({"label": {"column": "probability", "names": ["a", "b"]}}, "`above` needs two different `names`"),
        ({"heads": ["cell", "cell"]}, "`heads` has `cell` twice"),
        ({"heads": ["label"]}, "`label` is taken"),
        ({"heads": ["100 %"]}, "the head `100 %` names metrics"),
        ({"separator": "::"}, "`separator` is one character"),
        ({"size": [6]}, "`size` needs two numbers"),
        (
            {"heads": [{"column": "probability", "above": 0.5, "names": ["a", "b"]}]},
            "`probability` is read as two classes in `heads`",
        ),
    ],
)
def test_a_reader_that_contradicts_itself_is_refused(
    reader: dict[str, Any], said: str, cells: Path, make_recipe: MakeRecipe
) -> None:
    with pytest.raises(RecipeError, match=said):
        _recipe(make_recipe, cells, **reader)


def test_only_columns_that_are_kept_can_be_split_by(cells: Path, make_recipe: MakeRecipe) -> None:
    with pytest.raises(RecipeError, match=r"`split.by` names `image`, which the reader does not keep"):
        _recipe(make_recipe, cells, {"kind": "stratified", "by": ["image"]})


@pytest.mark.usefixtures("index")
@pytest.mark.slow
def test_solar_cells_are_split_as_published(make_recipe: MakeRecipe, prepared: Prepared) -> None:
    section = yaml.safe_load((ROOT / "params/solar.yaml").read_text())["data"]
    section["reader"]["size"] = [8, 8]
    card, folder = prepared(make_recipe(**section))
    assert {name: part.samples for name, part in card.splits.items()} == {"train": 1574, "validation": 394, "test": 656}
    tables = [pd.read_parquet(folder / f"{part}.parquet") for part in card.splits]
    assert pd.concat(tables).groupby(["label", "cell"]).size().to_dict() == {
        ("defective", "mono"): 369,
        ("defective", "poly"): 452,
        ("intact", "mono"): 705,
        ("intact", "poly"): 1098,
    }
