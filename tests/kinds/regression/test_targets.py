"""Estimates as targets: how they are read, what is refused, and by which name."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from tasks.contracts.targets import BadTargetError, Targets
from tasks.core.errors import DataError, RecipeError
from tasks.kinds.regression.names import LABEL, VALUE, high_of, low_of, tolerance_of
from tasks.kinds.regression.targets import PART
from tasks.training.arrays import open_split
from tasks.training.network import PreparedData
from tests.kinds.regression.conftest import CARD, TABLE, prepared, write_pictures, write_table

SECTION = {"low": 0.0, "high": 80.0, "bins": 81, "tolerance": None}


def test_numbers_of_a_table_are_read_as_the_file_writes_them(heat: PreparedData) -> None:
    numbers = open_split(heat.directory, "train").targets()[VALUE]
    assert numbers.dtype == np.float64
    assert 0 <= numbers.min() < numbers.max() <= 30
    assert len(np.unique(numbers)) > 30  # with `4,117` taken for 4117 or 4 they would be out of range, or few
    assert heat.targets.facts == {"low": 0.0, "high": 30.0, "bins": 16, "tolerance": 1.5, "interval": 0.9}


def test_without_a_stated_range_it_is_that_of_the_data() -> None:
    card = PART.card([3.0, -1.0, 7.0], {LABEL: {}})
    assert [low_of(card), high_of(card), tolerance_of(card)] == pytest.approx([-1.0, 7.0, 0.4])


@pytest.mark.parametrize(
    ("found", "written", "number"),
    [
        ("3.5", (), 3.5),
        (" 3,5 ", (",", "."), 3.5),
        ("1.234,5", (",", "."), 1234.5),
        ("-2e3", (), -2000.0),
        (7, (), 7.0),
        (np.float32(0.5), (), 0.5),
    ],
)
def test_a_number_is_what_the_file_says(found: Any, written: tuple[str, ...], number: float) -> None:
    assert PART.gist({LABEL: found}, {LABEL: {"written": written}}) == number


@pytest.mark.parametrize(
    ("found", "said", "reason"),
    [
        ("warm", "expected a finite number in column `heat`, got `warm`", "corrupt"),
        ("nan", "expected a finite number in column `heat`, got `nan`", "corrupt"),
        ("inf", "got `inf`", "corrupt"),
        (float("nan"), "got `nan`", "corrupt"),
        ("", "got none; samples without one belong in `data.unlabelled`", "corrupt"),
        ("1,5", "got `1,5`", "corrupt"),
        ("81", "expected a number from 0 up to 80, got 81", "number out of range"),
        ("-0.1", "expected a number from 0 up to 80, got -0.1", "number out of range"),
    ],
)
def test_what_is_no_number_or_out_of_range_is_a_bad_sample(found: Any, said: str, reason: str) -> None:
    with pytest.raises(BadTargetError) as told:
        PART.gist({LABEL: found}, {LABEL: {"column": "heat", "regression": SECTION}})
    assert said in str(told.value)
    assert told.value.reason == reason


def test_a_bad_number_is_named_with_its_row(tmp_path: Path) -> None:
    source = {"kind": "file", "path": str(write_table(tmp_path / "heat.csv", row_7="warm", row_9="31,5"))}
    with pytest.raises(DataError) as told:
        prepared(tmp_path, TABLE, source=source, regression={"low": 0, "high": 30})
    assert "`row 00000007`: expected a finite number in column `heat`, got `warm`" in str(told.value)
    assert "`row 00000009`: expected a number from 0 up to 30, got 31.5" in str(told.value)


def test_bad_numbers_go_into_quarantine_where_the_recipe_says_so(tmp_path: Path) -> None:
    source = {"kind": "file", "path": str(write_table(tmp_path / "heat.csv", row_7="warm", row_9="31,5"))}
    found = prepared(
        tmp_path,
        TABLE,
        source=source,
        regression={"low": 0, "high": 30},
        arrivals={"bad": "quarantine"},
    )
    assert found.card.quarantine is not None
    assert found.card.quarantine.reasons == {"corrupt": 1, "number out of range": 1}


def test_each_part_of_the_range_is_counted_and_split_evenly(heat: PreparedData) -> None:
    counts: list[Any] = [heat.card.splits[name].summary["numbers"] for name in ("train", "validation", "test")]
    assert list(counts[0]) == ["0 to 6", "6 to 12", "12 to 18", "18 to 24", "24 to 30"]
    assert sum(sum(some.values()) for some in counts) == 60
    quarters = PART.strata([1.0, 2.0, 3.0, 4.0], CARD)
    assert quarters.of.tolist() == [0, 1, 2, 3]


def test_few_that_stand_for_all_are_of_all_tenths() -> None:
    groups = PART.groups(Targets({VALUE: np.arange(100.0)}))
    assert np.bincount(groups).tolist() == [10] * 10


def test_one_number_alone_is_nothing_to_learn() -> None:
    (problem,) = PART.problems([3.0, 3.0], CARD)
    assert "two or more different ones to train on, got 3 alone" in problem
    (problem,) = PART.problems_of_splits({"validation": [1.0, 1.0], "test": [1.0, 2.0]}, CARD)
    assert "different ones in validation" in problem


@pytest.mark.parametrize(
    ("reader", "data", "said"),
    [
        (TABLE, {"regression": {"low": 3, "high": 3}}, "`low` 3 is not below `high` 3"),
        (TABLE, {"task": "classification", "regression": {}}, "`regression` goes with `task: regression`"),
        (TABLE, {"classes": ["a", "b"]}, "`classes` goes without `task: regression`"),
        ({"kind": "file_bytes", "types": {"a": ["a"], "b": ["b"]}}, {}, "needs numbers; this `reader` makes classes"),
        (
            {"kind": "image_table", "size": [8, 8], "table": "t.csv", "image": "p", "label": "a", "heads": ["b"]},
            {},
            "has one number per sample; leave `reader.heads` out",
        ),
        ({"kind": "image_names", "size": [8, 8], "pattern": "a_(\\d+)"}, {}, "write `(?P<label>...)` around it"),
        ({"kind": "image_names", "size": [8, 8], "pattern": "(?P<label>"}, {}, "is no regular expression"),
    ],
)
def test_a_recipe_that_does_not_fit_is_refused(
    reader: dict[str, Any], data: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError) as told:
        prepared(tmp_path, reader, **{"source": {"kind": "folder", "path": "."}, **data})
    assert said in "\n".join(told.value.problems)


def test_names_of_pictures_tell_numbers_and_what_errors_are_looked_at_by(tmp_path: Path) -> None:
    names = [f"faces/{age}_{age % 2}_{n}.png" for n, age in enumerate(range(10, 40))]
    folder = write_pictures(tmp_path / "own", [*names, "faces/x_1_2.png"])
    (folder / "read.me").write_text("of faces")
    reader = {"kind": "image_names", "size": [8, 8], "pattern": r"/(?P<label>\d+)_(?P<sex>[01])_"}
    source = {"kind": "folder", "path": str(folder)}
    with pytest.raises(DataError, match=r"`faces/x_1_2\.png`: expected a path like .*, got another"):
        prepared(tmp_path, reader, source=source)
    (folder / "faces" / "x_1_2.png").unlink()
    found = prepared(tmp_path, reader, source=source)
    assert (found.targets.facts["low"], found.targets.facts["high"]) == (10.0, 39.0)
    assert found.card.dropped == {"no picture, by its name": 1}
    table = pq.read_table(found.directory / "test.parquet").to_pydict()
    assert table["sex"] == [number % 2 for number in table["label"]]
