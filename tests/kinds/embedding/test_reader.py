"""Folders of identities with the folds and pairs of LFW."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tasks.core.errors import DataError, RecipeError
from tasks.data.readers.identity_folder.pair_file import ListedPair, read_folds, read_pairs
from tasks.kinds.embedding.compared import listed_rows
from tasks.kinds.embedding.names import FOLD, LISTED
from tasks.training.arrays import open_split
from tasks.training.network import PreparedData
from tests.kinds.embedding.conftest import prepared

FOLDS = 5
EACH = 2
PEOPLE = [[f"Ann_{fold}", f"Bob_{fold}", f"Cem_{fold}", f"Dee_{fold}", f"Solo_{fold}"] for fold in range(1, FOLDS + 1)]
READER: dict[str, Any] = {
    "kind": "identity_folder",
    "size": [8, 8],
    "channels": 1,
    "images": "pictures",
    "people": "people.txt",
    "pairs": "pairs.txt",
    "folds": {"train": [1, 2, 3], "validation": [4], "test": [5]},
}
OFFICIAL = {"split": {"kind": "official"}}


def pairs_text() -> list[str]:
    lines = [f"{FOLDS}\t{EACH}"]
    for a, b, *_ in PEOPLE:
        lines += [f"{a}\t1\t2", f"{b}\t2\t3", f"{a}\t3\t{b}\t1", f"{a}\t1\t{b}\t2"]
    return lines


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Three pictures of each of four people in each of five folds, and one of a fifth."""
    root, draws = tmp_path / "own", np.random.default_rng(0)
    for name in (name for fold in PEOPLE for name in fold):
        (root / "pictures" / name).mkdir(parents=True)
        for number in range(1, 2 if name.startswith("Solo") else 4):
            pixels = draws.integers(0, 256, (8, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(root / "pictures" / name / f"{name}_{number:04d}.png")
    people = [str(FOLDS)]
    for fold in PEOPLE:
        people += [str(len(fold)), *(f"{name}\t3" for name in fold)]
    (root / "people.txt").write_text("\n".join(people) + "\n")
    (root / "pairs.txt").write_text("\n".join(pairs_text()) + "\n")
    return root


def read(source: Path, **reader: Any) -> PreparedData:
    where = {"source": {"kind": "folder", "path": str(source)}}
    return prepared(source.parent, **where, **OFFICIAL, reader={**READER, **reader}, embedding={"width": 8})


def test_folds_are_parts_and_listed_pairs_those_of_the_parts_that_judge(source: Path) -> None:
    data = read(source)
    assert [data.card.splits[name].samples for name in ("train", "validation", "test")] == [39, 13, 13]
    test = open_split(data.directory, "test").targets()
    assert set(np.asarray(test[FOLD]).tolist()) == {5}
    rows = listed_rows(np.asarray(test[LISTED]))
    same = [bool(test["identity"][a] == test["identity"][b]) for a, b in rows]
    assert same == [True, True, False, False]  # in the order of the file
    assert not np.asarray(open_split(data.directory, "train").targets()[LISTED]).any()
    assert data.card.splits["test"].summary == {
        "identities": 5,
        "of one sample": 1,
        "listed pairs": 4,
        "without one sample": 0,
    }


def test_files_beside_the_folders_are_counted(source: Path) -> None:
    (source / "pictures" / "Ann_1" / "notes.txt").write_text("x")
    (source / "pictures" / "Eve" / "more").mkdir(parents=True)
    Image.fromarray(np.zeros((8, 8), dtype=np.uint8)).save(source / "pictures" / "Eve" / "Eve_0001.png")
    data = read(source)
    assert data.card.dropped == {
        "of an identity that `people` does not list": 1,
        "outside `images`": 2,
        "no picture, by its name": 1,
    }


def test_without_folds_a_split_is_drawn_by_identity(source: Path) -> None:
    where = {"source": {"kind": "folder", "path": str(source)}}
    reader = {name: READER[name] for name in ("kind", "size", "channels", "images")}
    data = prepared(source.parent, **where, reader=reader, embedding={"width": 8})
    assert sum(split.samples for split in data.card.splits.values()) == 65
    assert "listed" not in data.card.targets.facts


WRONG = {
    "a number of columns": (3, "Ann_1\t1", r"line 3: expected NAME, NUMBER, NUMBER .*got `Ann_1 1`"),
    "no number": (2, "Ann_1\tone\t2", r"line 2: expected the number of a picture, from 1 on, in column 2, got `one`"),
    "a picture with itself": (2, "Ann_1\t2\t2", r"line 2: expected two different pictures"),
    "an identity with itself": (4, "Ann_1\t1\tAnn_1\t2", r"line 4: expected two different identities"),
    "the other sort": (2, "Ann_1\t1\tBob_1\t2", r"line 2: expected a pair of one identity \(3 columns\)"),
    "a stranger": (3, "Zoe\t1\t2", r"line 3: expected pictures of the source, got Zoe, 1, which is none"),
    "no such picture": (3, "Bob_1\t2\t9", r"line 3: expected pictures of the source, got Bob_1, 9"),
    "another fold": (3, "Bob_2\t2\t3", r"line 3: expected identities of fold 1, got Bob_2 of fold 2"),
    "another count": (1, "5\t3", r"line 1: expected 30 lines behind the first, .*got 20"),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_line_of_pairs_is_one_message_with_its_number(source: Path, wrong: tuple[int, str, str]) -> None:
    number, text, expected = wrong
    lines = pairs_text()
    lines[number - 1] = text
    (source / "pairs.txt").write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError) as refusal:
        read(source)
    import re

    said = str(refusal.value).replace("`pairs.txt`: `", "").replace("`: expected", ": expected")
    assert re.search(expected, said), said
    assert "pairs.txt" in str(refusal.value)
    assert str(refusal.value).count("expected") == 1


def test_a_listed_picture_that_is_there_twice_is_one_message(source: Path) -> None:
    folder = source / "pictures" / "Bob_1"
    Image.fromarray(np.zeros((8, 8), dtype=np.uint8)).save(folder / "Bob_1_02.png")
    with pytest.raises(DataError) as refusal:
        read(source)
    assert "`line 3`: expected one picture 2 of Bob_1, got `" in str(refusal.value)
    assert "Bob_1_0002.png" in str(refusal.value)
    assert "Bob_1_02.png" in str(refusal.value)


def test_names_with_spaces_need_tabs() -> None:
    text = b"1\nAda Lovelace 1 2\nAda Lovelace 1 Bob 4\n"
    with pytest.raises(DataError, match=r"line 2.*with spaces in names, put tabs between the columns"):
        read_pairs(io.BytesIO(text), "pairs.txt")
    (same, _) = read_pairs(io.BytesIO(b"1\nAda Lovelace\t1\t2\nAda Lovelace\t1\tBob\t4\n"), "pairs.txt")
    assert same.pictures == (("Ada Lovelace", 1), ("Ada Lovelace", 2))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", "expected lines of text, got none"),
        (b"2\n1\nAnn\t3\n", "expected 2 folds, got 1"),
        (b"1\n2\nAnn\t3\n", "expected 2 identities behind it"),
        (b"1\n2\nAnn\t3\nAnn\t3\n", "line 4.*that is there once"),
        (b"1\n1\nAnn\t3\nBob\t3\n", "line 4.*expected the end of the file"),
        (b"1\n1\n\xff\n", "line 3.*text in UTF-8"),
    ],
)
def test_a_wrong_list_of_people_is_one_message(text: bytes, expected: str) -> None:
    with pytest.raises(DataError, match=expected):
        read_folds(io.BytesIO(text), "people.txt")


def test_columns_may_be_apart_by_spaces_and_one_fold_needs_no_number() -> None:
    (same, apart) = read_pairs(io.BytesIO(b"1\nAnn 1 2\nAnn 1 Bob 4\n"), "pairs.txt")
    assert same == ListedPair(1, 2, 1, (("Ann", 1), ("Ann", 2)))
    assert apart.pictures == (("Ann", 1), ("Bob", 4))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"people": ""}, "`folds` and `people`"),
        ({"people": "", "folds": {}}, "`pairs` needs `people`"),
        ({"folds": {"train": [1], "test": [2]}}, "`folds` needs `validation`"),
        ({"folds": {"train": [1], "validation": [2], "test": [1]}}, "`folds` has `1` twice"),
    ],
)
def test_folds_that_are_not_whole_are_told(source: Path, change: dict[str, Any], expected: str) -> None:
    with pytest.raises(RecipeError, match=expected):
        read(source, **change)


def test_a_fold_that_is_not_there_is_told(source: Path) -> None:
    with pytest.raises(DataError, match=r"expected folds 1 to 5 of `people\.txt`, got 9"):
        read(source, folds={"train": [1], "validation": [2], "test": [9]})
