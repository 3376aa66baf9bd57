"""`init` for pictures with boxes: the form is recognised, and the recipe reads what was drawn; or one message."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from tasks.core.errors import DataError, InputError
from tasks.data.init.scaffold import understand
from tasks.data.init.understanding import Understanding
from tests.data.boxes.exports import (
    FORMS,
    Box,
    as_coco,
    as_voc,
    boxes_of,
    drawn,
    opened,
    samples_of,
    voc_file,
    voc_object,
    write_pictures,
    written,
)

BESIDE = {"coco": "all.json", "yolo": "labels", "voc": "Annotations", "table": "boxes.csv"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with an empty pipeline."""
    root = tmp_path / "project"
    (root / "params").mkdir(parents=True)
    (root / "dvc.yaml").write_text("vars:\n  - recipes: {}\nstages: {}\n")
    return root


def understood(project: Path, images: Path, boxes: Path) -> tuple[dict[str, Any], Understanding]:
    """Returns the section `data` of the recipe, and all that `init` tells."""
    found = understand(project, "own", images=images, boxes=boxes)
    return yaml.safe_load(found.recipe)["data"], found


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_recognised_and_reads_the_same_boxes(project: Path, tmp_path: Path, form: str) -> None:
    own = tmp_path / "own"
    written(own, form)
    data, found = understood(project, own / "images", own / BESIDE[form])
    assert data["source"] == {"kind": "folder", "path": str(own)}
    assert data["split"]["kind"] == "hashed"
    assert data["reader"]["size"] == [32, 32]
    assert data["reader"]["classes"] == ["car", "pole"]
    samples = samples_of(own, {**data["reader"], "size": [30, 40]})
    assert {name: {*boxes_of(one)} for name, one in samples.items()} == {
        f"{name}.png": {tuple(box) for box in some} for name, some in drawn().items()
    }
    assert [row[:3] for row in found.rows] == [("car", "8", "8"), ("pole", "4", "4")]
    assert found.notes[0].endswith("12 pictures looked at, 4 of them without boxes.")


