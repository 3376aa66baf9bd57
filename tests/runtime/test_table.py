"""Rows of a table as a model's inputs: the very CSV that trained it, JSON records by name, and what is refused."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.contracts.records import InputSpec
from tasks.runtime.bundle.bundle import golden_of, write_bundle
from tasks.runtime.bundle.fields import Fields
from tasks.runtime.bundle.session import Session
from tasks.runtime.errors import ManifestError, WrongInputError
from tasks.runtime.preprocess import table
from tasks.runtime.preprocess.cells import NumberFormat, TableColumn
from tasks.runtime.preprocess.table import TablePreprocessor
from tests.runtime.conftest import FACTS, mean_model
from tests.runtime.devices import set_up
from tests.runtime.tuf_world import World

TEMP, COLOUR = TableColumn("temp", "number"), TableColumn("colour", "category", ("green", "NA", "été"))
PLAIN = TablePreprocessor((TEMP, COLOUR))
FILLED = TablePreprocessor(
    (
        replace(TEMP, fill="-1.5", indicator=True, missing_values=("?",)),
        replace(COLOUR, fill="NA", indicator=True),
        TableColumn("wet", "boolean", fill="true"),
        TableColumn("humidity", "percent", fill="40.0"),
    ),
    ";",
    "utf-8",
    NumberFormat(",", "."),
)


def loaded(facts: dict[str, Any]) -> TablePreprocessor:
    facts = json.loads(json.dumps(facts))
    assert facts.pop("kind") == "table"
    fields = Fields(facts, "preprocessing")
    found = table.load(fields)
    fields.finish()
    return found


def rows(preprocessor: TablePreprocessor, content: str | bytes) -> Any:
    return preprocessor.from_file(content.encode() if isinstance(content, str) else content).arrays["inputs"].tolist()


@pytest.mark.parametrize("preprocessor", [PLAIN, FILLED])
def test_a_manifest_says_all_there_is_to_know(preprocessor: TablePreprocessor) -> None:
    assert loaded(preprocessor.facts()) == preprocessor


@pytest.mark.parametrize(
    "change",
    [
        {"type": "date"},
        {"fill": "many"},
        {"indicator": 1},
        {"categories": [1]},
        {"name": None},
        {"more": 1},
    ],
)
def test_a_manifest_with_a_column_that_cannot_be_is_refused(change: dict[str, Any]) -> None:
    facts = PLAIN.facts()
    facts["columns"][0] |= change
    with pytest.raises(ManifestError, match=r"preprocessing\.columns\.0"):
        loaded(facts)


def test_a_manifest_without_columns_is_refused() -> None:
    with pytest.raises(ManifestError, match=r"`preprocessing\.columns`: expected at least one"):
        loaded(PLAIN.facts() | {"columns": []})


TEXT = "colour,label,temp\r\nNA,bad,20.5\r\n\r\nété,good,-1e3\r\n"


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        TEXT.encode("utf-16-le"),
        TEXT.encode("utf-16-be"),
        TEXT.replace(",", ";").encode(),
        TEXT.replace(",", "\t").encode("utf-8-sig"),
        TEXT.replace(",", " , ").replace("NA ", "NA").replace("été ", "été").encode(),
        TEXT.replace("\r\n", "\n").encode(),
        TEXT.replace("\r\n", "\r").encode(),
        TEXT.replace("bad", '"b,a\nd"').encode(),
        TEXT.replace("20.5\r\n", "20.5,,\r\n").encode(),
    ],
)
def test_columns_are_found_by_name_in_whatever_form_the_file_comes(content: bytes) -> None:
    assert rows(PLAIN, content) == [[20.5, 0, 1, 0], [-1000, 0, 0, 1]]


def test_another_encoding_is_read_where_the_recipe_named_it() -> None:
    content = TEXT.encode("windows-1252")
    assert rows(replace(PLAIN, encoding="windows-1252"), content) == rows(PLAIN, TEXT)
    with pytest.raises(WrongInputError, match="`inputs`: expected text in utf-8, got the byte 0xe9; name its encoding"):
        rows(PLAIN, content)


def test_gaps_are_filled_as_in_training_and_marked() -> None:
    content = "temp;colour;wet;humidity\n1.234,5;green;TRUE;12,5 %\n?;;;\n"
    assert rows(FILLED, content) == [
        [1234.5, 0, 1, 0, 0, 0, 1, 12.5],
        [-1.5, 1, 0, 1, 0, 1, 1, 40],
    ]
    assert FILLED.feature_names == (
        "temp",
        "temp is missing",
        "colour=green",
        "colour=NA",
        "colour=été",
        "colour is missing",
        "wet",
        "humidity",
    )


def test_records_are_the_same_as_a_file() -> None:
    records: list[dict[str, Any]] = [
        {"temp": 1234.5, "colour": "green", "wet": True, "humidity": 12.5, "more": [1]},
        {"temp": None, "colour": None, "wet": None, "humidity": None},
        {"temp": "-0,5", "colour": "NA", "wet": "false", "humidity": "7%"},
    ]
    found = FILLED.from_records(records).arrays["inputs"]
    content = "temp;colour;wet;humidity\n1.234,5;green;true;12,5%\n;;;\n-0,5;NA;false;7%\n"
    np.testing.assert_array_equal(found, FILLED.from_file(content.encode()).arrays["inputs"])


def test_a_number_is_a_category_by_its_text() -> None:
    codes = TablePreprocessor((TableColumn("code", "category", ("7", "007", "7.5", "True")),))
    found = codes.from_records([{"code": 7}, {"code": 7.0}, {"code": "007"}, {"code": 7.5}, {"code": True}])
    assert found.arrays["inputs"].argmax(axis=1).tolist() == [0, 0, 1, 2, 3]
    assert not found.notes


def test_a_category_that_training_did_not_have_is_all_zeros_and_a_note() -> None:
    found = PLAIN.from_records([{"temp": 1, "colour": "NA"}, {"temp": 1, "colour": "red"}])
    assert found.arrays["inputs"].tolist() == [[1, 0, 1, 0], [1, 0, 0, 0]]
    assert found.notes == [[], ["`colour`: `red` is in no sample that the model was trained with"]]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "`inputs`: expected CSV with a header and rows, got an empty file; give `temp`, `colour`"),
        ("\n \n", "`inputs`: expected CSV with a header and rows, got an empty file"),
        ("temp,colour\n", "`inputs`: expected rows below the header, got none"),
        ("20.1,99.5\n1,2\n", "`line 1`: expected the columns `temp`, `colour` too, got `20.1`, `99.5`; add them"),
        ("temp;more\n1;2\n", "`line 1`: expected the columns `colour` too, got `temp`, `more`; add them"),
        ("temp,colour,temp\n1,NA,2\n", "`line 1`: expected `temp` once, got it twice"),
        ("temp,colour\n1,NA\n2,NA,3\n", "`line 3`: expected 2 cells, got 3; correct the line"),
        ("temp,colour\n1,NA\n2\n", "`line 3`: expected 2 cells, got 1; correct the line"),
        ("temp,colour\n1,NA\nx,NA\ny,NA\n", "`line 3`: expected a number in column `temp`, got `x` (and 1 more)"),
        ("temp,colour\n1,NA\ninf,NA\n", "`line 3`: expected a number in column `temp`, got `inf`"),
        ("temp,colour\n1e39,NA\n", "`line 2`: expected a number up to 3.4e+38 in column `temp`, got `1e39`"),
        ("temp,colour\n1,\n", "`line 2`: expected a value in column `colour`, got none"),
        ('temp,colour\n1,"NA\n', "`line 2`: expected cells in whole quotes, got unexpected end of data"),
        (b"\x1f\x8b\x08", "`inputs`: expected CSV, got a gzip file; unpack it first"),
        (b"\xff\xfet\x00e", "`inputs`: expected text in utf-16, got the byte 0x65"),
        (b"\xfft", "`inputs`: expected text in utf-8, got the byte 0xff"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_message(content: str | bytes, said: str) -> None:
    with pytest.raises(WrongInputError) as told:
        rows(PLAIN, content)
    assert str(told.value).startswith(said)


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"temp": 1}, "`record 2`: expected the columns `colour` too, got `temp`; add them"),
        ({"temp": True, "colour": "NA"}, "`record 2`: `temp`: expected a number or null, got True"),
        ({"temp": [1], "colour": "NA"}, "`record 2`: `temp`: expected a number or null, got [1]"),
        ({"temp": "hot", "colour": "NA"}, "`record 2`: expected a number in column `temp`, got `hot`"),
        ({"temp": 1e39, "colour": "NA"}, "`record 2`: expected a number up to 3.4e+38 in column `temp`, got `1e+39`"),
        ({"temp": float("nan"), "colour": "NA"}, "`record 2`: expected a number in column `temp`, got `nan`"),
        ({"temp": None, "colour": "NA"}, "`record 2`: expected a value in column `temp`, got none"),
        ({"temp": 1, "colour": {}}, "`record 2`: `colour`: expected a text or null, got {}"),
    ],
)
def test_a_record_that_cannot_be_read_is_one_message(record: dict[str, Any], said: str) -> None:
    with pytest.raises(WrongInputError) as told:
        PLAIN.from_records([{"temp": 1, "colour": "NA"}, record])
    assert str(told.value).startswith(said)
    with pytest.raises(WrongInputError, match="expected records, got none"):
        PLAIN.from_records([])


def test_the_schema_says_which_fields_may_be_null() -> None:
    assert PLAIN.schema() == {
        "type": "object",
        "properties": {
            "temp": {"type": ["number", "string"]},
            "colour": {"type": ["string", "number", "boolean"], "examples": ["green", "NA", "été"]},
        },
        "required": ["temp", "colour"],
    }
    assert FILLED.schema()["properties"]["wet"] == {"type": ["boolean", "string", "null"]}


@pytest.mark.parametrize(
    ("written", "text", "number"),
    [
        (NumberFormat(), " -1.5e3 ", -1500),
        (NumberFormat(), "1,5", None),
        (NumberFormat(), "1_000", None),
        (NumberFormat(), "nan", None),
        (NumberFormat(), "Infinity", None),
        (NumberFormat(), "1e999", None),
        (NumberFormat(), "\u0661\u0662", None),
        (NumberFormat(","), "1,5", 1.5),
        (NumberFormat(","), "1.5", None),
        (NumberFormat(",", "."), "1.234.567,25", 1234567.25),
        (NumberFormat(",", "."), "1.5", None),
        (NumberFormat(".", ","), "1,234.5", 1234.5),
        (NumberFormat(".", ","), "12,34", None),
        (NumberFormat(".", ","), "1.234,5", None),
        (NumberFormat(".", " "), "1\u202f234\u00a0567", 1234567),
        (NumberFormat(".", "'"), "-1\u2019234.5", -1234.5),
    ],
)
def test_a_number_is_what_its_format_makes_of_it(written: NumberFormat, text: str, number: float | None) -> None:
    assert written.number(text) == number


@pytest.mark.parametrize("value", [0, -3, 10**17, 0.1, 1e300, 5e-324, -1234.5, 1 / 3, 2.0**53])
@pytest.mark.parametrize("written", [NumberFormat(), NumberFormat(","), NumberFormat(",", "."), NumberFormat(".", ",")])
def test_a_number_comes_back_from_its_text_to_the_last_bit(written: NumberFormat, value: float) -> None:
    assert written.number(written.text(value)) == value


def test_a_device_takes_the_very_file_that_trained_its_model(tmp_path: Path) -> None:
    spec = InputSpec(layout="vector", dtype="float32", shape=(4,))
    model, directory = mean_model(spec), tmp_path / "bundle"
    golden = golden_of(Session(model), {"inputs": np.ones((2, 4), np.float32)})
    write_bundle(directory, replace(FACTS, preprocessing=PLAIN.facts(), layout="vector"), model, golden)
    world = World()
    world.publish({path.name: path.read_bytes() for path in directory.iterdir()}, 1)
    device = set_up(tmp_path / "home", world)
    device.update()

    def run(content: bytes) -> "subprocess.CompletedProcess[str]":
        (tmp_path / "rows.csv").write_bytes(content)
        asked = [
            sys.executable,
            "-m",
            "tasks.runtime",
            "--home",
            str(device.home.path),
            "run",
            str(tmp_path / "rows.csv"),
        ]
        return subprocess.run(asked, check=False, capture_output=True, text=True)

    ended = run(b"\xef\xbb\xbfcolour;temp;label\nNA;20.5;bad\nred;3;good\n")
    assert (ended.returncode, ended.stderr) == (0, "")
    known, unknown = map(json.loads, ended.stdout.splitlines())
    expected = device.predictor().predict({"inputs": np.array([[20.5, 0, 1, 0], [3, 0, 0, 0]], np.float32)})
    assert known == expected[0]
    assert unknown == {**expected[1], "notes": ["`colour`: `red` is in no sample that the model was trained with"]}
    ended = run(b"")
    assert (ended.returncode, ended.stdout) == (2, "")
    said = "`inputs`: expected CSV with a header and rows, got an empty file; give `temp`, `colour`"
    assert ended.stderr == f"`{tmp_path / 'rows.csv'}`: {said}\n"
