"""How the cells of a table are read: text stays text, a gap is an empty cell, and each type has one treatment."""

import datetime as dt
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from params.pipeline import Recipe
from params.readers import TableReader
from tasks.contracts.records import DatasetCard
from tasks.core.errors import DataError
from tasks.data.readers import table
from tasks.data.readers.samples import Reading
from tasks.runtime.bundle.fields import Fields
from tasks.runtime.preprocess.table import load

MakeRecipe = Callable[..., Recipe]
Prepared = Callable[[Recipe], tuple[DatasetCard, Path]]
Raw = Callable[..., Reading]


@pytest.fixture
def read(tmp_path: Path) -> Raw:
    """Reads a text, bytes or an Arrow table with the fields of a recipe."""

    def of(content: Any, **fields: Any) -> Reading:
        raw = tmp_path / "raw"
        raw.mkdir(exist_ok=True)
        for path in raw.iterdir():
            path.unlink()
        if isinstance(content, pa.Table):
            pq.write_table(content, raw / "t.parquet")
        else:
            (raw / "t.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
        return table.read(TableReader.model_validate({"kind": "table", "label": "label", **fields}), raw)

    return of


def labels(reading: Reading) -> list[str]:
    return [sample.target["label"] for sample in reading.samples() if not sample.problem]


def features(reading: Reading) -> list[list[float]]:
    return [sample.values.tolist() for sample in reading.samples() if not sample.problem]


def problems(reading: Reading) -> dict[str, str]:
    return {sample.id: sample.problem for sample in reading.samples() if sample.problem}


ODD = ["None", "NA", "null", "nan", "01", "007", "true", "1.0", " x", "#N/A", "inf", "1e5"]


def test_a_label_and_a_category_may_be_called_anything(read: Raw) -> None:
    content = "a,label\n" + "".join(f"{name},{name}\n" for name in ODD)
    reading = read(content, categorical=["a"])
    assert labels(reading) == ODD
    assert sorted(reading.feature_names) == sorted(f"a={name}" for name in ODD)
    assert np.array(features(reading)).sum(axis=1).tolist() == [1] * len(ODD)
    parquet = read(pa.table({"a": ODD, "label": ODD}), categorical=["a"])
    assert (labels(parquet), features(parquet)) == (ODD, features(reading))


NUMBERS: dict[str, pa.Array] = {
    "int8": pa.array([1, 2, None], pa.int8()),
    "uint64": pa.array([1, 2, None], pa.uint64()),
    "float16": pa.array([np.float16(1), np.float16(2), None], pa.float16()),
    "float32": pa.array([1, 2, float("nan")], pa.float32()),
    "float64": pa.array([1, 2, None], pa.float64()),
    "decimal128": pa.array([Decimal("1.00"), Decimal("2.00"), None], pa.decimal128(9, 2)),
    "decimal256": pa.array([Decimal("1.00"), Decimal("2.00"), None], pa.decimal256(50, 2)),
    "string": pa.array(["1", "2", None], pa.string()),
    "large_string": pa.array(["1", " 2 ", ""], pa.large_string()),
    "string_view": pa.array(["1", "2", None], pa.string_view()),
    "dictionary of texts": pa.array(["1", "2", None]).dictionary_encode(),
    "dictionary of numbers": pa.array([1, 2, None]).dictionary_encode(),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_of_every_type_are_numbers_and_nulls_are_gaps(name: str, read: Raw) -> None:
    rows = pa.table({"x": NUMBERS[name], "label": ["a", "b", "c"]})
    assert features(read(rows, missing="drop")) == [[1], [2]]
    assert read(rows, missing="drop").dropped == {"missing value": 1}


def test_booleans_are_one_and_zero_and_as_labels_texts(read: Raw) -> None:
    rows = pa.table({"x": [True, False], "label": [True, False]})
    assert (features(read(rows)), labels(read(rows))) == ([[1], [0]], ["True", "False"])
    assert features(read("x,label\nTRUE,a\nfalse,b\n")) == [[1], [0]]


DAY = dt.datetime(2026, 1, 2, 3, tzinfo=dt.UTC)
UNFIT: dict[str, pa.Array] = {
    "timestamp": pa.array([DAY, DAY]),
    "date": pa.array([DAY.date()] * 2),
    "time": pa.array([DAY.time()] * 2),
    "duration": pa.array([dt.timedelta(1)] * 2),
    "list": pa.array([[1.0], [2.0]]),
    "fixed_size_list": pa.array([[1.0], [2.0]], pa.list_(pa.float64(), 1)),
    "struct": pa.array([{"x": 1.0}, {"x": 2.0}]),
    "map": pa.array([[("a", 1)], []], pa.map_(pa.string(), pa.int64())),
    "binary": pa.array([b"a", b"b"]),
    "null": pa.nulls(2),
}


@pytest.mark.parametrize("name", UNFIT)
def test_what_is_neither_numbers_nor_texts_is_named_with_its_file_or_ignored(name: str, read: Raw) -> None:
    rows = pa.table({"x": [1, 2], "odd": UNFIT[name], "label": ["a", "b"]})
    with pytest.raises(
        DataError,
        match=r"t\.parquet`: `odd`: expected (numbers, or texts that|one number or text per)",
    ):
        read(rows)
    with pytest.raises(DataError, match=r"t\.parquet`: `odd`: expected"):
        read(rows, categorical=["odd"])
    assert read(rows, ignore=["odd"]).feature_names == ("x",)


@pytest.mark.parametrize("name", ["list", "struct", "map", "binary"])
def test_a_label_that_is_no_text_is_named(name: str, read: Raw) -> None:
    with pytest.raises(DataError, match=r"t\.parquet`: `label`: expected labels, got"):
        read(pa.table({"x": [1, 2], "label": UNFIT[name]}))


@pytest.mark.parametrize(
    "day",
    ["2026-01-02", "2026-01-02T03:04:05Z", "2.1.2026", "01/02/2026 3:04 PM", "2 Jan 2026", "Jan 2, 2026", "12:30"],
)
def test_a_date_is_no_category(day: str, read: Raw) -> None:
    content = f'x,when,label\n1,"{day}",a\n2,"{day}",b\n'
    for fields in ({}, {"categorical": ["when"]}):
        with pytest.raises(DataError, match=r"`when`: expected .* got dates or times; list it in `data.reader.ignore`"):
            read(content, **fields)


def test_a_column_without_any_value_is_named(read: Raw) -> None:
    with pytest.raises(DataError, match=r"t\.csv`: `y`: expected .*, got no value in any of 2 rows"):
        read("x,y,label\n1,,a\n2, ,b\n", missing="drop")


def test_a_gap_is_an_empty_cell_or_what_the_recipe_lists(read: Raw) -> None:
    content = "x,y,label\n1,NA,a\nNA,b,b\n3,?,NA\n4,b,b\n"
    fields = {"categorical": ["y"], "missing": "drop"}
    assert problems(read(content, **fields)) == {"row 00000002": "expected a number in column `x`, got `NA`"}
    everywhere = read(content, **fields, missing_values=["NA", "?"])
    assert (labels(everywhere), everywhere.dropped, problems(everywhere)) == (["b"], {"missing value": 3}, {})
    some = read(content, **fields, missing_values={"x": ["NA"]})
    assert (labels(some), some.feature_names) == (["a", "NA", "b"], ("x", "y=?", "y=NA", "y=b"))
    with pytest.raises(DataError, match=r"`missing_values`: expected one of the columns x, y, label, got `z`"):
        read(content, **fields, missing_values={"z": ["NA"]})


def test_the_cells_that_are_no_numbers_among_many_that_are_name_row_column_and_value(read: Raw) -> None:
    reading = read("x,label\n1,a\ninf,a\n1e39,b\nnan,b\n2,b\n3,a\n1_0,a\n4,b\n5,b\n")
    assert problems(reading) == {
        "row 00000002": "expected a number in column `x`, got `inf`",
        "row 00000003": "expected a number up to 3.4e+38 in column `x`, got `1e39`",
        "row 00000004": "expected a number in column `x`, got `nan`",
        "row 00000007": "expected a number in column `x`, got `1_0`",
    }
    assert features(reading) == [[1], [2], [3], [4], [5]]


def test_numbers_are_read_in_the_format_of_the_recipe(read: Raw) -> None:
    content = "x;p;label\n1.234,5;50 %;a\n-0,5;12,5%;b\n7;1,5;c\n"
    reading = read(content, separator=";", decimal=",", thousands=".")
    assert features(reading) == [[1234.5, 50], [-0.5, 12.5]]
    assert problems(reading) == {"row 00000003": "expected a number with `%` in column `p`, got `1,5`"}
    rows = pa.table({"x": [0.1, 1e-7], "d": [Decimal("0.25"), Decimal("1E+3")], "label": ["a", "b"]})
    assert features(read(rows, decimal=",")) == features(read(rows))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "windows-1252", "shift-jis"])
