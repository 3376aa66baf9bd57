"""Mistakes in masks and teachers that stop a distillation before it begins, or are told of."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from params.models import ResNet
from params.training import Training
from tasks.core.errors import DataError, StageError
from tasks.core.progress import silent
from tasks.distill.health import check_teachers
from tasks.distill.teachers.teachers import LoadedTeacher, Teachers
from tasks.distill.teachers.train import train
from tasks.models.build import Network
from tasks.training.measure import Measuring
from tasks.training.network import PreparedData, Trained
from tests.kinds.segmentation.conftest import READER, SHAPES, prepared

NETWORK = ResNet(kind="resnet", widths=(12, 24), blocks=1, stem_stride=1)
LEARNING = Training(epochs=12, batch_size=8, learning_rate=0.01)
DECIDES = "mean_iou"


@pytest.fixture(scope="module")
def larger(tmp_path_factory: pytest.TempPathFactory) -> PreparedData:
    """Enough pictures to learn something from."""
    return prepared(tmp_path_factory.mktemp("larger"), {**SHAPES, "pictures": 200}, READER)


@pytest.fixture(scope="module")
def teacher(larger: PreparedData) -> Trained:
    """A network that knows background from shapes."""
    return train(NETWORK, LEARNING, larger, 0, silent, lambda _epoch, _metrics: None)


def scored(data: PreparedData, network: Network) -> float:
    measuring = data.measuring
    return measuring.values(measuring.seen_by(network, data.splits.validation))[DECIDES]


def checked(data: PreparedData, network: Network, score: float | None) -> None:
    """Lets the student's side look at a teacher."""
    frozen = network.eval().requires_grad_(requires_grad=False)
    check_teachers(Teachers((LoadedTeacher(frozen, "digest", score=score),), "data", Path()), data)


def with_masks(data: PreparedData, changed: Any) -> PreparedData:
    """Returns the data with other masks of the validation pictures."""
    split = data.splits.validation
    shards = []
    for shard in split.shards:
        masks: NDArray[np.uint8] = changed(np.asarray(shard.targets["mask"]))
        shards.append(replace(shard, targets=type(shard.targets)({"mask": masks})))
    other = object.__new__(type(split))
    other.__dict__.update({**split.__dict__, "shards": shards})
    return replace(data, splits=replace(data.splits, validation=other))


def test_a_teacher_that_fits_its_masks_passes(larger: PreparedData, teacher: Trained) -> None:
    checked(larger, teacher.network, scored(larger, teacher.network))


def test_masks_that_were_shifted_by_a_row_are_found(larger: PreparedData, teacher: Trained) -> None:
    shifted = with_masks(larger, lambda masks: np.roll(masks, 1, axis=1))
    with pytest.raises(StageError, match=r"expected masks that lie on their pictures.*1 row up"):
        checked(shifted, teacher.network, None)


def test_classes_in_another_order_are_found(larger: PreparedData, teacher: Trained) -> None:
    table = np.arange(256, dtype=np.uint8)
    table[:4] = [1, 2, 3, 0]
    permuted = with_masks(larger, lambda masks: table[masks])
    with pytest.raises(StageError, match="expected the classes in the order `background`, `disc`"):
        checked(permuted, teacher.network, None)


def test_void_counted_as_a_class_is_found_by_its_name(tmp_path: Path) -> None:
    reader = {**READER, "classes": {**READER["classes"], "void": 255}, "ignore": []}
    with pytest.raises(DataError, match="`void`, which says that there is none"):
        prepared(tmp_path, SHAPES, reader)


def test_void_counted_as_a_class_under_another_name_is_found_by_a_teacher_that_never_predicts_it(
    larger: PreparedData, teacher: Trained, tmp_path: Path
) -> None:
    reader = {**READER, "classes": {**READER["classes"], "edge": 255}, "ignore": []}
    other = prepared(tmp_path, {**SHAPES, "pictures": 200}, reader)
    measuring = Measuring.of(other.card)

    def answered() -> Any:
        with torch.no_grad():
            for some in other.splits.validation.batches():
                inputs = {name: torch.from_numpy(values) for name, values in some.inputs.items()}
                logits = teacher.network.eval()(inputs)["logits"].numpy()
                yield {"logits": np.concatenate([logits, logits[:, :1] - 1], axis=1)}, some.targets

    (found,) = measuring.part.suspicions(measuring.seen(answered()).evidence, measuring.card)
    assert "none of `edge`" in found


def test_a_teacher_that_is_fed_another_normalisation_is_found(larger: PreparedData, teacher: Trained) -> None:
    score = scored(larger, teacher.network)
    other = larger.network(NETWORK)
    other.load_state_dict(teacher.network.state_dict())
    other.mean, other.std = other.mean * 0 + 10.0, other.std * 2.5
    with pytest.raises(StageError, match=r"on record.*through the student's input path"):
        checked(larger, other, score)
