from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from params.pipeline import Recipe
from tasks.contracts.records import DatasetCard
from tasks.core.errors import DataError, RecipeError
from tasks.training.network import PreparedData
from tests.data.conftest import MODELS

MakeRecipe = Callable[..., Recipe]
Prepared = Callable[[Recipe], tuple[DatasetCard, Path]]
TABLE = {"kind": "table", "label": "label"}
ANSWERS = {"kind": "answers", "file": "answers.csv"}
TUNED = {**MODELS["student"], "fine_tune": {"epochs": 1}}


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Ninety rows of two classes, twice as many of one as of the other."""
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["x,y,label", *(f"{n},{n / 7},{'ab'[n % 3 == 0]}" for n in range(90))]) + "\n")
    return path


def ids(folder: Path, split: str) -> list[str]:
    names: list[str] = pq.read_table(folder / f"{split}.parquet")["id"].to_pylist()
    return names


def test_some_training_samples_keep_their_labels_class_by_class(
    make_recipe: MakeRecipe, rows: Path, prepared: Prepared
) -> None:
    source = {"kind": "file", "path": str(rows)}
    whole, folder = prepared(make_recipe(source, TABLE, "whole"))
    few, few_folder = prepared(make_recipe(source, TABLE, "few", labels={"keep": 12}))
    assert few.splits["train"].summary == {"label": {"a": 8, "b": 4}}
    for split in ("validation", "test"):
        assert ids(folder, split) == ids(few_folder, split)
    assert sorted(ids(few_folder, "train") + ids(few_folder, "unlabelled")) == ids(folder, "train")
    without = few.splits["unlabelled"]
    assert without.samples == whole.splits["train"].samples - 12
    assert all(not shard.targets for shard in without.shards)
    assert pq.read_schema(few_folder / "unlabelled.parquet").names == ["id"], "no label is there to be looked at"
    assert whole.statistics == few.statistics, "inputs alone decide it"


def test_a_share_of_the_labels_and_another_seed(make_recipe: MakeRecipe, rows: Path, prepared: Prepared) -> None:
    source = {"kind": "file", "path": str(rows)}
    one, folder = prepared(make_recipe(source, TABLE, "one", labels={"keep": 0.5}))
    _, other = prepared(make_recipe(source, TABLE, "other", labels={"keep": 0.5, "seed": 1}))
    assert one.splits["train"].samples == one.splits["unlabelled"].samples == 27
    assert ids(folder, "train") != ids(other, "train")
    assert ids(folder, "test") == ids(other, "test")


def test_a_copy_of_a_sample_with_a_label_is_left_out(
    make_recipe: MakeRecipe, tmp_path: Path, prepared: Prepared
) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["x,label", *(f"{n // 10},{'ab'[n // 10 % 2]}" for n in range(100))]) + "\n")
    recipe = make_recipe({"kind": "file", "path": str(path)}, TABLE, labels={"keep": 10}, duplicates="keep")
    card, folder = prepared(recipe)
    left_out = card.dropped["copy of a training sample"]
    assert left_out + card.splits["unlabelled"].samples == 50
    inputs = {
        split: {
            value
            for shard in card.splits[split].shards
            for value in np.load(folder / shard.inputs["inputs"].name)[:, 0].tolist()
        }
        for split in ("train", "unlabelled")
    }
    assert not inputs["train"] & inputs["unlabelled"]


@pytest.mark.parametrize(("keep", "got"), [(0.01, 1), (54, 54), (200, 200)])
def test_too_few_or_too_many_labels_are_refused(
    make_recipe: MakeRecipe, rows: Path, prepared: Prepared, keep: float, got: int
) -> None:
    said: dict[str, Any] = {"labels": {"keep": keep}}
    recipe = make_recipe({"kind": "file", "path": str(rows)}, TABLE, **said)
    with pytest.raises(DataError, match=f"`data.labels.keep`: expected at least 2, .*54 training samples, got {got}"):
        prepared(recipe)


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ("few", "`few` is none of `all`, `none` and"),
        ({"keep": -1}, "greater than or equal to 0"),
        ({"keep": 2.5}, "2.5 is not whole"),
    ],
)
def test_what_says_no_number_of_labels_is_one_message(
    make_recipe: MakeRecipe, rows: Path, labels: Any, told: str
) -> None:
    with pytest.raises(RecipeError) as caught:
        make_recipe({"kind": "file", "path": str(rows)}, TABLE, labels=labels)
    (problem,) = caught.value.problems
    assert "data.labels" in problem
    assert told in problem


def test_without_labels_the_others_choose_and_judge(make_recipe: MakeRecipe, rows: Path, prepared: Prepared) -> None:
    source = {"kind": "file", "path": str(rows)}
    whole, folder = prepared(make_recipe(source, TABLE, "whole"))
    none, none_folder = prepared(make_recipe(source, TABLE, "none", labels="none", models={"teacher": ANSWERS}))
    assert none.splits["train"].samples == 0
    assert ids(none_folder, "unlabelled") == ids(folder, "train")
    assert ids(none_folder, "test") == ids(folder, "test")
    assert none.statistics == whole.statistics
    train = PreparedData.open_folder(none_folder).splits.train
    batch = train.gather(np.arange(3))
    assert (len(train), bool(batch.labelled.any())) == (54, False)
    assert {*train.groups().tolist()} == {-1}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({}, "`teacher`: is trained here, and with `data.labels: none`"),
        ({"teacher": ANSWERS, "student": TUNED}, "`student.fine_tune`: goes by labels alone"),
    ],
)
def test_without_labels_nothing_is_trained_on_them(
    make_recipe: MakeRecipe, rows: Path, said: dict[str, Any], told: str
) -> None:
    with pytest.raises(RecipeError, match=told):
        make_recipe({"kind": "file", "path": str(rows)}, TABLE, labels="none", models=said)


def test_all_labels_is_the_default(make_recipe: MakeRecipe, rows: Path) -> None:
    said = make_recipe({"kind": "file", "path": str(rows)}, TABLE, labels="all").data
    assert said == make_recipe({"kind": "file", "path": str(rows)}, TABLE).data
    assert not said.has_unlabelled
