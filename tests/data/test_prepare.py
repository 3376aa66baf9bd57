import hashlib
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from params.data import HashedSplit
from params.pipeline import Recipe
from tasks.contracts.records import DatasetCard
from tasks.core.errors import DataError
from tasks.core.files import sha256_of
from tasks.data.prepared.split import SPLITS, Splits, split
from tasks.data.prepared.survey import Rows, Survey, survey
from tasks.data.readers.samples import Reading, Sample
from tasks.kinds.classification.targets import PART
from tasks.kinds.contract import Declared

MakeRecipe = Callable[..., Recipe]
Prepared = Callable[[Recipe], tuple[DatasetCard, Path]]
TABLE = {"kind": "table", "label": "label"}
ROOT = Path(__file__).parents[2]


DECLARED: Declared = {"label": {}}


def _found(recipe: Recipe, counts: dict[str, int]) -> Survey:
    samples = [
        Sample(f"{label}{n:04d}", {"label": label}, np.array([ord(label[0]), n], dtype=np.float32))
        for label, count in counts.items()
        for n in range(count)
    ]
    return survey(recipe, Reading("vector", lambda: iter(samples)), PART)


def _split(recipe: Recipe, counts: dict[str, int], declared: Declared = DECLARED) -> tuple[Survey, Splits]:
    found = _found(recipe, counts)
    return found, _split_of(recipe, found, np.arange(len(found)), declared)


def _split_of(recipe: Recipe, found: Survey, rows: Rows, declared: Declared = DECLARED) -> Splits:
    gists = found.gists[rows].tolist()
    return split(recipe, found, rows, PART.strata(gists, PART.card(gists, declared)))


def _ids(found: Survey, rows: Rows) -> list[str]:
    return [str(found.ids[row]) for row in rows]


def _bytes(folder: Path) -> dict[str, str]:
    return {path.name: sha256_of(path) for path in sorted(folder.iterdir())}


def test_two_preparations_give_equal_bytes(image_recipe: Recipe, prepared: Prepared, project: Path) -> None:
    first = _bytes(prepared(image_recipe)[1])
    shutil.rmtree(project / "data")
    assert _bytes(prepared(image_recipe)[1]) == first


def test_the_size_of_a_shard_changes_no_value(table: Path, make_recipe: MakeRecipe, prepared: Prepared) -> None:
    rows = np.random.default_rng(0).normal(size=(1200, 1000)).astype(np.float32)
    frame = pd.DataFrame(rows).assign(label=[n % 2 for n in range(1200)]).rename(columns=str)
    frame.to_parquet(table.with_suffix(".parquet"))
    source = {"kind": "file", "path": str(table.with_suffix(".parquet"))}
    small, folder = prepared(make_recipe(source, TABLE, shard_megabytes=1))
    shards = small.splits["train"].shards
    assert [shard.samples for shard in shards] == [250, 250, 220]
    parts = [np.load(folder / shard.inputs["inputs"].name) for shard in shards]
    large, folder = prepared(make_recipe(source, TABLE))
    (whole,) = large.splits["train"].shards
    assert np.array_equal(np.concatenate(parts), np.load(folder / whole.inputs["inputs"].name))
    assert small.statistics == large.statistics


def test_the_card_describes_every_file(image_recipe: Recipe, prepared: Prepared) -> None:
    card, folder = prepared(image_recipe)
    listed = [file for part in card.splits.values() for s in part.shards for file in s.files]
    listed += [part.table for part in card.splits.values()]
    assert {file.name for file in listed} | {"dataset.json"} == {path.name for path in folder.iterdir()}
    for file in listed:
        assert hashlib.sha256((folder / file.name).read_bytes()).hexdigest() == file.sha256
    assert card.splits["train"].summary == {"label": {"cat": 6, "dog": 6}}
    assert card.split_rule == {
        "kind": "stratified",
        "validation": 0.2,
        "test": 0.2,
        "seed": 0,
        "by": [],
        "duplicates": "refuse",
    }


