"""Prepared boxes: one version whatever the format, tiles of a picture together, and what a device makes of them."""

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tasks.core.errors import DataError, RecipeError
from tasks.data.fetch import fetch
from tasks.data.prepared.prepare import prepare
from tasks.kinds.detection.decode import PART as DECODER
from tasks.kinds.recipes import load_recipe
from tasks.runtime.bundle.decoder import PlacingDecoder
from tasks.runtime.preprocess.frames.joined import FramesOfPictures
from tasks.runtime.preprocess.preprocessor import preprocessor_from
from tests.data.boxes.exports import FORMS, Box, drawn, voc_file, voc_object, written

SEPARABLE = {"kind": "separable", "widths": [8, 12, 16], "blocks": [1, 2]}
NETWORKS: dict[str, Any] = {
    "teacher": {"architecture": SEPARABLE, "training": {"epochs": 1}},
    "student": {"architecture": SEPARABLE, "training": {"epochs": 1}},
}
DRAWN = {"kind": "hashed", "validation": 0.25, "test": 0.25, "seed": 0}


def prepared(root: Path, folder: Path, reader: dict[str, Any], **data: Any) -> Path:
    """Prepares a folder by a recipe, and returns where the data is."""
    (root / "params").mkdir(parents=True, exist_ok=True)
    source = {"kind": "folder", "path": str(folder)}
    section = {"task": "detection", "source": source, "reader": reader, "split": DRAWN, **data}
    path = root / "params" / "own.yaml"
    path.write_text(json.dumps({"name": "own", "data": section, **NETWORKS}))
    recipe = load_recipe(path)
    fetch(recipe, root)
    prepare(recipe, root)
    return root / "data" / "own" / "prepared"


