"""Pictures with boxes, drawn, packed and prepared as a run does it."""

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from params.models import ResNet
from params.training import Training
from tasks.contracts.targets import Targets
from tasks.core.progress import silent
from tasks.data.fetch import fetch
from tasks.data.prepared.prepare import prepare
from tasks.distill.teachers.train import train
from tasks.kinds.recipes import load_recipe
from tasks.training.network import PreparedData, Trained

SEPARABLE = {"kind": "separable", "widths": [8, 12, 16], "blocks": [1, 1]}
NETWORKS: dict[str, Any] = {
    "teacher": {"architecture": SEPARABLE, "training": {"epochs": 1}},
    "student": {"architecture": SEPARABLE, "training": {"epochs": 1}},
}
READER: dict[str, Any] = {
    "kind": "coco_boxes",
    "images": "images",
    "annotations": "boxes.json",
    "size": [32, 32],
    "classes": ["disc", "square", "triangle"],
    "strides": [4],
    "least_score": 0.2,
}
LEARNING = Training(epochs=14, batch_size=8, learning_rate=0.01)


@pytest.fixture(scope="session")
def blobs(tmp_path_factory: pytest.TempPathFactory) -> PreparedData:
    """Two hundred synthetic pictures."""
    root = tmp_path_factory.mktemp("blobs")
    source = {"kind": "shapes", "targets": "boxes", "pictures": 200, "side": 32, "seed": 1}
    split = {"kind": "stratified", "validation": 0.2, "test": 0.1, "seed": 0}
    data = {"task": "detection", "source": source, "reader": READER, "split": split}
    (root / "params").mkdir()
    path = root / "params" / "boxes.yaml"
    path.write_text(json.dumps({"name": "boxes", "data": data, **NETWORKS}))
    recipe = load_recipe(path)
    fetch(recipe, root)
    prepare(recipe, root)
    return PreparedData.open_folder(root / "data" / "boxes" / "prepared")


@pytest.fixture(scope="session")
def teacher(blobs: PreparedData) -> Trained:
    """A network that finds some of the shapes."""
    network = ResNet(kind="resnet", widths=(12, 24), blocks=1, stem_stride=2)
    return train(network, LEARNING, blobs, 0, silent, lambda _epoch, _metrics: None)


def with_boxes(data: PreparedData, rows: Sequence[NDArray[np.float32]]) -> PreparedData:
    """Returns the data with other boxes of the validation pictures."""
    split = data.splits.validation
    ends = np.cumsum([0, *map(len, rows)]).astype(np.int64)
    (shard,) = split.shards
    other = object.__new__(type(split))
    boxes = Targets({"boxes": np.concatenate(rows)}, {"boxes": ends})
    other.__dict__.update({**split.__dict__, "shards": [replace(shard, targets=boxes)]})
    return replace(data, splits=replace(data.splits, validation=other))


def boxes_of(data: PreparedData) -> list[NDArray[np.float32]]:
    """Returns the boxes of each validation picture."""
    targets = data.splits.validation.targets()
    rows, ends = np.asarray(targets["boxes"]), targets.offsets("boxes")
    return [rows[start:end].copy() for start, end in pairwise(ends)]
