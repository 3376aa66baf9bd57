"""Sequences as records of JSON, and what a manifest says of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from params.pipeline import Recipe
from tasks.contracts.records import DatasetCard
from tasks.runtime.bundle.fields import Fields
from tasks.runtime.errors import ManifestError, WrongInputError
from tasks.runtime.preprocess import long_table, sequence_arrays, wide_table

MakeRecipe = Callable[..., Recipe]
Prepared = Callable[[Recipe], tuple[DatasetCard, Path]]


def reading() -> long_table.LongTablePreprocessor:
    """Returns what reads records of two columns."""
    facts = {"sequence": "walk", "order": "", "separator": ",", "encoding": "utf-8", "decimal": ".", "thousands": ""}
    columns: list[Any] = [{"name": name, "type": "number"} for name in ("x0", "x1")]
    return long_table.load(Fields({**facts, "columns": columns}, "preprocessing"))


def test_records_are_lists_of_numbers_by_name_or_frames() -> None:
    by_name: dict[str, Any] = {"x0": [1, 2.5, 3], "x1": [4, 5, 6], "who": "me"}
    found = reading().from_records([by_name, {"inputs": [[1, 4]]}]).arrays
    assert found["inputs"].tolist() == [[[1, 4], [2.5, 5], [3, 6]], [[1, 4], [0, 0], [0, 0]]]
    assert found["inputs"].dtype == np.float32
    assert found["lengths"].tolist() == [3, 1]
    schema = reading().schema()
    assert schema["required"] == ["x0", "x1"]
    example = {name: one["examples"][0] for name, one in schema["properties"].items()}
    assert reading().from_records([example]).arrays["inputs"].shape == (1, 2, 2)


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"x0": [1]}, "`record 1`: expected `x1`, got `x0`"),
        ({"x0": [1], "x1": [1, 2]}, "expected equally many numbers of each, got `x0` 1, `x1` 2"),
        ({"x0": [], "x1": []}, "expected at least one frame"),
        ({"x0": [None], "x1": [1]}, "`x0`: expected a number, got None"),
        ({"x0": ["1"], "x1": [1]}, "`x0`: expected a number, got '1'"),
        ({"x0": [10**400], "x1": [1]}, "`x0`: expected a number, got 1000"),
        ({"x0": [True], "x1": [1]}, "expected a number, got True"),
        ({"x0": 1, "x1": [1]}, "`x0`: expected a list of numbers, got 1"),
        ({"inputs": [[1, 2, 3]]}, "`frame 1`: expected 2 numbers, got 3"),
        ({"inputs": []}, "expected at least one frame"),
    ],
)
def test_records_that_are_wrong_are_told_by_field(record: dict[str, Any], said: str) -> None:
    with pytest.raises(WrongInputError) as told:
        reading().from_records([record])
    assert said in str(told.value)


def test_facts_of_a_manifest_that_are_wrong_are_refused() -> None:
    text: dict[str, Any] = {"separator": ",", "encoding": "utf-8", "decimal": ".", "thousands": ""}
    for load, facts in [
        (long_table.load, {**text, "sequence": "a", "order": "", "columns": []}),
        (long_table.load, {**text, "sequence": "a", "order": "", "columns": [{"name": "x", "type": "category"}]}),
        (wide_table.load, {**text, "columns": ["a", "b", "c"], "features": 2}),
        (sequence_arrays.load, {"features": 2, "inputs": ["X"], "lengths": []}),
    ]:
        with pytest.raises(ManifestError):
            load(Fields(facts, "preprocessing"))