def digests(folder: Path) -> dict[str, str]:
    """Returns name -> digest of every file: of these the version of data is made."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def card_of(folder: Path) -> dict[str, Any]:
    card: dict[str, Any] = json.loads((folder / "dataset.json").read_text())
    return card


def test_the_same_boxes_in_every_format_are_the_same_version_of_data(tmp_path: Path) -> None:
    odd = {
        **drawn(),
        "00": [Box("car", -2, 4, 12, 20), Box("pole", 10, 4, 10, 20)],
        "04": [Box("car", 1.37, 2, 9, 8.01)],
    }
    found = {}
    for form in FORMS:
        reader = {**written(tmp_path / form, form, odd), "size": [48, 48]}
        found[form] = digests(prepared(tmp_path / f"{form}-project", tmp_path / form, reader))
    assert len(found["coco"]) > 6
    for form in FORMS:
        assert found[form] == found["coco"], form
    card = card_of(tmp_path / "coco-project/data/own/prepared")
    assert card["dropped"] == {"boxes without area (in 00.png)": 1}
    assert card["warnings"] == ["boxes that reach out of their picture are clipped to it: 1 (in 00.png)"]
    moved = {**odd, "02": [drawn()["02"][0], drawn()["02"][1]._replace(left=2)]}
    reader = {**written(tmp_path / "moved", "yolo", moved), "size": [48, 48]}
    assert digests(prepared(tmp_path / "moved-project", tmp_path / "moved", reader)) != found["coco"]


def large(folder: Path) -> dict[str, Any]:
    """Writes five pictures of 50 x 70 with boxes of 12 pixels, and returns a reader that cuts them into tiles."""
    (folder / "photos").mkdir(parents=True)
    draws = np.random.default_rng(1)
    for number in range(5):
        pixels = draws.integers(0, 256, (50, 70, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"photos/{number}.png")
        corners = draws.integers(0, [58, 38], (6, 2))
        boxes = [Box("tree", x, y, x + 12, y + 12) for x, y in corners.tolist()]
        (folder / f"photos/{number}.xml").write_text(voc_file("".join(map(voc_object, boxes)), f"{number}.png"))
    tile = {"size": [32, 32], "overlap": 12}
    return {"kind": "voc_boxes", "images": "photos", "annotations": "photos", "size": [64, 64], "tile": tile}


GROUPED = {"kind": "grouped", "by": "picture", "validation": 0.25, "test": 0.25}


def test_tiles_of_a_picture_are_in_one_part_and_hold_what_is_seen_enough_of(tmp_path: Path) -> None:
    folder = prepared(tmp_path, tmp_path / "own", large(tmp_path / "own"), split=GROUPED)
    card = card_of(folder)
    tables = {part: pq.read_table(folder / f"{part}.parquet").to_pandas() for part in ("train", "validation", "test")}
    of = [set(table["picture"]) for table in tables.values()]
    assert sorted(name for names in of for name in names) == [f"{number}.png" for number in range(5)]
    assert all(table["id"].str.match(r"\d\.png:\d{5},\d{5}").all() for table in tables.values())
    assert sum(split["samples"] for split in card["splits"].values()) == 5 * 2 * 3
    summary = card["splits"]["train"]["summary"]
    assert summary["boxes"]["ignored"] > 0
    numbers = np.load(folder / "train-00000.targets.picture.npy")
    assert len(set(numbers.tolist())) == len(of[0]), "intervals draw pictures"
    rows = np.load(folder / "train-00000.targets.boxes.npy")
    sides = rows[:, 2:4] - rows[:, :2]
    # Prepared tiles are twice as large; of each box half or more of its area is there, or it is ignored.
    assert (np.prod(sides[rows[:, 5] == 0], axis=1) >= 0.5 * 24 * 24).all()
    assert (np.prod(sides[rows[:, 5] == 1], axis=1) < 0.5 * 24 * 24).all()
    assert sides.max() <= 24


def test_a_split_that_would_tear_tiles_apart_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"would put parts of one picture into two splits; say `split: "):
        prepared(tmp_path, tmp_path / "own", large(tmp_path / "own"))


def test_boxes_of_tiles_come_back_as_the_boxes_of_their_picture(tmp_path: Path) -> None:
    reader = large(tmp_path / "own")
    folder = prepared(tmp_path, tmp_path / "own", {**reader, "tile": {**reader["tile"], "visible": 0}}, split=GROUPED)
    card = card_of(folder)
    content = (tmp_path / "own/photos/3.png").read_bytes()
    inputs = preprocessor_from(card["preprocessing"]).from_file(content)
    part = next(p for p in ("train", "validation", "test") if _has(folder, p, "3.png"))
    table = pq.read_table(folder / f"{part}.parquet").to_pandas()
    rows = np.flatnonzero(table["picture"] == "3.png")
    values = np.load(folder / f"{part}-00000.inputs.npy")[rows]
    assert np.array_equal(values, inputs.arrays["inputs"])
    boxes, ends = (np.load(folder / f"{part}-00000.{name}.boxes.npy") for name in ("targets", "offsets"))
    answers = [
        {
            "boxes": [
                {"class": "tree", "score": 1.0, "box": box[:4].tolist()} for box in boxes[ends[row] : ends[row + 1]]
            ]
        }
        for row in rows
    ]
    assert isinstance(DECODER, PlacingDecoder)
    (answer,) = DECODER.placed(answers, FramesOfPictures(inputs.frames))
    assert answer["size"] == [50, 70]
    again = {tuple(box["box"]) for box in answer["boxes"]}
    draws = np.random.default_rng(1)
    for _ in range(4):
        draws.integers(0, 256, (50, 70, 3), dtype=np.uint8)
        corners = draws.integers(0, [58, 38], (6, 2)).tolist()
    assert again == {(x, y, x + 12, y + 12) for x, y in corners}


def _has(folder: Path, part: str, picture: str) -> bool:
    return picture in pq.read_table(folder / f"{part}.parquet")["picture"].to_pylist()


def test_a_resized_picture_is_answered_in_its_own_pixels() -> None:
    facts = {"kind": "picture", "size": [20, 20], "channels": 3, "filter": "bilinear", "levels": [0, 65535]}
    stream = io.BytesIO()
    Image.new("RGB", (40, 30)).save(stream, format="PNG")
    inputs = preprocessor_from({**facts, "background": 255, "fit": "pad"}).from_file(stream.getvalue())
    answers = [{"boxes": [{"class": "a", "score": 0.5, "box": [1, 2, 3, 4]}], "size": [20, 20]}]
    placed = DECODER.placed(answers, FramesOfPictures(inputs.frames))
    assert placed == [{"boxes": [{"class": "a", "score": 0.5, "box": [2, 4, 6, 8]}], "size": [30, 40]}]


def test_equal_pictures_in_two_parts_are_refused_whatever_their_names(tmp_path: Path) -> None:
    reader = written(tmp_path / "own", "yolo")
    content = (tmp_path / "own/images/01.png").read_bytes()
    (tmp_path / "own/images/07.png").write_bytes(content)
    for part, names in {"train": "00 01 02 03 04 05", "test": "06 07 08"}.items():
        (tmp_path / f"own/{part}.txt").write_text("".join(f"{name}.png\n" for name in names.split()))
    splits = {"train": "train.txt", "test": "test.txt"}
    with pytest.raises(DataError, match=r"expected no sample in two splits, got 1:\n.*(train/01|test/07)"):
        prepared(tmp_path, tmp_path / "own", {**reader, "splits": splits}, split={"kind": "official"})


def test_pictures_without_labels_are_cut_into_tiles_as_well(tmp_path: Path) -> None:
    reader, more = large(tmp_path / "own"), tmp_path / "more"
    more.mkdir()
    Image.fromarray(np.random.default_rng(9).integers(0, 256, (50, 70, 3), dtype=np.uint8)).save(more / "a.png")
    unlabelled = {"source": {"kind": "folder", "path": str(more)}}
    folder = prepared(tmp_path, tmp_path / "own", reader, split=GROUPED, unlabelled=unlabelled)
    assert card_of(folder)["splits"]["unlabelled"]["samples"] == 6
    table = pq.read_table(folder / "unlabelled.parquet").to_pandas()
    assert table["id"].str.startswith("unlabelled/a.png:").all()