def test_encodings_and_separators_of_the_recipe_are_read(encoding: str, read: Raw) -> None:
    name = "良い" if encoding == "shift-jis" else "größer"
    content = f"x|label\n1|{name}\n2|b\n".encode(encoding)
    assert labels(read(content, separator="|", encoding=encoding)) == [name, "b"]


def test_another_separator_or_encoding_is_said_with_what_to_do(read: Raw) -> None:
    with pytest.raises(
        DataError, match=r'`line 1`: expected columns with "," .*; say `separator: ";"` in `data.reader`'
    ):
        read("x;label\n1,5;a\n2,5;b\n")
    with pytest.raises(
        DataError, match=r"expected text in utf-8, got the byte 0xf6; name its encoding, such as windows"
    ):
        read("x,label\n1,größer\n".encode("windows-1252"))
    with pytest.raises(DataError, match="got unexpected end of data; is a quote missing"):
        read('x,label\n1,"a\n2,b\n')
    with pytest.raises(DataError, match="`line 1`: expected columns of different names, got `x` twice; rename one"):
        read("x,x,label\n1,2,a\n")
    with pytest.raises(DataError, match="expected a CSV table with a header, got an empty file"):
        read("")
    with pytest.raises(DataError, match="expected rows below the header, got none; is it the right file"):
        read("x,label\n", categorical=["x"])


