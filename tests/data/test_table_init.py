"""What `init` understands of a table: its form, what becomes of each column, and what it refuses."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from params.readers import TableReader
from tasks.core.errors import DataError
from tasks.data.fetch import fetch
from tasks.data.init.scaffold import understand, write_recipe
from tasks.data.init.understanding import Understanding
from tasks.data.prepared.prepare import prepare
from tasks.kinds.recipes import load_recipe
from tests.data.reading import read_prepared

Understood = Callable[..., tuple[TableReader, Understanding]]
ROWS = 400


@pytest.fixture
def understood(project: Path, tmp_path: Path) -> Understood:
    """Writes a file, lets `init` look at it, and returns the reader of the recipe and what was shown."""

    def of(content: Any, name: str = "t.csv") -> tuple[TableReader, Understanding]:
        path = tmp_path / name
        if isinstance(content, pa.Table):
            pq.write_table(content, path)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        for old in (project / "params").glob("*.yaml"):
            old.unlink()
        (project / "dvc.yaml").write_text("vars:\n  - recipes: {}\n")
        found = understand(project, "own", table=path)
        write_recipe(project, "own", found.recipe)
        reader = load_recipe(project / "params/own.yaml").data.reader
        assert isinstance(reader, TableReader)
        return reader, found

    return of


def parts() -> list[tuple[float, float, str]]:
    """Returns measurements of good and bad parts."""
    random = np.random.default_rng(0)
    drawn = [(bool(random.random() < 0.5), *random.normal(size=2)) for _ in range(ROWS)]
    return [
        (round((25 if bad else 20) + 3 * t, 6), round((85 if bad else 100) + 10 * s, 6), "bad" if bad else "good")
        for bad, t, s in drawn
    ]


def csv(header: str, *lines: str) -> str:
    return "\n".join([header, *lines]) + "\n"


def becomes(found: Understanding) -> dict[str, str]:
    assert found.headings == ("column", "type", "gaps", "examples", "becomes")
    return {row[0]: row[-1] for row in found.rows}


def prepared_of(project: Path) -> Any:
    recipe = load_recipe(project / "params/own.yaml")
    fetch(recipe, project)
    prepare(recipe, project)
    return read_prepared(project / "data/own/prepared")


def test_nested_columns_are_left_out_by_file_and_name(understood: Understood, project: Path) -> None:
    rows = parts()
    table = pa.table(
        {
            "speed": [speed for _, speed, _ in rows],
            "vec": [[1.0, float(n)] for n in range(ROWS)],
            "s": [{"x": float(n)} for n in range(ROWS)],
            "label": [label for *_, label in rows],
        }
    )
    reader, found = understood(table, "n.parquet")
    assert reader.ignore == ("vec", "s")
    vec = [note for note in found.notes if note.startswith("`n.parquet`: `vec` is left out: list<")]
    assert vec[0].endswith("neither numbers nor texts: write a column per place of the list to learn from it")
    assert any(note.startswith("`n.parquet`: `s` is left out: struct<x: double>, neither") for note in found.notes)
    prepared = prepared_of(project)
    assert prepared.card.feature_names == ("speed",)
    assert prepared.values == {f"row {n + 1:08d}": ([np.float32(rows[n][1])], rows[n][2]) for n in range(ROWS)}


@pytest.mark.parametrize("mark", ["sep=;", '"sep=;"', "SEP=;"])
def test_what_a_spreadsheet_says_of_the_separator_is_no_header(
    mark: str, understood: Understood, project: Path
) -> None:
    lines = [f"{t};{s};{k}".replace(".", ",") for t, s, k in parts()]
    reader, _ = understood(f"{mark}\r\ntemp;speed;label\r\n" + "\r\n".join(lines))
    assert (reader.separator, reader.decimal, reader.label) == (";", ",", "label")
    found = prepared_of(project)
    assert (found.card.feature_names, len(found.values)) == (("temp", "speed"), ROWS)
    reader, found_rows = understood(f"{mark}\ntemp;speed;label\n{lines[0]}\nx;1;good\n" + "\n".join(lines[1:]))
    assert any("`temp`: expected a number in every cell, got row 00000002 `x`" in note for note in found_rows.notes)


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        (["5.1,3.5,1.4,0.2,setosa", "4.9,3.0,1.4,0.3,setosa", "6.2,3.6,1.3,0.1,other"], "`5.1`, `3.5`, `1.4`"),
        (["63,1,145,233,150,0", "67,0,160,286,108,1", "37,1,130,250,187,1"], "`63`, `1`, `145`"),
    ],
)
def test_a_first_line_of_numbers_is_told_with_what_to_do(rows: list[str], names: str, understood: Understood) -> None:
    with pytest.raises(DataError, match="`line 1`: expected names of columns, got numbers") as told:
        understood("\n".join([rows[0], *rows] * 3))
    assert names in str(told.value)
    assert "write a line with the names of the columns above it, such as `x1,x2,label`" in str(told.value)


def test_a_label_alone_is_told(understood: Understood) -> None:
    with pytest.raises(DataError, match="expected columns to learn from, got none: the label alone; is it the right"):
        understood("label\n" + "a\nb\n" * 9)


def test_a_first_line_of_numbers_that_come_again_is_told_too(understood: Understood) -> None:
    with pytest.raises(DataError, match="got `0` twice; is it a row already\\? write a line with the names"):
        understood("5,0,0,12\n" + "4,0,9,1\n2,0,0,3\n" * 9)


@pytest.mark.parametrize("names", ["0,1,2,3", "3,1,2,0", "400.5,401,401.5,402,402.5,403", "10,20,30", "2020,2019,2021"])
def test_columns_may_be_called_by_numbers(names: str, understood: Understood) -> None:
    count = names.count(",") + 1
    random = np.random.default_rng(0)
    lines = [",".join([*(f"{value:.3f}" for value in random.uniform(0, 9, count)), "ab"[row % 2]]) for row in range(30)]
    _, found = understood(csv(f"{names},label", *lines))
    assert [row[0] for row in found.rows] == [*names.split(","), "label"]


def test_an_empty_column_is_left_out_and_no_row_goes(understood: Understood, project: Path) -> None:
    reader, found = understood(csv("temp,speed,comment,label", *(f"{t},{s},,{k}" for t, s, k in parts())))
    assert (reader.ignore, reader.missing) == (("comment",), "refuse")
    assert "`t.csv`: `comment` is left out: no value in any row" in found.notes
    assert len(prepared_of(project).values) == ROWS


def test_a_column_that_numbers_the_rows_is_left_out(understood: Understood, project: Path) -> None:
    rows = sorted(parts(), key=lambda row: row[2])
    reader, found = understood(csv(",temp,id,label", *(f"{n},{t},{1000 - n},{k}" for n, (t, _, k) in enumerate(rows))))
    assert reader.ignore == ("Unnamed: 0", "id")
    assert becomes(found) == {"Unnamed: 0": "left out", "temp": "a feature", "id": "left out", "label": "the label"}
    assert prepared_of(project).card.feature_names == ("temp",)
    reader, _ = understood(csv("count,temp,label", *(f"{7 * n},{t},{k}" for n, (t, _, k) in enumerate(rows))))
    assert reader.ignore == ("count",)


def test_free_text_is_left_out_and_a_few_texts_are_categories(understood: Understood) -> None:
    rows = parts()
    lines = (f"{t},part {n // 2},{'ab'[n % 2]},{k}" for n, (t, _, k) in enumerate(rows))
    reader, found = understood(csv("temp,comment,side,label", *lines))
    assert (reader.categorical, reader.ignore) == (("side",), ("comment",))
    assert becomes(found)["side"] == "2 features, one a value"
    assert "`t.csv`: `comment` is left out: free text: 200 different values in 400 rows" in found.notes


def test_numbers_with_a_unit_are_left_out_as_what_they_are(understood: Understood) -> None:
    reader, found = understood(
        csv("temp,mass,label", *(f"{t},{n + s:.2f} kg,{k}" for n, (t, s, k) in enumerate(parts())))
    )
    assert reader.ignore == ("mass",)
    assert any("`mass` is left out: numbers in another format than the others, or with" in note for note in found.notes)


FORMS: dict[str, tuple[bytes, dict[str, str]]] = {
    "semi": (
        csv("temp;speed;label", *(f"{t};{s};{k}".replace(".", ",") for t, s, k in parts())).encode(),
        {"separator": ";", "decimal": ","},
    ),
    "tab": (csv("temp\tspeed\tlabel", *(f"{t}\t{s}\t{k}" for t, s, k in parts())).encode(), {"separator": "\t"}),
    "cp1252": (
        csv("temp,speed,label", *(f"{t},{s},{k}" for t, s, k in parts())).replace("bad", "größer").encode("cp1252"),
        {"encoding": "windows-1252"},
    ),
    "utf16": (
        csv("temp,speed,label", *(f"{t},{s},{k}" for t, s, k in parts())).encode("utf-16"),
        {"encoding": "utf-16"},
    ),
    "bom": (csv("temp,speed,label", *(f"{t},{s},{k}" for t, s, k in parts())).encode("utf-8-sig"), {}),
    "thousands": (
        csv("temp;speed;label", *(f"{t};1.{n:03d},{n % 10};{k}" for n, (t, _, k) in enumerate(parts())))
        .replace(".", "'")
        .encode(),
        {"separator": ";", "decimal": ",", "thousands": "'"},
    ),
}


@pytest.mark.parametrize("name", ["semi", "tab", "cp1252", "utf16", "bom"])
def test_separators_encodings_and_formats_of_numbers_are_recognised_and_written(
    name: str, understood: Understood, project: Path
) -> None:
    content, fields = FORMS[name]
    reader, _ = understood(content)
    said = reader.model_dump(exclude_defaults=True)
    assert {field: said[field] for field in said if field in fields or field in TableReader.model_fields} == {
        "kind": "table",
        "label": "label",
        **fields,
    }
    word = "größer" if name == "cp1252" else "bad"
    expected = {
        f"row {n + 1:08d}": ([np.float32(t), np.float32(s)], word if k == "bad" else k)
        for n, (t, s, k) in enumerate(parts())
    }
    assert prepared_of(project).values == expected


@pytest.mark.parametrize(
    ("cells", "fields", "first"),
    [
        (["1.234,5", "2,25", "12"], {"decimal": ",", "thousands": "."}, 1234.5),
        (["1'234.5", "2.25", "12"], {"thousands": "'"}, 1234.5),
        (["1\u00a0234,5", "2,25", "12"], {"decimal": ",", "thousands": " "}, 1234.5),
        (["1,234", "2,250", "3,125"], {"decimal": ","}, 1.234),
        (["12,5%", "7%", "1,5 %"], {"decimal": ","}, 12.5),
        (["1.5", "2.25", "3"], {}, 1.5),
    ],
)
def test_the_plainest_format_in_which_most_cells_are_numbers_is_taken(
    cells: list[str], fields: dict[str, str], first: float, understood: Understood, project: Path
) -> None:
    lines = [f"{cells[n % 3]};{'ab'[n // 3 % 2]}" for n in range(30)]
    reader, _ = understood(csv("x;label", *lines))
    said = reader.model_dump(exclude_defaults=True)
    assert said == {"kind": "table", "label": "label", "separator": ";", **fields}


def test_near_equal_labels_are_named_with_what_merges_them(understood: Understood, project: Path) -> None:
    _, found = understood(csv("temp,label", *(f"{t},{k}{' ' * (n % 2)}" for n, (t, _, k) in enumerate(parts()))))
    told = [note for note in found.notes if note.startswith("the labels")]
    assert len(told) == 2
    assert 'write `merge: {"bad": ["bad "]}` below `data.reader`' in told[0]
    path = project / "params/own.yaml"
    text = path.read_text()
    path.write_text(text.replace("    missing:", '    merge: {"bad": ["bad "], "good": ["good "]}\n    missing:'))
    prepared = prepared_of(project)
    assert (prepared.card.targets.names, prepared.card.warnings) == (("bad", "good"), ())


def test_bad_values_are_named_before_anything_is_written_and_stop_the_run(
    understood: Understood, project: Path
) -> None:
    bad = {7: "inf", 9: "1e39"}
    _, found = understood(csv("temp,label", *(f"{bad.get(n, t)},{k}" for n, (t, _, k) in enumerate(parts()))))
    assert any("got row 00000008 `inf`, row 00000010 `1e39`; the run stops" in note for note in found.notes)
    with pytest.raises(DataError, match="`row 00000008`: expected a number in column `temp`, got `inf`"):
        prepared_of(project)


def test_a_date_is_left_out_and_later_days_change_nothing(
    understood: Understood, project: Path, tmp_path: Path
) -> None:
    lines = [f"2026-01-{1 + n // 20:02d},{t},{k}" for n, (t, _, k) in enumerate(parts())]
    reader, found = understood(csv("when,temp,label", *lines))
    assert (reader.ignore, reader.categorical) == (("when",), ())
    assert any("`when` is left out: dates or times" in note for note in found.notes)
    before = prepared_of(project).card
    (tmp_path / "t.csv").write_text(csv("when,temp,label", *lines, "2026-02-01,20,good"))
    assert prepared_of(project).card.feature_names == before.feature_names == ("temp",)


def test_na_is_a_country(understood: Understood, project: Path) -> None:
    lines = [f"{t},{('DE', 'FR', 'NA', 'ZA')[n % 4]},{k}" for n, (t, _, k) in enumerate(parts())]
    reader, _ = understood(csv("temp,country,label", *lines))
    assert (reader.missing, reader.missing_values) == ("refuse", {})
    prepared = prepared_of(project)
    assert prepared.card.feature_names == ("temp", "country=DE", "country=FR", "country=NA", "country=ZA")
    assert (len(prepared.values), prepared.card.dropped) == (ROWS, {})


def test_na_among_numbers_is_a_gap_where_it_is_not_a_value_elsewhere(understood: Understood) -> None:
    lines = [f"{'NA' if n == 5 else t},{('DE', 'NA')[n % 2]},{k}" for n, (t, _, k) in enumerate(parts())]
    reader, found = understood(csv("temp,country,label", *lines))
    assert (reader.missing, reader.missing_values) == ("drop", {"temp": ("NA",)})
    assert any(note.startswith("1 of 400 rows have a gap (`temp` 1): `missing: drop` leaves") for note in found.notes)
    reader, _ = understood(csv("temp,country,label", *(line.replace(",NA", ",AT") for line in lines)))
    assert reader.missing_values == {"*": ("NA",)}


def test_gaps_that_would_cost_many_rows_are_filled(understood: Understood, project: Path) -> None:
    lines = [f"{'' if n % 4 == 0 else t},{k}" for n, (t, _, k) in enumerate(parts())]
    reader, found = understood(csv("temp,label", *lines, "1,"))
    assert (reader.missing, reader.indicators) == ("impute", ("temp",))
    assert any(note.startswith("100 of 401 rows have a gap (`temp` 100)") for note in found.notes)
    assert any(note.startswith("1 of 401 rows have no label in `label`") for note in found.notes)
    assert "temp is missing" in prepared_of(project).card.feature_names


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([f"{n * 1.5}" for n in range(60)], "60 rows, `label` is a number from 0 to 88.5: a regression"),
        ([f"{18 + n % 30}" for n in range(60)], "`label` is a number from 18 to 47: a regression"),
        ([f"{n % 12 / 2}" for n in range(600)], "`label` is a number from 0 to 5.5: a regression"),
        ([*(f"{n * 1.5}" for n in range(60)), "none"], "a regression; no numbers are `none`; the run stops"),
    ],
)
def test_a_label_that_was_measured_becomes_a_regression(
    values: list[str], said: str, understood: Understood, project: Path
) -> None:
    _, found = understood(csv("x,label", *(f"{(n * 7) % 11},{value}" for n, value in enumerate(values))))
    assert any(said in note for note in found.notes)
    assert [row[:2] for row in found.rows] == [("x", "number"), ("label", "number")]
    recipe = load_recipe(project / "params/own.yaml")
    assert (recipe.data.task, recipe.promote.staging.quality) == ("regression", {"r2": 0.5})
    assert recipe.evaluate.operate == {"in_interval": 0.9}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            [("a;b", "b;c", "a")[n % 3] for n in range(60)],
            "expected one class per row, got several in one cell, such as `a;b`",
        ),
        ([("a|b", "b", "a")[n % 3] for n in range(60)], "got several in one cell, such as `a|b`"),
        ([f"text {n}" for n in range(60)], "got 60 different texts in 60 rows; choose another `--label`"),
        (["a"] * 60, "expected at least two classes, got 1"),
    ],
)
def test_a_label_that_is_no_class_is_refused(values: list[str], said: str, understood: Understood) -> None:
    with pytest.raises(DataError) as told:
        understood(csv("x,label", *(f'{(n * 7) % 11},"{value}"' for n, value in enumerate(values))))
    assert said in str(told.value)


@pytest.mark.parametrize(
    "values",
    [
        ("0", "1", "2"),
        ("yes; sure", "no; never"),
        ("1.0", "2.0"),
        ("01", "007"),
        ("0.5", "1.5", "1.0"),
        tuple(map(str, range(1, 16))),
    ],
)
def test_other_labels_are_taken(values: tuple[str, ...], understood: Understood, project: Path) -> None:
    understood(csv("x,label", *(f"{(n * 7) % 11},{values[n % len(values)]}" for n in range(60))))
    load_recipe(project / "params/own.yaml")


def test_a_workbook_is_told_what_to_do(understood: Understood) -> None:
    with pytest.raises(DataError, match="got a workbook of a spreadsheet; save the sheet as CSV"):
        understood(b"PK\x03\x04", "t.xlsx")


def test_labels_with_decimal_commas_are_one_each(understood: Understood) -> None:
    lines = [f"{n * 7 % 11 / 10};{('0,5', '1,0', '1,5')[n % 3]}".replace(".", ",") for n in range(60)]
    reader, found = understood(csv("x;label", *lines))
    assert (reader.decimal, found.rows[-1][0]) == (",", "label")
