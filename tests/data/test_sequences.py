"""Sequences in tables and numpy files: read as they are, and what is wrong with them is said by name."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from params.pipeline import Recipe
from tasks.contracts.records import DatasetCard
from tasks.core.errors import DataError
from tasks.runtime.errors import WrongInputError
from tasks.runtime.preprocess.arrays import read_samples
from tasks.training.arrays import open_split
from tests.data.sequence_files import (
    ARRAYS,
    LONG,
    OFFICIAL,
    TAKES,
    WIDE,
    arrays,
    everything,
    long_lines,
    made,
    npz,
    on_device,
    stored,
    wide_lines,
    write,
)

MakeRecipe = Callable[..., Recipe]
Prepared = Callable[[Recipe], tuple[DatasetCard, Path]]


FORMS = ["long", "wide", "arrays", "long split", "wide split", "arrays split", "parquet"]


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Source, reader and further fields of a recipe, for the same sequences."""
    some, name = made(), request.param
    shape = {"shape": [max(map(len, some.frames.values())), 2]}
    more = {"split": OFFICIAL} if "split" in name else {}
    split = {"split": "part"} if more else {}
    if name == "parquet":
        table = pa.csv.read_csv(io.BytesIO("\n".join(long_lines(some)).encode()))
        pq.write_table(table, tmp_path / "walks.parquet")
        return {"kind": "file", "path": str(tmp_path / "walks.parquet")}, LONG, more
    if name.startswith("long"):
        return write(tmp_path / "walks.csv", long_lines(some, bool(more))), LONG | split, more
    if name.startswith("wide"):
        return write(tmp_path / "walks.csv", wide_lines(some, bool(more))), WIDE | split | shape, more
    if not more:
        return npz(tmp_path / "walks.npz", **arrays(some)), ARRAYS, more
    tests = np.array([some.parts[name] == "test" for name in some.names])
    cut = {part: {k: v[rows] for k, v in arrays(some).items()} for part, rows in (("train", ~tests), ("test", tests))}
    flat = {f"{name}_{part}": values for part, found in cut.items() for name, values in found.items()}
    parts = {part: {"inputs": f"X_{part}", "labels": f"y_{part}", "lengths": f"n_{part}"} for part in cut}
    return npz(tmp_path / "walks.npz", **flat), {"kind": "sequence_arrays", **parts}, more


def test_every_form_gives_the_same_sequences_and_so_does_the_device(
    form: tuple[dict[str, Any], dict[str, Any], dict[str, Any]], make_recipe: MakeRecipe, prepared: Prepared
) -> None:
    source, reader, more = form
    some = made()
    card, folder = prepared(make_recipe(source, reader, **more))
    assert (card.input.layout, card.input.shape) == ("sequence", (5, 2))
    assert card.targets.names == ("down", "up")
    found = everything(folder)
    expected = sorted(frames.astype(np.float32).tobytes() for frames in some.frames.values())
    assert sorted(values.tobytes() for values in found.values()) == expected
    if more:
        tests = [some.frames[name].astype(np.float32).tobytes() for name in some.names if some.parts[name] == "test"]
        assert sorted(values.tobytes() for values in stored(folder, "test").values()) == sorted(tests)
    content = Path(source["path"]).read_bytes()
    if source["path"].endswith(".parquet"):
        content = "\n".join(long_lines(some)).encode()
    given = read_samples(content, TAKES, on_device(card)).arrays
    sequences = [values[:n].tobytes() for values, n in zip(given["inputs"], given["lengths"], strict=True)]
    assert {values.tobytes() for values in stored(folder, "test").values()} <= set(sequences)
    assert sorted(sequences) == (sorted(tests) if more and reader["kind"] == "sequence_arrays" else expected)


def test_the_test_rows_alone_give_the_test_split_on_the_device_bit_for_bit(
    tmp_path: Path, make_recipe: MakeRecipe, prepared: Prepared
) -> None:
    some = made(30)
    card, folder = prepared(make_recipe(write(tmp_path / "walks.csv", long_lines(some)), LONG))
    test = stored(folder, "test")
    header, *lines = long_lines(some)
    rows = [line for line in lines if line.split(",")[0] in test]
    given = read_samples("\n".join([header, *rows]).encode(), TAKES, on_device(card)).arrays
    assert given["inputs"].dtype == np.float32
    prepared_test = open_split(folder, "test").gather(np.arange(len(test))).inputs
    longest = given["inputs"].shape[1]
    assert given["lengths"].tolist() == prepared_test["lengths"].tolist()
    assert given["inputs"].tobytes() == prepared_test["inputs"][:, :longest].tobytes()
    assert not prepared_test["inputs"][:, longest:].any()