def test_xml_that_begins_at_0_is_counted_from_0_and_that_is_told(project: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    boxes = {**drawn(), "00": [Box("car", 0, 3, 9, 9)]}
    write_pictures(own / "images", boxes)
    as_voc(own, boxes, first=0)
    data, found = understood(project, own / "images", own / "Annotations")
    assert data["reader"]["first_pixel"] == 0
    assert any("counted from 0" in note for note in found.notes)
    for path in (own / "Annotations").iterdir():
        path.unlink()
    (own / "Annotations").rmdir()
    as_voc(own, boxes, first=1)
    data, found = understood(project, own / "images", own / "Annotations")
    assert data["reader"]["first_pixel"] == 1
    assert any("say `first_pixel: 0`" in note for note in found.notes)


def test_lists_of_pascal_voc_are_the_split(project: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    written(own, "voc")
    lists = own / "ImageSets/Main"
    lists.mkdir(parents=True)
    for part, numbers in {"train": range(7), "val": range(7, 9), "test": range(9, 12), "car_train": range(3)}.items():
        (lists / f"{part}.txt").write_text("".join(f"{number:02d}\n" for number in numbers))
    data, _ = understood(project, own / "images", own / "Annotations")
    assert data["split"]["kind"] == "official"
    parts = {"train": "train", "validation": "val", "test": "test"}
    assert data["reader"]["splits"] == {part: f"ImageSets/Main/{name}.txt" for part, name in parts.items()}
    (lists / "test.txt").unlink()
    data, found = understood(project, own / "images", own / "Annotations")
    assert data["reader"]["splits"] == {"train": "ImageSets/Main/train.txt", "test": "ImageSets/Main/val.txt"}
    assert any("the published validation set judges" in note for note in found.notes)


def test_folders_and_yaml_of_yolo_are_the_split(project: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    written(own, "yolo")
    for part, numbers in (("train", range(8)), ("val", range(8, 12))):
        for kind, suffix in (("images", "png"), ("labels", "txt")):
            (own / kind / part).mkdir()
            for number in numbers:
                path = own / kind / f"{number:02d}.{suffix}"
                if path.exists():
                    path.rename(own / kind / part / path.name)
    (own / "data.yaml").write_text("path: ../own\ntrain: images/train\nval: images/val\nnames: [pole, car]\n")
    for boxes in (own / "data.yaml", own / "labels"):
        data, _ = understood(project, own / "images", boxes)
        assert data["reader"]["names"] == "data.yaml"
        assert data["reader"]["splits"] == {"train": "train", "test": "val"}
        assert {one.part for one in opened(own, data["reader"]).samples()} == {"train", "test"}


def test_texts_without_a_file_of_names_get_names_to_be_changed(project: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    written(own, "yolo")
    (own / "data.yaml").unlink()
    (own / "labels").rename(own / "boxes")
    data, found = understood(project, own / "images", own / "boxes")
    assert data["reader"]["labels"] == "boxes"
    assert data["reader"]["classes"] == ["class0", "class1"]
    assert any("give them names in `classes`" in note for note in found.notes)


def test_coco_files_of_parts_find_their_folders_of_pictures(project: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    boxes = drawn()
    for part, names in (("train2017", [*boxes][:8]), ("val2017", [*boxes][8:])):
        some = {name: boxes[name] for name in names}
        write_pictures(own / "images" / part, some)
        (own / "annotations").mkdir(exist_ok=True)
        as_coco(own / "annotations", some)
        (own / "annotations/all.json").rename(own / f"annotations/instances_{part}.json")
    (own / "annotations/captions.json").write_text(json.dumps({"captions": []}))
    data, _ = understood(project, own / "images", own / "annotations")
    assert data["reader"]["splits"] == {
        "train": {"images": "images/train2017", "annotations": "annotations/instances_train2017.json"},
        "test": {"images": "images/val2017", "annotations": "annotations/instances_val2017.json"},
    }
    assert {one.part for one in opened(own, data["reader"]).samples()} == {"train", "test"}


@pytest.mark.parametrize(
    ("header", "row", "fields"),
    [
        ("", "{path},{0},{1},{2},{3},{name}", {"columns": ["path", "x0", "y0", "x1", "y1", "label"]}),
        (
            "ImageID;LabelName;XMin;YMin;XMax;YMax",
            "{path};{name};{0};{1};{2};{3}",
            {"separator": ";", "path": "ImageID"},
        ),
        ("image,x,y,width,height,class", "{path},{0},{1},{4},{5},{name}", {"form": "corner_size", "label": "class"}),
        ("image,cx,cy,w,h,class", "{path},{6},{7},{8},{9},{name}", {"form": "middle_size", "unit": "parts"}),
    ],
)
def test_columns_are_recognised(project: Path, tmp_path: Path, header: str, row: str, fields: dict[str, Any]) -> None:
    own = tmp_path / "own"
    written(own, "table")
    pairs = [(name, box) for name, some in drawn().items() for box in some]
    rows = [header] if header else []
    for name, (label, left, top, right, bottom) in pairs:
        size = right - left, bottom - top
        parts = (left + right) / 80, (top + bottom) / 60, size[0] / 40, size[1] / 30
        rows.append(row.format(left, top, right, bottom, *size, *parts, path=f"images/{name}.png", name=label))
    (own / "boxes.csv").write_text("\n".join(rows))
    data, _ = understood(project, own / "images", own / "boxes.csv")
    assert data["reader"].items() >= fields.items()
    samples = samples_of(own, {**data["reader"], "size": [30, 40]})
    expected = {tuple(box) for box in drawn()["02"]}
    assert {*boxes_of(next(one for id_, one in samples.items() if id_.endswith("02.png")))} == expected


def test_small_things_in_large_pictures_are_cut_into_tiles(project: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    (own / "photos").mkdir(parents=True)
    for number in range(4):
        Image.fromarray(np.full((800, 1000, 3), number, dtype=np.uint8)).save(own / f"photos/{number}.png")
        objects = "".join(voc_object(Box("tree", place, place, place + 20, place + 30)) for place in range(0, 700, 90))
        (own / f"photos/{number}.xml").write_text(voc_file(objects, f"{number}.png", (1000, 800)))
    data, found = understood(project, own / "photos", own / "photos")
    assert data["split"] == {"kind": "grouped", "by": "picture", "validation": 0.2, "test": 0.2, "seed": 0}
    assert data["reader"]["tile"] == {"size": [320, 320], "overlap": 25, "visible": 0.5}
    assert data["reader"]["size"] == [320, 320]
    assert any("cut into tiles of 320 pixels" in note for note in found.notes)
    assert len(samples_of(own / "photos", data["reader"])) == 4 * 3 * 4


def test_oddities_are_told_before_anything_runs(project: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    boxes = {**drawn(), "00": [Box("car", -5, 3, 9, 9), Box("car", 4, 4, 4, 9)]}
    write_pictures(own / "images", boxes)
    as_coco(own, boxes)
    content = json.loads((own / "all.json").read_text())
    content["categories"].append({"id": 90, "name": "cloud"})
    (own / "all.json").write_text(json.dumps(content))
    (own / "images/05.png").write_bytes(b"none")
    data, found = understood(project, own / "images", own / "all.json")
    told = "\n".join(found.notes)
    assert "Boxes that reach out of their picture are clipped to it: 1 (in 00.png)." in told
    assert "Left out: 1 boxes without area (in 00.png)." in told
    assert "without a box, and left out of `classes`: cloud." in told
    assert "1 pictures cannot be used, and stop the run unless `arrivals` leaves them out: `05.png`: " in told
    assert data["reader"]["classes"] == ["car", "pole"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("empty", "expected annotations: COCO .* or one table .*, got no files"),
        ("other", "expected annotations: COCO .*, got 1 `.md`"),
        ("no coco", "expected a COCO file, JSON with lists"),
        ("columns", r"expected columns such as .*got `file`, `a`, .*of which none is label and box"),
        ("paths", r"`boxes/a.csv`: expected paths of pictures in `images`, got `photos"),
    ],
)
def test_what_is_not_recognised_is_told(project: Path, tmp_path: Path, change: str, said: str) -> None:
    own = tmp_path / "own"
    written(own, "table")
    boxes = own / "boxes"
    boxes.mkdir()
    if change == "other":
        (boxes / "notes.md").write_text("x")
    elif change == "no coco":
        (boxes / "a.json").write_text("[]")
    elif change == "columns":
        (boxes / "a.csv").write_text("file,a,b\nimages/00.png,1,2\n")
    elif change == "paths":
        (boxes / "a.csv").write_text("path,x0,y0,x1,y1,label\nphotos/99.png,1,2,3,4,car\n")
    with pytest.raises(DataError, match=said):
        understood(project, own / "images", boxes)


def test_boxes_go_with_pictures_and_without_masks(project: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="`--boxes`: expected `--images PATH` beside it"):
        understand(project, "own", boxes=tmp_path)
    with pytest.raises(InputError, match="expected one of them, got --masks and --boxes"):
        understand(project, "own", images=tmp_path, masks=tmp_path, boxes=tmp_path)