def test_a_column_of_lists_is_refused_with_what_to_do(read: Raw) -> None:
    for kind in (pa.list_(pa.float64()), pa.large_list(pa.float64()), pa.list_(pa.float64(), 2)):
        rows = pa.table({"vec": pa.array([[1.0, 2.0], [3.0, 4.0]], kind), "label": ["a", "b"]})
        told = r"`vec`: expected one number or text per cell, got lists \(.*; write a column per place of the list, or"
        with pytest.raises(DataError, match=told):
            read(rows)
        assert labels(read(rows.append_column("x", pa.array([1, 2])), ignore=["vec"])) == ["a", "b"]


def test_labels_are_merged_where_a_person_says_so(read: Raw) -> None:
    content = "x,label\n1,good\n2,good \n3,Good\n4,bad\n"
    assert labels(read(content)) == ["good", "good ", "Good", "bad"]
    assert labels(read(content, merge={"good": ["good ", "Good"]})) == ["good", "good", "good", "bad"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"merge": {"a": ["b"], "c": ["b"]}}, "`merge` has `b` twice"),
        ({"merge": {"a": ["b"], "b": ["c"]}}, "`merge` has `b` on both sides"),
        ({"decimal": ",", "thousands": ","}, "`decimal` and `thousands` are both `,`"),
        ({"encoding": "utf-5"}, "`encoding`: `utf-5` is none; name one that Python knows"),
        ({"separator": '"'}, "`separator` is a character between two columns"),
        ({"separator": ", "}, "at most 1 character"),
    ],
)
def test_fields_that_contradict_each_other_are_refused(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        TableReader.model_validate({"kind": "table", "label": "label", **fields})


def test_labels_that_differ_in_spaces_or_case_alone_are_a_warning(
    tmp_path: Path, make_recipe: MakeRecipe, prepared: Prepared
) -> None:
    (tmp_path / "t.csv").write_text(
        "x,label\n" + "".join(f"{n},{('good', 'good ', 'bad')[n % 3]}\n" for n in range(30))
    )
    source, reader = {"kind": "file", "path": str(tmp_path / "t.csv")}, {"kind": "table", "label": "label"}
    card, _ = prepared(make_recipe(source, reader))
    assert card.targets.names == ("bad", "good", "good ")
    (told,) = card.warnings
    assert told.startswith("the labels `good` and `good ` differ in spaces, case or the form of letters alone")
    card, _ = prepared(make_recipe(source, {**reader, "merge": {"good": ["good "]}}, name="merged"))
    assert (card.targets.names, card.warnings) == (("bad", "good"), ())


def test_a_rule_that_takes_every_row_of_a_label_or_all_rows_is_named(read: Raw) -> None:
    content = "x,y,label\n1,,a\n2,,a\n3,1,b\n4,2,c\n"
    assert read(content, missing="drop").refusal == (
        "`data.reader`: `missing: drop`: expected rows of every label, got none of `a`: it left out all 2; gaps: `y` 2;"
        " say `missing: impute`, or list columns in `ignore`"
    )
    assert not read(content, missing="drop", ignore=["y"]).refusal
    with pytest.raises(DataError, match=r"got none of 2: 2 with a gap \(`x` 1, `y` 1\), which `missing` leaves out"):
        read("x,y,label\n1,,a\n,2,b\n", missing="drop")
    with pytest.raises(DataError, match=r"got none of 1: 1 with a gap \(`label` 1\)"):
        read("x,label\n1,\n", missing="impute")


def test_a_column_of_a_thousand_categories_is_refused(read: Raw) -> None:
    content = "x,label\n" + "".join(f"part {n},a\n" for n in range(1001))
    with pytest.raises(DataError, match=r"`x`: expected at most 1,000 different values, got 1,001 in 1,001 rows"):
        read(content, categorical=["x"])


def _gappy(path: Path) -> bytes:
    random, lines = np.random.default_rng(0), ["size,colour,wet,label,more"]
    for n in range(200):
        size = "" if n % 7 == 0 else f"{random.normal():.17g}"
        colour = "" if n % 11 == 0 else ("red", "NA", "été")[random.integers(3)]
        wet = "" if n % 13 == 0 else "true" if random.random() < 0.5 else "False"
        lines.append(f"{size},{colour},{wet},{'' if n == 50 else 'ab'[n % 2]},{n}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path.read_bytes()


def test_gaps_are_filled_from_the_training_samples_and_a_device_computes_the_same_to_the_bit(
    tmp_path: Path, make_recipe: MakeRecipe, prepared: Prepared
) -> None:
    content = _gappy(tmp_path / "t.csv")
    reader = {"kind": "table", "label": "label", "categorical": ["colour"], "ignore": ["more"], "missing": "impute"}
    card, folder = prepared(make_recipe({"kind": "file", "path": str(tmp_path / "t.csv")}, reader, duplicates="keep"))
    facts = {name: value for name, value in card.preprocessing.items() if name != "kind"}
    preprocessor = load(Fields(facts, "preprocessing"))
    computed = preprocessor.from_file(content).arrays["inputs"]
    seen = []
    for name, split in card.splits.items():
        ids = pq.read_table(folder / split.table.name)["id"].to_pylist()
        rows = np.array([int(one.split()[1]) - 1 for one in ids])
        inputs = np.concatenate([np.load(folder / shard.inputs["inputs"].name) for shard in split.shards])
        assert inputs.tobytes() == computed[rows].tobytes()
        seen += rows.tolist()
        if name == "train":
            trained = rows
    assert sorted(seen) == [n for n in range(200) if n != 50]
    assert card.dropped == {"missing label": 1}
    assert card.feature_names == preprocessor.feature_names
    cells = [line.split(",") for line in content.decode().splitlines()[1:]]
    sizes = [float(cells[row][0]) for row in trained if cells[row][0]]
    colours = [cells[row][1] for row in trained if cells[row][1]]
    size, colour, _ = preprocessor.columns
    assert (float(size.fill or ""), colour.fill) == (np.median(sizes), max(set(colours), key=colours.count))
    assert computed[7].tolist()[:2] == [np.float32(np.median(sizes)), 1]
    assert computed[1].tolist()[1] == 0


def test_the_recipe_may_say_which_columns_mark_their_gaps(read: Raw) -> None:
    content = "x,y,label\n1,,a\n2,3,b\n"
    assert read(content, missing="impute").feature_names == ("x", "y", "y is missing")
    assert read(content, missing="impute", indicators=["x"]).feature_names == ("x", "x is missing", "y")
    with pytest.raises(DataError, match="`indicators`: expected one of the columns x, y, label, got `z`"):
        read(content, missing="impute", indicators=["z"])
    with pytest.raises(ValidationError, match="`indicators` goes with `missing: impute` alone"):
        read(content, indicators=["x"])


def test_a_column_of_which_the_training_samples_have_gaps_alone_cannot_be_filled(read: Raw) -> None:
    reading = read("x,y,label\n1,,a\n2,,b\n3,4,b\n", missing="impute")
    assert reading.fit
    with pytest.raises(DataError, match="expected values in the training samples, got gaps alone in `y`"):
        reading.fit(np.array([True, True, False]))


def test_twenty_thousand_rows_are_read_within_seconds(read: Raw) -> None:
    content = "a,b,colour,label\n" + "".join(f"{n / 7},{n},{n % 50},{n % 3}\n" for n in range(20_000))
    start = time.perf_counter()
    reading = read(content, categorical=["colour"])
    count = sum(1 for _ in reading.samples())
    assert (count, len(reading.feature_names)) == (20_000, 52)
    assert time.perf_counter() - start < 20