def test_names_labels_and_numbers_stay_as_they_are_written(
    tmp_path: Path, make_recipe: MakeRecipe, prepared: Prepared
) -> None:
    some = made()
    some.labels = {name: ("None", "007")[n % 2] for n, name in enumerate(some.names)}
    some.frames = {f"0{n}": frames for n, frames in enumerate(some.frames.values())}
    some.labels = dict(zip(some.frames, some.labels.values(), strict=True))
    lines = [line.replace(".", ",") for line in long_lines(some, separator=";")]
    reader = LONG | {"separator": ";", "decimal": ","}
    card, folder = prepared(make_recipe(write(tmp_path / "walks.csv", lines), reader))
    assert card.targets.names == ("007", "None")
    assert sorted(everything(folder)) == sorted(some.frames)
    content = "\n".join(lines).encode("utf-16")
    assert len(on_device(card).from_file(content).arrays["lengths"]) == len(some.frames)


def spoilt(lines: list[str], row: int, column: int, cell: str) -> list[str]:
    """Returns lines with another cell in a row, counted from 1 below the header."""
    cells = lines[row].split(",")
    cells[column] = cell
    return [*lines[:row], ",".join(cells), *lines[row + 1 :]]


BAD_LONG = [
    ((1, 2, ""), "`walk-00`: row 00000001: expected a value in column `x0`, got none"),
    ((1, 3, "inf"), "`walk-00`: row 00000001: expected a number in column `x1`, got `inf`"),
    ((1, 3, "many"), "`walk-00`: row 00000001: expected a number in column `x1`, got `many`"),
    ((1, 3, "1e39"), "expected a number up to 3.4e+38 in column `x1`, got `1e39`"),
    ((2, 1, "0"), "row 00000002: expected `t` to rise within a sequence, got `0` after `0`"),
    ((2, 1, "soon"), "row 00000002: expected a number or a time in column `t`, got `soon`"),
    ((1, 0, ""), "`row 00000001`: expected the name of a sequence in column `walk`, got none"),
    ((2, 4, "down"), "`walk-00`: expected one text in column `label` for the whole sequence, got `up` and `down`"),
    ((1, 5, "tset"), "`walk-00`: expected one text in column `part` for the whole sequence, got `tset` and `train`"),
]


@pytest.mark.parametrize(("change", "said"), BAD_LONG)
def test_what_is_wrong_with_a_row_of_a_long_table_is_said_by_the_name_of_its_sequence(
    change: tuple[int, int, str], said: str, tmp_path: Path, make_recipe: MakeRecipe, prepared: Prepared
) -> None:
    lines = spoilt(long_lines(made(), split=True), *change)
    recipe = make_recipe(write(tmp_path / "walks.csv", lines), LONG | {"split": "part"}, split=OFFICIAL)
    with pytest.raises(DataError) as told:
        prepared(recipe)
    assert said in str(told.value)
    # The row without a name may be one of the sequence beside it.
    assert f"got {2 if change == (1, 0, '') else 1} that cannot" in str(told.value)


def test_a_sequence_that_comes_back_later_in_the_file_is_bad_and_the_others_are_not(
    tmp_path: Path, make_recipe: MakeRecipe, prepared: Prepared
) -> None:
    lines = long_lines(made())
    moved = [lines[0], *lines[2:], lines[1]]
    source, arrivals = write(tmp_path / "walks.csv", moved), {"bad": "quarantine", "at_most": 0.5}
    card, folder = prepared(make_recipe(source, LONG, arrivals=arrivals))
    assert card.quarantine is not None
    assert card.quarantine.reasons == {"corrupt": 1}
    assert "walk-00" not in everything(folder)
    said = r"`walk-00`.*all rows of a sequence below each other, got them in line 2 and again in line"
    with pytest.raises(WrongInputError, match=said):
        on_device(card).from_file("\n".join(moved).encode())


