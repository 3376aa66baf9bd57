"""A first recipe for sequences: the form is recognised, shown, and can be prepared as it is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from params.pipeline import Recipe
from tasks.contracts.records import DatasetCard
from tasks.core.errors import DataError, InputError
from tasks.data.init.scaffold import understand, write_recipe
from tasks.kinds.recipes import load_recipe
from tests.data.sequence_files import arrays, everything, long_lines, made, npz, wide_lines, write

Prepared = Callable[[Recipe], tuple[DatasetCard, Path]]
SPLIT_ARRAYS = {"inputs": "X_{}", "labels": "y_{}"}


def reader_of(project: Path, path: Path, **given: Any) -> dict[str, Any]:
    found = load_recipe(write_recipe(project, "walks", understand(project, "walks", sequences=path, **given).recipe)[0])
    return found.data.reader.model_dump(exclude_defaults=True)


def prepared_walks(project: Path, path: Path, prepared: Prepared) -> tuple[DatasetCard, Path]:
    written = write_recipe(project, "walks", understand(project, "walks", sequences=path).recipe)
    return prepared(load_recipe(written[0]))


def test_a_row_per_frame_is_recognised_with_any_separator(project: Path, tmp_path: Path, prepared: Prepared) -> None:
    lines = [line.replace(".", ",") for line in long_lines(made(), separator=";")]
    write(tmp_path / "walks.csv", [f"{line};{'sensor' if not n else 'A7'}" for n, line in enumerate(lines)])
    found = understand(project, "walks", sequences=tmp_path / "walks.csv")
    assert found.headings == ("class", "sequences", "shortest", "longest")
    assert [row[:2] for row in found.rows] == [("down", "9"), ("up", "9")]
    told = "\n".join(found.notes)
    assert "long_table, 18 sequences of 2 features (x0, x1), 2 to 5 frames" in told
    assert 'sequence "walk"' in told
    assert "`sensor` is left out: the same value in every row" in told
    assert "split: drawn" in told
    card, folder = prepared_walks(project, tmp_path / "walks.csv", prepared)
    assert card.input.shape == (5, 2)
    assert sorted(everything(folder)) == made().names


def test_the_order_is_recognised_by_name_or_because_it_rises(project: Path, tmp_path: Path) -> None:
    lines = long_lines(made())
    write(tmp_path / "walks.csv", lines)
    assert reader_of(project, tmp_path / "walks.csv") == {
        "kind": "long_table",
        "sequence": "walk",
        "order": "t",
        "label": "label",
    }


def test_the_two_files_of_a_ts_archive_are_recognised_and_keep_their_split(
    project: Path, tmp_path: Path, prepared: Prepared
) -> None:
    folder, header = tmp_path / "walks", "@dimensions 2\n@classLabel true down up\n@data\n"
    folder.mkdir()
    for part in ("TRAIN", "TEST"):
        some = made(seed=len(part))
        lines = [
            ":".join(",".join(f"{value:.4f}" for value in column) for column in some.frames[name].T)
            + f":{some.labels[name]}"
            for name in some.names
        ]
        (folder / f"Walks_{part}.ts").write_text(header + "\n".join(lines) + "\n")
    found = understand(project, "walks", sequences=folder)
    assert [row[:2] for row in found.rows] == [("down", "18"), ("up", "18")]
    assert "split: that of the file, test 18, train 18" in found.notes
    card, _ = prepared_walks(project, folder, prepared)
    assert (card.splits["test"].samples, card.input.shape) == (18, (5, 2))
    with pytest.raises(
        DataError, match=r"expected a folder with one file NAME_TRAIN\.ts .*; give `--sequences .*walks`"
    ):
        understand(project, "walks2", sequences=folder / "Walks_TRAIN.ts")
    (folder / "Walks_TEST.ts").unlink()
    with pytest.raises(DataError, match=r"got `Walks_TRAIN\.ts`; take the others out, or write the recipe by hand"):
        understand(project, "walks2", sequences=folder)


def test_a_parquet_file_with_a_list_per_sequence_is_told_what_to_do(project: Path, tmp_path: Path) -> None:
    rows = pa.table({"walk": [[1.0, 2.0], [3.0]] * 9, "label": ["up", "down"] * 9})
    pq.write_table(rows, tmp_path / "walks.parquet")
    with pytest.raises(DataError, match=r"`walk`: expected one number per cell, got lists .*; write a row per frame"):
        understand(project, "walks", sequences=tmp_path / "walks.parquet")


@pytest.mark.parametrize("features", [1, 3])
def test_a_row_per_sequence_is_recognised_and_its_shape(
    features: int, project: Path, tmp_path: Path, prepared: Prepared
) -> None:
    write(tmp_path / "walks.csv", wide_lines(made(features=features)))
    card, folder = prepared_walks(project, tmp_path / "walks.csv", prepared)
    reader = load_recipe(project / "params/walks.yaml").data.reader
    shape = {} if features == 1 else {"shape": (5, 3)}
    assert reader.model_dump(exclude_defaults=True) == {"kind": "wide_table", "label": "label", "id": "walk"} | shape
    assert card.input.shape == (5, features)
    assert sorted(everything(folder)) == made().names


@pytest.mark.parametrize("names", ["sample_{}", "width {}", "mid{}", "humidity.{}"])
def test_frames_that_are_called_like_names_and_come_again_are_no_names(
    names: str, project: Path, tmp_path: Path
) -> None:
    random, head = np.random.default_rng(0), [names.format(n) for n in range(6)]
    rows = [",".join([*map(str, random.integers(0, 4, 6)), "ab"[n % 2]]) for n in range(30)]
    write(tmp_path / "walks.csv", [",".join([*head, "label"]), *rows])
    assert reader_of(project, tmp_path / "walks.csv") == {"kind": "wide_table", "label": "label"}


@pytest.mark.parametrize("name", ["id", "seq_id", "sampleId", "Trial No", "recording"])
def test_names_of_sequences_with_few_rows_each_are_recognised(name: str, project: Path, tmp_path: Path) -> None:
    head, *lines = long_lines(made(longest=2))
    single = [line for line in lines if line.split(",")[1] == "0" or line.startswith("walk-00")]
    write(tmp_path / "walks.csv", [head.replace("walk", name), *single])
    assert reader_of(project, tmp_path / "walks.csv")["sequence"] == name


def test_columns_of_a_frame_that_are_not_side_by_side_are_refused(project: Path, tmp_path: Path) -> None:
    lines = [f"x0,x1,x2,y0,y1,y2,label\n{'1,2,3,4,5,6,a'}\n{'1,2,3,4,5,7,b'}"]
    write(tmp_path / "walks.csv", lines)
    with pytest.raises(DataError, match="the 2 columns of a frame side by side, got `x0`, `x1`"):
        understand(project, "walks", sequences=tmp_path / "walks.csv")


@pytest.mark.parametrize("form", [long_lines, wide_lines])
def test_a_split_of_the_file_is_taken(form: Any, project: Path, tmp_path: Path, prepared: Prepared) -> None:
    some = made()
    write(tmp_path / "walks.csv", form(some, True))
    found = understand(project, "walks", sequences=tmp_path / "walks.csv")
    assert "split: that of the file, test 6, train 12" in found.notes
    card, _ = prepared_walks(project, tmp_path / "walks.csv", prepared)
    assert card.split_rule["kind"] == "official"
    assert card.splits["test"].samples == 6


def test_arrays_are_recognised_by_their_names(project: Path, tmp_path: Path, prepared: Prepared) -> None:
    npz(tmp_path / "walks.npz", **arrays(made()))
    card, _ = prepared_walks(project, tmp_path / "walks.npz", prepared)
    assert card.preprocessing == {"kind": "sequence_arrays", "features": 2, "inputs": ["X"], "lengths": ["n"]}


@pytest.mark.parametrize("names", ["{role}_{part}", "{part}_{role}", "{role}{part}"])
def test_arrays_of_a_split_are_recognised_in_an_archive_and_in_a_folder(
    names: str, project: Path, tmp_path: Path, prepared: Prepared
) -> None:
    some = arrays(made(40))
    flat = {
        names.format(role=role, part=part): values[rows]
        for part, rows in (("train", slice(30)), ("test", slice(30, None)))
        for role, values in some.items()
    }
    npz(tmp_path / "walks.npz", **flat)
    card, _ = prepared_walks(project, tmp_path / "walks.npz", prepared)
    assert card.splits["test"].samples == 10
    (tmp_path / "files").mkdir()
    for name, values in flat.items():
        np.save(tmp_path / "files" / f"{name}.npy", values)
    found = understand(project, "files", sequences=tmp_path / "files")
    assert "split: that of the file, test 10, train 30" in found.notes


def test_what_is_bad_is_listed_before_the_recipe_is_written(project: Path, tmp_path: Path) -> None:
    lines = long_lines(made())
    lines[1] = lines[1].replace("up", "")
    lines[-1] = ",".join([*lines[-1].split(",")[:3], "much", "down"])
    write(tmp_path / "walks.csv", lines)
    told = "\n".join(understand(project, "walks", sequences=tmp_path / "walks.csv").notes)
    assert "2 that cannot be used: `walk-00`: expected one text in column `label`" in told
    assert "expected a number in column `x1`, got `much`; the run stops" in told


@pytest.mark.parametrize(
    ("name", "content", "given", "said"),
    [
        ("a.csv", b"walk,t,x\na,0,1\n", {}, "a column label, target, class, y among"),
        ("a.csv", b"walk,t,x,label\n", {}, "expected rows below the header, got none"),
        ("a.csv", b"x,label\n1,a\n2,b\n", {}, "a column that names the sequence of each row, or a column per frame"),
        ("a.csv", b"", {}, "an empty file"),
        ("a.npz", b"no archive", {}, "expected an .npz"),
        ("a.txt.zip", b"PK", {}, "expected an .npz, a folder of .npy or .ts, or a table"),
        ("b", None, {}, "nothing there"),
        (
            "a.csv",
            b"walk,x,y,label\na,1,2,u\na,1,3,u\nb,2,2,u\nb,2,1,u\n",
            {"label": "label"},
            "at least two classes, got 1",
        ),
    ],
)
def test_what_holds_no_sequences_ends_in_one_message(
    name: str, content: bytes | None, given: dict[str, Any], said: str, project: Path, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as told:
        understand(project, "walks", sequences=tmp_path / name, **given)
    assert said in str(told.value)


def test_arrays_with_other_names_are_listed_and_labels_can_be_named(project: Path, tmp_path: Path) -> None:
    some = arrays(made())
    npz(tmp_path / "walks.npz", X=some["X"], who=some["y"])
    with pytest.raises(DataError, match=r"arrays called `inputs` and `labels`.*got `X`, `who`"):
        understand(project, "walks", sequences=tmp_path / "walks.npz")
    assert understand(project, "walks", sequences=tmp_path / "walks.npz", label="who").rows


def test_one_kind_of_data_is_given_at_a_time(project: Path, tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match="--images PATH, --table FILE, --sequences PATH, --audio PATH, --identities PATH, got none"
    ):
        understand(project, "walks")
    with pytest.raises(InputError, match="got --table FILE and --sequences PATH"):
        understand(project, "walks", table=tmp_path, sequences=tmp_path)
