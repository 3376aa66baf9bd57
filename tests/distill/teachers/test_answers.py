"""A file of answers: what is missing, doubled, cut short or of other classes is named."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tasks.core.errors import DataError


def answers(world: Any, table: pd.DataFrame, **said: Any) -> Any:
    table.to_csv(world.folder / "a.csv", index=False)
    return world.make(kind="answers", file="a.csv", gives="logits", **said)


def test_a_missing_answer_is_named(world: Any) -> None:
    table = world.table()
    with pytest.raises(DataError, match=r"an answer for every sample, got none for 2 of 270: `train-5`, `test-89`"):
        answers(world, table[~table.id.isin(["train-5", "test-89"])])


def test_a_doubled_answer_is_named(world: Any) -> None:
    table = world.table()
    with pytest.raises(DataError, match=r"one answer per id, got more for `train-7`; keep one of each"):
        answers(world, pd.concat([table, table[table.id == "train-7"]]))


def test_answers_to_other_samples_are_counted(world: Any) -> None:
    table = world.table()
    more = table[:2].assign(id=["elsewhere-1", "elsewhere-2"])
    made = answers(world, pd.concat([table, more]))
    assert made.warnings == ("2 of 272 answers in `a.csv` are of samples that the data does not have",)


def test_file_names_do_for_ids(world: Any) -> None:
    for split in ("train", "validation", "test"):
        path = world.data.directory / f"{split}.parquet"
        table = pd.read_parquet(path)
        table.assign(id=f"{split}/" + table.id).to_parquet(path)
    names = world.table()
    made = answers(world, names.assign(id=names.id.str.rpartition("/")[2]))
    assert np.abs(world.logits(made.network) - world.logits(world.network)).max() < 1e-5


def test_columns_in_another_order_are_found_by_their_names(world: Any) -> None:
    made = answers(world, world.table()[["cedar", "id", "ash", "birch"]])
    assert np.abs(world.logits(made.network) - world.logits(world.network)).max() < 1e-5


def test_other_classes_are_refused_until_they_are_mapped(world: Any) -> None:
    table = world.table().rename(columns={"ash": "Fraxinus", "birch": "Betula", "cedar": "Cedrus"}).assign(Quercus=-9.0)
    with pytest.raises(DataError, match=r"classes of the data: `ash`, `birch`, `cedar`, got `Fraxinus`, `Betula`"):
        answers(world, table)
    with pytest.raises(DataError, match=r"an output for `cedar`, got none; map .* or list them in `teacher.lacks`"):
        answers(world, table, classes={"Fraxinus": "ash", "Betula": "birch"})
    mapped = {"Fraxinus": "ash", "Betula": "birch", "Cedrus": "cedar"}
    made = answers(world, table, classes=mapped)
    assert np.abs(world.logits(made.network) - world.logits(world.network)).max() < 1e-5
    with pytest.raises(DataError, match=r"an output of the teacher: .*`Quercus`, got `Oak`"):
        answers(world, table, classes=mapped | {"Oak": "ash"})


def test_two_outputs_of_one_class_add_up_and_what_is_lacking_is_unlikely(world: Any) -> None:
    table = world.table().rename(columns={"ash": "young", "birch": "old", "cedar": "birch"})
    made = answers(world, table, classes={"young": "ash", "old": "ash", "birch": "birch"}, lacks=["cedar"])
    ours, found = world.logits(world.network), world.logits(made.network)
    assert np.allclose(found[:, 0], np.logaddexp(ours[:, 0], ours[:, 1]), atol=1e-5)
    assert np.allclose(found[:, 1], ours[:, 2], atol=1e-5)
    assert np.allclose(np.exp(found[:, 2]) / np.exp(found[:, :2]).sum(axis=1), 1e-4, rtol=1e-3)


@pytest.mark.parametrize("form", ["parquet", "npy"])
def test_a_file_that_is_cut_short_is_one_message(world: Any, form: str) -> None:
    path, table = world.folder / f"a.{form}", world.table()
    if form == "npy":
        np.save(path, table.drop(columns="id").to_numpy())
        (world.folder / "ids.txt").write_text("\n".join(table.id))
    else:
        table.to_parquet(path)
    path.write_bytes(path.read_bytes()[:-300])
    for ask in (world.look, world.make):
        with pytest.raises(DataError, match=rf"a\.{form}`: expected a whole file of answers, got .+; write it again"):
            ask(kind="answers", file=f"a.{form}", ids="ids.txt", gives="logits")


def test_columns_are_looked_at_before_anything_runs(world: Any) -> None:
    world.table().rename(columns={"id": "name", "ash": "elm"}).to_csv(world.folder / "a.csv", index=False)
    with pytest.raises(DataError, match=r"a column `id` with the ids of samples, got `elm`, `birch`, `cedar`, `name`"):
        world.look(kind="answers", file="a.csv")
    with pytest.raises(DataError, match=r"classes of the data: `ash`, `birch`, `cedar`, got `elm`"):
        world.look(kind="answers", file="a.csv", id="name")
    with pytest.raises(DataError, match=r"nowhere\.csv`: expected a file of answers, got no such file"):
        world.look(kind="answers", file="nowhere.csv")


def test_logits_where_probabilities_are_said_are_refused(world: Any) -> None:
    with pytest.raises(DataError, match=r"probabilities that sum to 1, got values from .* say `gives: logits`"):
        world.make(**_said(world, "probabilities"))


def _said(world: Any, gives: str) -> dict[str, Any]:
    world.table().to_csv(world.folder / "a.csv", index=False)
    return {"kind": "answers", "file": "a.csv", "gives": gives}


@pytest.mark.parametrize("index", ["numbers of rows", "ids"])
def test_an_index_of_pandas_is_no_answer(world: Any, index: str) -> None:
    table = world.table()
    table = table.set_index("id") if index == "ids" else pd.concat([table[:9], table[9:].reset_index(drop=True)])
    table.to_parquet(world.folder / "a.parquet")
    said = {"kind": "answers", "file": "a.parquet", "gives": "logits"}
    world.look(**said)
    assert np.abs(world.logits(world.make(**said).network) - world.logits(world.network)).max() < 1e-5
