"""Synthetic pictures with boxes: each lies around its shape, and the pictures are those that masks are drawn of."""

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from params.sources import ShapesSource
from tasks.data.sources.shapes import CATEGORIES, fetch


def drawn(raw: Path, **said: Any) -> dict[str, bytes]:
    raw.mkdir()
    fetch(ShapesSource.model_validate({"kind": "shapes", "pictures": 12, "side": 48, "seed": 3, **said}), raw, raw)
    with tarfile.open(raw / "files.tar") as tar:
        return {member.name: stream.read() for member in tar if (stream := tar.extractfile(member))}


def test_boxes_lie_around_the_shapes_that_masks_show(tmp_path: Path) -> None:
    boxes, masks = drawn(tmp_path / "boxes", targets="boxes"), drawn(tmp_path / "masks")
    assert {name for name in boxes if not name.startswith("images/")} == {"boxes.json"}
    known = json.loads(boxes["boxes.json"])
    assert [one["name"] for one in known["categories"]] == [*CATEGORIES]
    names, alone = {one["id"]: one["file_name"] for one in known["images"]}, 0
    for name in names.values():
        assert hashlib.sha256(boxes[f"images/{name}"]).digest() == hashlib.sha256(masks[f"images/{name}"]).digest()
    for number, name in names.items():
        mask = np.asarray(Image.open(io.BytesIO(masks[f"masks/{name}"])))
        mine = [one for one in known["annotations"] if one["image_id"] == number]
        for kind in {one["category_id"] for one in mine}:
            (only, *others) = [one for one in mine if one["category_id"] == kind]
            rows, columns = np.nonzero(mask == kind)
            if others or not len(rows):
                continue
            alone += 1
            x, y, width, height = only["bbox"]
            assert x <= columns.min() <= columns.max() < x + width
            assert y <= rows.min() <= rows.max() < y + height
    assert alone > 5
