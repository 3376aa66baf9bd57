"""Twelve pictures with boxes, and how each format writes them down; what a reader makes of a folder."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image
from pydantic import TypeAdapter

from params.readers import Reader
from params.sources import FolderSource
from tasks.core.plugins import load
from tasks.data.readers.samples import Reading, Sample
from tasks.data.sources import folder as folder_source

WIDTH, HEIGHT = 40, 30
NAMES = ("car", "pole")
ADAPTER: TypeAdapter[Any] = TypeAdapter(Reader)


class Box(NamedTuple):
    """A box in pixels of the picture, counted from 0."""

    name: str
    left: float
    top: float
    right: float
    bottom: float


Boxes = Mapping[str, Sequence[Box]]
"""name of a picture, without what it ends in -> its boxes; none for a picture without any"""


def drawn() -> Boxes:
    """Returns boxes of twelve pictures, of which two have none."""
    draws = np.random.default_rng(5)
    found: dict[str, list[Box]] = {}
    for number in range(12):
        corners = draws.integers(0, [20, 15], (number % 3, 2))
        sizes = draws.integers(3, [20, 15], (number % 3, 2))
        found[f"{number:02d}"] = [
            Box(NAMES[place % 2], *map(int, (*corner, *(corner + size))))
            for place, (corner, size) in enumerate(zip(corners, sizes, strict=True))
        ]
    return found


def write_pictures(folder: Path, boxes: Boxes) -> None:
    """Writes the pictures, each with a level of grey of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    for place, name in enumerate(boxes):
        pixels = np.full((HEIGHT, WIDTH, 3), 20 * place, dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{name}.png")


def as_coco(folder: Path, boxes: Boxes) -> dict[str, Any]:
    """Writes `all.json`; ids of categories begin at 3 and are texts in places."""
    categories: list[dict[str, Any]] = [{"id": 3, "name": "pole"}, {"id": "7", "name": "car"}]
    ids = {one["name"]: one["id"] for one in categories}
    annotations = [
        {
            "id": 100 * picture + place,
            "image_id": picture,
            "category_id": ids[box.name],
            "bbox": [box.left, box.top, box.right - box.left, box.bottom - box.top],
            "iscrowd": 0,
        }
        for picture, some in enumerate(boxes.values())
        for place, box in enumerate(some)
    ]
    images = [
        {"id": number, "file_name": f"{name}.png", "width": WIDTH, "height": HEIGHT}
        for number, name in enumerate(boxes)
    ]
    content = {"images": images, "categories": categories, "annotations": annotations[::-1]}
    (folder / "all.json").write_text(json.dumps(content))
    return {"kind": "coco_boxes", "annotations": "all.json"}


def as_yolo(folder: Path, boxes: Boxes) -> dict[str, Any]:
    """Writes `labels/NAME.txt` and `data.yaml`; pictures without boxes have no text."""
    (folder / "labels").mkdir()
    for name, some in boxes.items():
        lines = [
            f"{1 - NAMES.index(box.name)}"
            f" {(box.left + box.right) / 2 / WIDTH:.6f} {(box.top + box.bottom) / 2 / HEIGHT:.6f}"
            f" {(box.right - box.left) / WIDTH:.6f} {(box.bottom - box.top) / HEIGHT:.6f}\n"
            for box in some
        ]
        if lines:
            (folder / "labels" / f"{name}.txt").write_text("".join(lines))
    (folder / "data.yaml").write_text("path: .\ntrain: images\nnc: 2\nnames: {0: pole, 1: car}\n")
    return {"kind": "yolo_boxes", "names": "data.yaml"}


def as_voc(folder: Path, boxes: Boxes, first: int = 1) -> dict[str, Any]:
    """Writes `Annotations/NAME.xml`."""
    (folder / "Annotations").mkdir()
    for name, some in boxes.items():
        objects = "".join(map(voc_object, some, [first] * len(some)))
        (folder / "Annotations" / f"{name}.xml").write_text(voc_file(objects, f"{name}.png"))
    return {"kind": "voc_boxes", "annotations": "Annotations", "first_pixel": first}


def voc_file(objects: str, filename: str, size: tuple[int, int] = (WIDTH, HEIGHT)) -> str:
    """Returns a whole XML file; `size` is width and height."""
    stated = f"<size><width>{size[0]}</width><height>{size[1]}</height><depth>3</depth></size>"
    return f"<annotation><filename>{filename}</filename>{stated}{objects}</annotation>"


def voc_object(box: Box, first: int = 1, difficult: int = 0) -> str:
    """Returns an object; where pixels are counted from 1 the last one is inside."""
    ends = (box.left + first, box.top + first, box.right, box.bottom)
    corners = "".join(f"<{tag}>{end}</{tag}>" for tag, end in zip(("xmin", "ymin", "xmax", "ymax"), ends, strict=True))
    return f"<object><name>{box.name}</name><difficult>{difficult}</difficult><bndbox>{corners}</bndbox></object>"


def as_table(folder: Path, boxes: Boxes) -> dict[str, Any]:
    """Writes `boxes.csv`; a picture without boxes has a row without numbers."""
    rows = [
        f"images/{name}.png,{','.join(map(str, box[1:]))},{box.name}" for name, some in boxes.items() for box in some
    ]
    rows += [f"images/{name}.png,,,,," for name, some in boxes.items() if not some]
    (folder / "boxes.csv").write_text("\n".join(["file,xmin,ymin,xmax,ymax,class", *rows]) + "\n")
    columns = {"path": "file", "label": "class", "box": ["xmin", "ymin", "xmax", "ymax"]}
    return {"kind": "box_table", "table": "boxes.csv", **columns}


FORMS: Mapping[str, Callable[[Path, Boxes], dict[str, Any]]] = {
    "coco": as_coco,
    "yolo": as_yolo,
    "voc": as_voc,
    "table": as_table,
}


def written(folder: Path, form: str, boxes: Boxes | None = None) -> dict[str, Any]:
    """Writes pictures below `images` and their boxes, and returns the section of the reader."""
    boxes = drawn() if boxes is None else boxes
    write_pictures(folder / "images", boxes)
    return {**FORMS[form](folder, boxes), "images": "images", "size": [HEIGHT, WIDTH]}


def opened(folder: Path, reader: dict[str, Any]) -> Reading:
    """Returns what a reader makes of a folder."""
    raw = folder.parent / f"raw-of-{folder.name}"
    raw.mkdir(exist_ok=True)
    folder_source.fetch(FolderSource(kind="folder", path=str(folder)), folder, raw)
    section: Any = ADAPTER.validate_python(reader)
    reading: Reading = load("tasks.data.readers.{}", section.kind).read(section, raw)
    return reading


def samples_of(folder: Path, reader: dict[str, Any]) -> dict[str, Sample]:
    """Returns the samples by their ids."""
    return {sample.id: sample for sample in opened(folder, reader).samples()}


def boxes_of(sample: Sample) -> list[tuple[Any, ...]]:
    """Returns (name, left, top, right, bottom) of each box of a sample."""
    assert not sample.problem, sample.problem
    rows = zip(sample.target["names"], sample.target["boxes"].tolist(), strict=True)
    return [(name, *corners) for name, corners in rows]