def test_statistics_are_those_of_the_training_split(table_recipe: Recipe, prepared: Prepared) -> None:
    card, folder = prepared(table_recipe)
    inputs = np.load(folder / "train-00000.inputs.npy").astype(np.float64)
    assert np.allclose(card.statistics.mean, inputs.mean(axis=0), rtol=1e-5)
    assert np.allclose(card.statistics.std, inputs.std(axis=0), rtol=1e-5)


def test_padding_does_not_count_and_a_constant_feature_has_deviation_one(
    tmp_path: Path, make_recipe: MakeRecipe, prepared: Prepared
) -> None:
    rows = [f"{n}.1{',5' * (n % 2)}:0.1{',0.1' * (n % 2)}:{n % 2}" for n in range(12)]
    header = "@dimensions 2\n@classLabel true 0 1\n@data\n"
    (tmp_path / "s").mkdir()
    for part, offset in (("train", 0), ("test", 100)):
        text = "\n".join(f"{offset}{row}" for row in rows)
        (tmp_path / f"s/{part}.ts").write_text(header + text + "\n")
    reader = {"kind": "time_series", "train": "train.ts", "test": "test.ts"}
    source = {"kind": "folder", "path": str(tmp_path / "s")}
    card, folder = prepared(make_recipe(source, reader, split={"kind": "official", "validation": 0.2, "seed": 0}))
    inputs, lengths = np.load(folder / "train-00000.inputs.npy"), np.load(folder / "train-00000.lengths.npy")
    values = np.concatenate([row[:length] for row, length in zip(inputs, lengths, strict=True)])
    assert np.isclose(card.statistics.mean[0], values[:, 0].mean(), rtol=1e-5)
    assert card.statistics.mean[1] == 0.1
    assert card.statistics.std[1] == 1


@pytest.mark.parametrize("count", [3, 4, 5, 10, 101])
@pytest.mark.parametrize(("validation", "test"), [(0.2, 0.2), (0.01, 0.01), (0.49, 0.49), (0.9, 0.05)])
def test_every_class_is_in_every_split(count: int, validation: float, test: float, table_recipe: Recipe) -> None:
    rule = table_recipe.data.split.model_copy(update={"validation": validation, "test": test})
    recipe = table_recipe.model_copy(update={"data": table_recipe.data.model_copy(update={"split": rule})})
    found, splits = _split(recipe, {"a": count, "b": 50})
    assert sorted(np.concatenate(list(splits.values()))) == list(range(count + 50))
    for rows in splits.values():
        assert set(found.columns["label"][rows]) == {"a", "b"}


def test_a_seed_gives_another_split_and_a_new_class_leaves_the_others_alone(table_recipe: Recipe) -> None:
    first, splits = _split(table_recipe, {"a": 30, "b": 30})
    more, further = _split(table_recipe, {"a": 30, "b": 30, "aa": 30})
    rows = further["test"][more.columns["label"][further["test"]] != "aa"]
    assert _ids(more, rows) == _ids(first, splits["test"])
    rule = table_recipe.data.split.model_copy(update={"seed": 1})
    other = table_recipe.model_copy(update={"data": table_recipe.data.model_copy(update={"split": rule})})
    assert _split(other, {"a": 30, "b": 30})[1]["test"].tolist() != splits["test"].tolist()


def test_the_split_of_a_seed_never_changes(table_recipe: Recipe) -> None:
    found, splits = _split(table_recipe, {"b": 6, "a": 6})
    assert _ids(found, splits["test"]) == ["a0002", "b0001"]


def _hashed(recipe: Recipe, **changed: object) -> Recipe:
    rule = HashedSplit.model_validate({"validation": 0.2, "test": 0.2, "seed": 0, **changed})
    return recipe.model_copy(update={"data": recipe.data.model_copy(update={"split": rule})})


def test_a_hashed_split_leaves_each_sample_where_it_is_whatever_is_added(table_recipe: Recipe) -> None:
    recipe = _hashed(table_recipe)
    before, first = _split(recipe, {"a": 200, "b": 100})
    found, splits = _split(recipe, {"a": 900, "b": 101, "c": 40})
    for name, rows in first.items():
        assert {*_ids(before, rows)} <= {*_ids(found, splits[name])}
    fractions = [len(splits[name]) / len(found) for name in SPLITS]
    assert np.allclose(fractions, [0.6, 0.2, 0.2], atol=0.05)


