from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from params.models import Mlp
from params.student import Student
from params.training import Training
from tasks.contracts.targets import TargetCard
from tasks.core.errors import DataError, StageError
from tasks.distill import health
from tasks.distill.teachers.teachers import LoadedTeacher, Teachers
from tasks.training.batches import Batch
from tasks.training.network import PreparedData, Trained

STUDENT = Student(
    architecture=Mlp(kind="mlp", hidden=(8,)), training=Training(epochs=2, batch_size=16, learning_rate=0.02)
)


def of(trained: Trained, store: Path, **facts: Any) -> Teachers:
    return Teachers((LoadedTeacher(trained.network, "t", **facts),), "d", store)


def head_of(trained: Trained) -> nn.Linear:
    return [module for module in trained.network.modules() if isinstance(module, nn.Linear)][-1]


def test_a_teacher_without_influence_stops_the_run(
    image_data: PreparedData, teacher: Trained, tmp_path: Path, distilled: Any
) -> None:
    with pytest.raises(StageError, match="no gradient"):
        distilled(image_data, of(teacher, tmp_path), STUDENT, confidence_threshold=1.0)


def test_soft_labels_that_are_cut_off_the_graph_stop_the_run(
    image_data: PreparedData, teacher: Trained, tmp_path: Path, distilled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(student: Tensor, *_: object) -> Tensor:
        return student.detach().sum(dim=1) + 0 * student.sum(dim=1)

    monkeypatch.setattr("tasks.distill.soft_terms.soft_label_objective", {"dkd": cut}.__getitem__)
    with pytest.raises(StageError, match="no gradient"):
        distilled(image_data, of(teacher, tmp_path), STUDENT, objectives=[{"kind": "dkd"}])


def test_a_teacher_with_its_classes_in_another_order_stops_the_run_by_name(
    image_data: PreparedData, teacher: Trained, tmp_path: Path, distilled: Any
) -> None:
    targets = TargetCard(names=("birch", "ash", "cedar"))
    teacher.network.spec = teacher.network.spec.model_copy(update={"targets": targets})
    with pytest.raises(DataError, match=r"`ash`, `birch`, `cedar`, got `birch`, `ash`, `cedar`"):
        distilled(image_data, of(teacher, tmp_path), STUDENT)


def test_a_teacher_whose_outputs_are_permuted_stops_the_run(
    image_data: PreparedData, teacher: Trained, tmp_path: Path, distilled: Any
) -> None:
    head, order = head_of(teacher), torch.tensor([1, 2, 0])
    with torch.no_grad():
        head.weight.copy_(head.weight[order])
        head.bias.copy_(head.bias[order])
    with pytest.raises(StageError, match=r"outputs are `birch`, `cedar`, `ash`"):
        distilled(image_data, of(teacher, tmp_path), STUDENT)


def test_a_teacher_that_is_not_what_its_record_says_stops_the_run(
    image_data: PreparedData, teacher: Trained, tmp_path: Path, distilled: Any
) -> None:
    with pytest.raises(StageError, match="as on record"):
        distilled(image_data, of(teacher, tmp_path, score=0.5), STUDENT)


def test_a_teacher_that_goes_back_to_training_mode_stops_the_run(
    image_data: PreparedData, teacher: Trained, tmp_path: Path, distilled: Any
) -> None:
    class Restless(nn.BatchNorm1d):
        def forward(self, inputs: Tensor) -> Tensor:
            self.training = True
            return super().forward(inputs)

    for module in teacher.network.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.__class__ = Restless
    with pytest.raises(StageError, match="eval mode"):
        distilled(image_data, of(teacher, tmp_path), STUDENT)


def test_augmentation_that_the_teacher_does_not_understand_is_a_warning(
    image_data: PreparedData, teacher: Trained, tmp_path: Path, distilled: Any
) -> None:
    wild = {"views": 1, "steps": [{"kind": "noise", "std": 3.0}, {"kind": "dihedral"}]}
    training = Training.model_validate({"epochs": 1, "augment": wild})
    done = distilled(image_data, of(teacher, tmp_path), STUDENT.model_copy(update={"training": training}))
    assert len(done.warnings) == 1
    assert "student.training.augment" in done.warnings[0]


def test_few_selected_soft_labels_are_a_warning(
    image_data: PreparedData, teacher: Trained, tmp_path: Path, distilled: Any
) -> None:
    with torch.no_grad():
        head_of(teacher).weight.mul_(0.02)
        head_of(teacher).bias.zero_()
    teachers = of(teacher, tmp_path).ready()
    with torch.no_grad():
        batch = Batch.of(image_data.splits.train.gather(np.arange(120)), torch.device("cpu"))
        outputs = teacher.network(batch.inputs)
        (rows,) = image_data.losses.rows(outputs, outputs, batch.targets, image_data.targets, "sequence")
    threshold = float(rows.certainty.sort().values[-3])
    done = distilled(image_data, teachers, STUDENT, confidence_threshold=threshold)
    assert any("soft labels were used" in warning for warning in done.warnings)


def test_the_digest_of_a_network_changes_with_any_weight(teacher: Trained) -> None:
    before = health.weights_digest(teacher.network)
    with torch.no_grad():
        head_of(teacher).bias[0] += 1e-6
    assert health.weights_digest(teacher.network) != before