def test_times_are_dates_too_and_must_rise(tmp_path: Path, make_recipe: MakeRecipe, prepared: Prepared) -> None:
    head, *rows = long_lines(made())
    dated = [line.replace(f",{t},", f",2026-03-01T12:00:0{t},", 1) for line in rows for t in [line.split(",")[1]]]
    assert prepared(make_recipe(write(tmp_path / "a.csv", [head, *dated]), LONG))[0].input.shape == (5, 2)
    dated[1] = dated[1].replace("12:00:01", "11:00:01")
    with pytest.raises(DataError, match="expected `t` to rise"):
        prepared(make_recipe(write(tmp_path / "b.csv", [head, *dated]), LONG, name="other"))


def test_a_line_that_is_too_long_is_refused_for_the_sequence_lacks_it(
    tmp_path: Path, make_recipe: MakeRecipe, prepared: Prepared
) -> None:
    lines = long_lines(made())
    lines[2] += ",1"
    arrivals = {"bad": "quarantine", "at_most": 0.5}
    with pytest.raises(DataError, match=r"walks.csv.*line 00000003.*expected as many fields"):
        prepared(make_recipe(write(tmp_path / "walks.csv", lines), LONG, arrivals=arrivals))


BAD_WIDE = [
    ((1, 1, ""), "`walk-00`: row 00000001: expected a value in column `t0.x0`, got none"),
    ((1, 2, "inf"), "`walk-00`: row 00000001: expected a number in column `t0.x1`, got `inf`"),
    (
        (2, 0, "walk-00"),
        "`row 00000002`: expected a name that no other sequence has, got `walk-00`, that of row 00000001",
    ),
    ((2, 0, ""), "`row 00000002`: expected a name that no other sequence has, got none"),
    ((1, -1, "tset"), "expected `train`, `validation` or `test` in column `part`, got `tset`"),
    ((1, -2, ""), "`walk-00`: expected a value in column `label`, got none"),
]


@pytest.mark.parametrize(("change", "said"), BAD_WIDE)
def test_what_is_wrong_with_a_row_of_a_wide_table_is_said_by_name(
    change: tuple[int, int, str], said: str, tmp_path: Path, make_recipe: MakeRecipe, prepared: Prepared
) -> None:
    lines = spoilt(wide_lines(made(), split=True), *change)
    reader = WIDE | {"split": "part", "shape": [5, 2]}
    with pytest.raises(DataError) as told:
        prepared(make_recipe(write(tmp_path / "walks.csv", lines), reader, split=OFFICIAL))
    assert said in str(told.value)


def test_a_sequence_without_a_frame_is_bad(tmp_path: Path, make_recipe: MakeRecipe, prepared: Prepared) -> None:
    lines = wide_lines(made(features=1))
    empty = ["walk-99", *[""] * (lines[0].count(",") - 1), "up"]
    with pytest.raises(DataError, match="`walk-99`: row 00000019: expected at least one frame, got empty cells alone"):
        prepared(make_recipe(write(tmp_path / "walks.csv", [*lines, ",".join(empty)]), WIDE))


def test_columns_are_named_that_are_missing_named_twice_or_hold_no_numbers(
    tmp_path: Path, make_recipe: MakeRecipe, prepared: Prepared
) -> None:
    source = write(
        tmp_path / "walks.csv", [f"{line},{'note' if not n else 'a b'}" for n, line in enumerate(long_lines(made()))]
    )
    changes: list[tuple[dict[str, Any], str]] = [
        ({"sequence": "wlak"}, "`data.reader`: `sequence`: expected one of the columns walk, t"),
        ({"order": "walk"}, "each column named once, got `walk` in `sequence` and `order`"),
        ({}, "`note`: expected numbers, got text; list it in `data.reader.ignore`"),
        ({"ignore": ["x0", "x1", "note"]}, "expected columns left to learn from, got none"),
    ]
    for change, said in changes:
        with pytest.raises(DataError) as told:
            prepared(make_recipe(source, LONG | change))
        assert said in str(told.value)
    wide = write(tmp_path / "wide.csv", wide_lines(made()))
    changes = [
        ({"shape": [4, 2]}, "expected 4 x 2 columns, got 10: t0.x0, t0.x1"),
        ({"id": None}, "numbers in the columns of frames, got text in `walk`"),
    ]
    for change, said in changes:
        with pytest.raises(DataError) as told:
            prepared(make_recipe(wide, WIDE | change, name="wide"))
        assert said in str(told.value)