def test_a_stratified_split_lets_samples_that_were_trained_on_judge_when_others_are_added(table_recipe: Recipe) -> None:
    later, splits = _split(table_recipe, {"a": 200, "b": 100})
    rows = np.flatnonzero([str(name) != "a0000" for name in later.ids])
    earlier = _split_of(table_recipe, later, rows)
    assert {*_ids(later, earlier["train"])} & {*_ids(later, splits["test"])}
    hashed = _hashed(table_recipe)
    earlier, splits = _split_of(hashed, later, rows), _split_of(hashed, later, np.arange(300))
    assert not {*_ids(later, earlier["train"])} & {*_ids(later, splits["test"])}


def test_neither_name_nor_label_moves_a_sample_of_a_hashed_split(table_recipe: Recipe) -> None:
    recipe = _hashed(table_recipe)
    found, splits = _split(recipe, {"a": 300, "b": 300})
    other = replace(found, ids=pa.array([f"z{n:04d}" for n in range(600)]), gists=found.gists[::-1].copy())
    moved = _split_of(recipe, other, np.arange(600))
    assert {name: rows.tolist() for name, rows in moved.items()} == {n: rows.tolist() for n, rows in splits.items()}
    assert _split(_hashed(table_recipe, seed=1), {"a": 300, "b": 300})[1]["test"].tolist() != splits["test"].tolist()


@pytest.mark.parametrize("count", [3, 4, 5, 10])
def test_a_small_class_is_in_every_part_of_a_hashed_split(count: int, table_recipe: Recipe) -> None:
    found, splits = _split(_hashed(table_recipe, validation=0.01, test=0.01), {"a": count, "b": 50})
    assert sorted(np.concatenate(list(splits.values()))) == list(range(count + 50))
    for rows in splits.values():
        assert set(found.columns["label"][rows]) == {"a", "b"}


def test_too_few_samples_are_told_for_all_classes_at_once(table_recipe: Recipe) -> None:
    with pytest.raises(DataError) as told:
        _split(table_recipe, {"a": 2, "b": 1, "c": 9}, {"label": {"names": ["a", "b", "c", "d"]}})
    lines = str(told.value).splitlines()
    assert [line.split("`")[3] for line in lines] == ["samples of a", "samples of b", "samples of d"]


def test_one_class_is_not_enough(tmp_path: Path, make_recipe: MakeRecipe, prepared: Prepared) -> None:
    (tmp_path / "t.csv").write_text("x,label\n" + "".join(f"{n},a\n" for n in range(9)))
    with pytest.raises(DataError, match="`data of mine`: `classes`: expected at least two classes, got only `a`"):
        prepared(make_recipe({"kind": "file", "path": str(tmp_path / "t.csv")}, TABLE))


def test_a_published_split_must_have_every_class_in_both_parts(
    tmp_path: Path, make_recipe: MakeRecipe, prepared: Prepared
) -> None:
    (tmp_path / "s").mkdir()
    header = "@univariate true\n@classLabel true 0 1\n@data\n"
    (tmp_path / "s/train.ts").write_text(header + "1:0\n2:0\n3:1\n4:1\n")
    (tmp_path / "s/test.ts").write_text(header + "5:0\n")
    reader = {"kind": "time_series", "train": "train.ts", "test": "test.ts"}
    rule = {"kind": "official", "validation": 0.2, "seed": 0}
    with pytest.raises(DataError, match="`samples of 1`: expected at least 1 in the published test set, got none"):
        prepared(make_recipe({"kind": "folder", "path": str(tmp_path / "s")}, reader, split=rule))


