"""Identities: in one split alone, and nowhere by name but in the table."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from params.kinds.embedding import Embedding
from tasks.contracts.targets import BadTargetError, Targets, number_of
from tasks.core.errors import DataError, RecipeError
from tasks.kinds.contract import TargetsPart, part
from tasks.kinds.embedding.names import FOLD, IDENTITY, LISTED
from tasks.kinds.embedding.targets import IdentityGist
from tasks.kinds.recipes import load_recipe
from tasks.training.arrays import open_split
from tasks.training.network import PreparedData
from tests.kinds.embedding.conftest import GLYPHS, NETWORKS, READER, SEPARABLE, prepared

PART: Any = part("embedding", "targets", TargetsPart)
DECLARED: dict[str, Any] = {"label": {"embedding": Embedding(width=8).facts}}
SPLITS = ("train", "validation", "test")


def several(*names: str) -> list[IdentityGist]:
    return [IdentityGist(name) for name in names for _ in range(2)]


JUDGES = {"validation": several(*"abcd"), "test": several(*"efgh")}


def test_identities_never_cross_splits(glyphs: PreparedData) -> None:
    found = [set(np.asarray(open_split(glyphs.directory, name).targets()[IDENTITY]).tolist()) for name in SPLITS]
    assert sum(map(len, found)) == len(set().union(*found)) == 30
    assert min(map(len, found)) >= 4


def test_identities_that_may_be_one_are_told(tmp_path: Path) -> None:
    draws = np.random.default_rng(0)
    for name in ("Ada", "ada ", *"bcdefghijk"):
        (tmp_path / "own" / name).mkdir(parents=True)
        for number in range(2):
            pixels = draws.integers(0, 256, (8, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "own" / name / f"{number}.png")
    reader = {"kind": "image_folder", "size": [8, 8], "channels": 1}
    parts = {"kind": "grouped", "by": "label", "validation": [*"bcde"], "test": ["Ada", *"fgh"]}
    found = prepared(tmp_path, source={"kind": "folder", "path": str(tmp_path / "own")}, reader=reader, split=parts)
    (warning,) = found.card.warnings
    assert warning.startswith("the groups of `label` `Ada` and `ada` differ in spaces, case or the form of letters")


@pytest.mark.parametrize("kind", ["stratified", "hashed"])
def test_a_split_by_sample_is_refused_before_anything_runs(tmp_path: Path, kind: str) -> None:
    with pytest.raises(RecipeError, match=r"of one identity into two splits; say `split: \{kind: grouped"):
        prepared(tmp_path, split={"kind": kind, "validation": 0.2, "test": 0.2})


def test_a_published_split_that_takes_an_identity_apart_is_refused_by_name(tmp_path: Path) -> None:
    draws = np.random.default_rng(0)
    own = tmp_path / "own"
    for split, names in {"train": "abx", "validation": "cdef", "test": "ghijx"}.items():
        for place in [own / split / name / f"{number}.png" for name in names for number in range(2)]:
            place.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(draws.integers(0, 256, (16, 16), dtype=np.uint8)).save(place)
    reader = {**READER, "splits": {name: name for name in SPLITS}}
    source = {"kind": "folder", "path": str(own)}
    with pytest.raises(DataError, match=r"expected each in one split alone, got `x` in test and train; say"):
        prepared(tmp_path, source=source, reader=reader, split={"kind": "official"})


def test_a_published_split_is_checked_too() -> None:
    found = [*PART.problems_of_splits({"train": [IdentityGist("a"), IdentityGist("z")], **JUDGES}, PART.nominal())]
    assert len(found) == 1
    assert "`a` in train and validation" in found[0]
    assert not [*PART.problems_of_splits({"train": [IdentityGist("z")], **JUDGES}, PART.nominal())]


def test_identities_of_one_sample_cannot_judge() -> None:
    lonely = {"validation": several(*"abcd"), "test": [*several(*"efg"), IdentityGist("h"), IdentityGist("i")]}
    (found,) = PART.problems_of_splits({"train": [IdentityGist("z")], **lonely}, PART.nominal())
    assert "at least 4 of two samples or more in test" in found
    assert "got 3" in found


def test_nothing_is_learned_from_one_identity() -> None:
    (found,) = PART.problems([IdentityGist("Ann"), IdentityGist("Ann")], PART.nominal())
    assert "two or more to train on, got `Ann` alone" in found


def test_no_name_is_in_what_ships(glyphs: PreparedData) -> None:
    card = json.dumps(glyphs.card.targets.model_dump(mode="json"))
    assert glyphs.card.targets.names == ()
    assert glyphs.card.targets.facts["width"] == 16
    table = pq.read_table(glyphs.directory / glyphs.card.splits["test"].table.name)
    names = table["label"].to_pylist()
    assert not [name for name in names if name in card]
    numbers = open_split(glyphs.directory, "test").targets()[IDENTITY]
    assert [number_of(name) for name in names] == numbers.tolist()


def test_an_identity_is_needed() -> None:
    for raw in ({"label": "  "}, {}):
        with pytest.raises(BadTargetError, match="expected an identity, got none"):
            PART.gist(raw, DECLARED)


def test_listed_pairs_are_filled_up() -> None:
    raws: list[dict[str, Any]] = [{"label": "a", "fold": 9, "listed": (4, 7)}, {"label": "b"}]
    gists = [PART.gist(raw, DECLARED) for raw in raws]
    card = PART.card(gists, DECLARED)
    assert card.facts["listed"] == 2
    assert [column.name for column in PART.columns(card)] == [IDENTITY, FOLD, LISTED]
    assert PART.encode(raws[0], DECLARED, card)[LISTED].tolist() == [4, 7]
    assert PART.encode(raws[1], DECLARED, card)[LISTED].tolist() == [0, 0]
    plain = PART.card([PART.gist({"label": "a"}, DECLARED)], DECLARED)
    assert [column.name for column in PART.columns(plain)] == [IDENTITY]


def test_a_split_says_how_many_identities_it_has(glyphs: PreparedData) -> None:
    targets = Targets({IDENTITY: np.array([1, 1, 2])})
    assert PART.summary([targets], glyphs.card.targets) == {"identities": 2, "of one sample": 1}


def test_few_samples_that_stand_for_all_have_partners(glyphs: PreparedData) -> None:
    split = open_split(glyphs.directory, "train")
    found = split.gather(split.few(12)).targets[IDENTITY]
    assert (np.unique(found, return_counts=True)[1] > 1).all()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"task": "classification", "embedding": {"width": 8}}, "`embedding` goes with `task: embedding`"),
        ({"classes": ["a", "b"]}, "identities are those that are there"),
        ({"embedding": {"width": 1}}, "embedding.width"),
        ({"embedding": {"loss": "softmax"}}, "embedding.loss"),
        ({"embedding": {"loss": "triplet"}}, "`student.training.label_smoothing`: goes without `data.embedding.loss: "),
    ],
)
def test_a_section_that_does_not_fit_is_told(tmp_path: Path, change: dict[str, Any], expected: str) -> None:
    section = {"task": "embedding", "source": GLYPHS, "reader": READER, "split": {"kind": "grouped", "by": "label"}}
    path = tmp_path / "marks.yaml"
    smooth = {"architecture": SEPARABLE, "training": {"epochs": 1, "label_smoothing": 0.1}}
    path.write_text(json.dumps({"name": "marks", "data": section | change, **NETWORKS, "student": smooth}))
    with pytest.raises(RecipeError) as refusal:
        load_recipe(path)
    assert expected in str(refusal.value)


def test_masks_are_no_identities(tmp_path: Path) -> None:
    reader = {"kind": "image_masks", "images": "i", "masks": "m", "size": [8, 8], "classes": {"a": 0, "b": 1}}
    path = tmp_path / "marks.yaml"
    section = {"task": "embedding", "source": GLYPHS, "reader": reader, "split": {"kind": "grouped", "by": "label"}}
    path.write_text(json.dumps({"name": "marks", "data": section, **NETWORKS}))
    with pytest.raises(RecipeError, match="needs labels, which are identities"):
        load_recipe(path)


@pytest.mark.parametrize("objective", [{"kind": "output_similarity"}, {"kind": "cosine", "standardise": True}])
def test_a_gallery_of_the_teachers_needs_an_objective_that_brings_embeddings_there(
    tmp_path: Path, objective: dict[str, Any]
) -> None:
    section = {"task": "embedding", "source": GLYPHS, "reader": READER, "split": {"kind": "grouped", "by": "label"}}
    section["embedding"] = {"gallery": "teacher"}
    path = tmp_path / "marks.yaml"
    path.write_text(json.dumps({"name": "marks", "data": section, **NETWORKS}))
    assert load_recipe(path).distill.objectives[0].kind == "cosine"
    path.write_text(json.dumps({"name": "marks", "data": section, **NETWORKS, "distill": {"objectives": [objective]}}))
    with pytest.raises(RecipeError, match=r"compared with the teacher's own.*add `\{kind: cosine\}`"):
        load_recipe(path)


def test_a_softmax_of_embeddings_is_refused_before_anything_runs(tmp_path: Path) -> None:
    section = {"task": "embedding", "source": GLYPHS, "reader": READER, "split": {"kind": "grouped", "by": "label"}}
    path = tmp_path / "marks.yaml"
    path.write_text(json.dumps({"name": "marks", "data": section, **NETWORKS, "distill": {}}))
    with pytest.raises(RecipeError, match=r"no probabilities, got `kl`; say `\[\{kind: cosine"):
        load_recipe(path)
