"""Pictures without masks: a teacher tells of their pixels, as few masks as there are, or none at all."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from params.distill import Distill
from params.models import Separable
from params.student import Student
from params.training import Training
from tasks.core.progress import silent
from tasks.distill.health import weights_digest
from tasks.distill.loss import DistillationLoss
from tasks.distill.soft_labels.source import LiveSoftLabels
from tasks.distill.student import distill
from tasks.distill.teachers.teachers import LoadedTeacher, Teachers
from tasks.distill.teachers.train import train
from tasks.kinds.segmentation.names import LOGITS
from tasks.models.build import Network
from tasks.training.batches import Batch
from tasks.training.network import PreparedData
from tests.kinds.segmentation.conftest import NETWORKS, READER, SEPARABLE, SHAPES, prepared

AUGMENT = {"views": 1, "steps": [{"kind": "flip"}, {"kind": "crop", "smallest": 0.7}]}
STUDENT = Student.model_validate(
    {"architecture": SEPARABLE, "training": {"epochs": 2, "batch_size": 8, "augment": AUGMENT}}
)
TEACHER = Separable.model_validate(NETWORKS["teacher"]["architecture"])
BROUGHT = {"teacher": {"kind": "onnx", "file": "teacher.onnx"}}


@pytest.fixture(scope="module", params=[{"keep": 6}, "none"], ids=["few masks", "no masks"])
def data(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> PreparedData:
    networks = NETWORKS | (BROUGHT if request.param == "none" else {})
    return prepared(tmp_path_factory.mktemp("few"), SHAPES, READER, networks, labels=request.param)


@pytest.fixture(scope="module")
def teacher(shapes: PreparedData) -> Network:
    """Knows all masks of the same pictures."""
    budget = Training(epochs=40, batch_size=8, learning_rate=0.02)
    return train(TEACHER, budget, shapes, 0, silent, lambda _epoch, _metrics: None).network


def test_a_student_learns_from_pictures_whether_they_have_masks_or_not(
    data: PreparedData, teacher: Network, tmp_path: Path
) -> None:
    loaded = LoadedTeacher(teacher, weights_digest(teacher))
    heard: list[dict[str, Any]] = []

    def listen(_epoch: int, metrics: Any) -> None:
        heard.append(dict(metrics))

    teachers = Teachers((loaded,), data.data_digest, tmp_path / "soft")
    distill(STUDENT, Distill(alpha=0.5), teachers, data, 0, silent, listen)
    assert heard[-1]["train_soft_loss"] < heard[0]["train_soft_loss"]
    assert (heard[-1]["train_hard_loss"] > 0) == (data.card.splits["train"].samples > 0)
    (key,) = (tmp_path / "soft").glob("*/key.json")
    assert json.loads(key.read_text())
    stored = np.load(next(key.parent.glob("*.npy")), mmap_mode="r")
    assert len(stored) == 24, "of all training pictures"


def test_a_picture_without_a_mask_has_a_soft_loss_alone(data: PreparedData, teacher: Network) -> None:
    network = data.network(STUDENT.architecture)
    source = LiveSoftLabels(teacher, data.losses)
    loss = DistillationLoss(Distill(alpha=0.5), Training(epochs=1), source, network, None, data)
    train = data.mixed(0.5).splits.train
    batch = Batch.of(train.gather(np.arange(len(train) - 3, len(train))), torch.device("cpu"))
    assert batch.labelled == 0
    terms = loss(network.train(), batch)
    assert terms["hard_loss"].item() == 0.0
    terms["loss"].backward()
    assert network(batch.inputs)[LOGITS].shape[0] == 3
    assert sum(float(p.grad.abs().sum()) for p in network.parameters() if p.grad is not None) > 0