def test_samples_of_other_shapes_and_types_are_named_and_counted(table_recipe: Recipe) -> None:
    def samples() -> Any:
        yield Sample("first", {"label": "a"}, np.zeros(3, dtype=np.float32))
        yield Sample("second", {"label": "a"}, np.zeros(3, dtype=np.float64))
        yield from (Sample(f"other{n}", {"label": "a"}, np.zeros(2, dtype=np.float32)) for n in range(9))

    with pytest.raises(DataError) as told:
        survey(table_recipe, Reading("vector", samples), PART)
    assert "got 10 that cannot" in str(told.value)
    assert "`second`: expected float32 values, got float64" in str(told.value)
    assert "`other0`: expected shape (3,) like the first sample, got (2,)" in str(told.value)
    assert "and 5 more" in str(told.value)


def test_no_samples_at_all_are_refused(table_recipe: Recipe) -> None:
    with pytest.raises(DataError, match="expected samples, got none"):
        survey(table_recipe, Reading("vector", lambda: iter(())), PART)


@pytest.fixture
def copies(tmp_path: Path) -> dict[str, Any]:
    """Twenty different rows; then each of the first ten again, the first of them with another label."""
    rows = [f"{n},{n % 2}" for n in range(20)]
    again = ["0,1", *rows[1:10]]
    (tmp_path / "copies.csv").write_text("\n".join(["x,label", *rows, *again]) + "\n")
    return {"kind": "file", "path": str(tmp_path / "copies.csv")}


def test_copies_in_two_splits_are_refused_with_a_few_pairs(
    copies: dict[str, Any], make_recipe: MakeRecipe, prepared: Prepared
) -> None:
    rule = {"kind": "stratified", "validation": 0.33, "test": 0.33, "seed": 0}
    with pytest.raises(DataError) as told:
        prepared(make_recipe(copies, TABLE, split=rule))
    said = str(told.value).splitlines()
    assert said[0].startswith("`params/mine.yaml`: `data.duplicates`: expected no sample in two splits, got")
    assert said[1].startswith("  `row 000000")
    assert len([line for line in said if " and `row" in line]) <= 5
    assert "duplicates: drop" in said[-1]


def test_copies_are_dropped_and_counted_by_reason(
    copies: dict[str, Any], make_recipe: MakeRecipe, prepared: Prepared
) -> None:
    card, folder = prepared(make_recipe(copies, TABLE, duplicates="drop"))
    assert card.dropped == {"duplicate": 9, "duplicate with another target": 2}
    ids = [name for part in card.splits for name in pd.read_parquet(folder / f"{part}.parquet")["id"]]
    assert sorted(ids) == [f"row {n:08d}" for n in range(2, 21)]


def test_copies_are_kept_on_request(copies: dict[str, Any], make_recipe: MakeRecipe, prepared: Prepared) -> None:
    card, _ = prepared(make_recipe(copies, TABLE, duplicates="keep"))
    assert sum(part.samples for part in card.splits.values()) == 30
    assert card.dropped == {}


def test_the_copy_in_a_published_test_set_is_the_one_that_stays(
    tmp_path: Path, make_recipe: MakeRecipe, prepared: Prepared
) -> None:
    (tmp_path / "s").mkdir()
    header = "@univariate true\n@classLabel true 0 1\n@data\n"
    (tmp_path / "s/train.ts").write_text(header + "".join(f"{n}:{n % 2}\n" for n in range(8)))
    (tmp_path / "s/test.ts").write_text(header + "0:0\n11:1\n")
    reader = {"kind": "time_series", "train": "train.ts", "test": "test.ts"}
    rule = {"kind": "official", "validation": 0.2, "seed": 0}
    source = {"kind": "folder", "path": str(tmp_path / "s")}
    card, _ = prepared(make_recipe(source, reader, split=rule, duplicates="drop"))
    assert {name: part.samples for name, part in card.splits.items()} == {"train": 5, "validation": 2, "test": 2}
    assert card.dropped == {"duplicate": 1}


def test_nothing_half_written_is_left_when_data_is_refused(
    image_recipe: Recipe, images: Path, prepared: Prepared, project: Path
) -> None:
    (images / "cat/0.png").write_text("no image")
    with pytest.raises(DataError):
        prepared(image_recipe)
    assert [path.name for path in (project / "data/mine").iterdir()] == ["raw"]
