from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from params.distill import Distill
from params.models import Mlp
from params.student import Student
from params.training import Training
from tasks.distill.soft_labels import LOGITS, soft_labels_of
from tasks.distill.student import Teaching, distill, soft_and_hard, train_alone
from tasks.errors import IntegrityError, StageError
from tasks.progress import silent
from tasks.teacher.train import train
from tasks.training.arrays import open_split
from tasks.training.batches import Batch
from tasks.training.network import PreparedData, Trained
from tasks.training.predict import predict_logits

TEACHER = Mlp(kind="mlp", hidden=(32, 32))
STUDENT = Student(
    architecture=Mlp(kind="mlp", hidden=(8,)), training=Training(epochs=8, batch_size=16, learning_rate=0.02)
)


@pytest.fixture
def teacher(image_data: PreparedData) -> Trained:
    budget = Training(epochs=5, learning_rate=0.02)
    return train(TEACHER, budget, image_data, 0, silent, lambda _epoch, _metrics: None)


def nothing(_epoch: int, _metrics: object) -> None: ...


def test_a_distilled_student_learns_and_its_soft_term_falls(
    image_data: PreparedData, teacher: Trained, tmp_path: Path
) -> None:
    teaching = Teaching(teacher.network, {"teacher": "t", "data": "d"}, tmp_path)
    done = distill(STUDENT, Distill(alpha=0.1), teaching, image_data, 0, silent, nothing)
    soft = [metrics["train_soft_loss"] for metrics in done.fit.history]
    assert soft[-1] < soft[0] / 2
    assert done.fit.best["validation_accuracy"] > 0.8


def test_alpha_one_is_the_baseline_to_the_bit(image_data: PreparedData, teacher: Trained, tmp_path: Path) -> None:
    teaching = Teaching(teacher.network, {"teacher": "t", "data": "d"}, tmp_path)
    distilled = distill(STUDENT, Distill(alpha=1.0), teaching, image_data, 3, silent, nothing).network.state_dict()
    alone = train_alone(STUDENT, image_data, 3, silent, nothing).network.state_dict()
    assert all(torch.equal(distilled[name], alone[name]) for name in alone)


def test_the_soft_term_reaches_the_student_and_never_the_teacher(
    image_data: PreparedData, teacher: Trained, tmp_path: Path
) -> None:
    labels = soft_labels_of(teacher.network, {"a": "b"}, image_data.splits.train, 3, tmp_path, silent)
    batch = Batch.of(image_data.splits.train.gather(np.arange(16)), torch.device("cpu"))
    teacher.network.zero_grad()
    student = image_data.network(STUDENT.architecture)
    objective = soft_and_hard(Distill(alpha=0.0), labels, image_data.kind)
    objective(student(batch.inputs), batch)["loss"].backward()  # type: ignore[no-untyped-call]
    gradients = [parameter.grad for parameter in student.parameters()]
    assert all(gradient is not None for gradient in gradients)
    assert sum(float(g.abs().sum()) for g in gradients if g is not None) > 0
    assert all(parameter.grad is None for parameter in teacher.network.parameters())


def test_a_threshold_above_every_confidence_silences_the_teacher(
    image_data: PreparedData, teacher: Trained, tmp_path: Path
) -> None:
    labels = soft_labels_of(teacher.network, {"a": "b"}, image_data.splits.train, 3, tmp_path, silent)
    batch = Batch.of(image_data.splits.train.gather(np.arange(16)), torch.device("cpu"))
    with torch.no_grad():
        logits = image_data.network(STUDENT.architecture)(batch.inputs)
    terms = soft_and_hard(Distill(alpha=0.3, confidence_threshold=1.0), labels, image_data.kind)(logits, batch)
    assert float(terms["soft_labels_speaking"]) == 0.0
    assert float(terms["loss"]) == pytest.approx(0.3 * float(terms["hard_loss"]))


def test_soft_labels_are_computed_once_and_found_again_under_their_key(
    image_data: PreparedData, teacher: Trained, tmp_path: Path
) -> None:
    first = soft_labels_of(teacher.network, {"teacher": "1"}, image_data.splits.train, 3, tmp_path, silent)
    again = soft_labels_of(teacher.network, {"teacher": "1"}, image_data.splits.train, 3, tmp_path, silent)
    other = soft_labels_of(teacher.network, {"teacher": "2"}, image_data.splits.train, 3, tmp_path, silent)
    assert (first.reused, again.reused, other.reused) == (False, True, False)
    live = predict_logits(teacher.network, image_data.splits.train)
    np.testing.assert_allclose(again.at(np.arange(120)), live, rtol=2e-3, atol=2e-3)


def test_soft_labels_of_another_teacher_stop_the_run(
    image_data: PreparedData, teacher: Trained, tmp_path: Path
) -> None:
    soft_labels_of(teacher.network, {"teacher": "1"}, image_data.splits.train, 3, tmp_path, silent)
    other = image_data.network(TEACHER)
    with pytest.raises(IntegrityError, match="cosine"):
        soft_labels_of(other, {"teacher": "1"}, image_data.splits.train, 3, tmp_path, silent)


def test_soft_labels_in_another_order_stop_the_run(image_data: PreparedData, teacher: Trained, tmp_path: Path) -> None:
    soft_labels_of(teacher.network, {"teacher": "1"}, image_data.splits.train, 3, tmp_path, silent)
    (path,) = tmp_path.glob(f"*/{LOGITS}")
    np.save(path, np.roll(np.load(path), 1, axis=0))
    with pytest.raises(IntegrityError, match="cosine"):
        soft_labels_of(teacher.network, {"teacher": "1"}, image_data.splits.train, 3, tmp_path, silent)


def test_soft_labels_cut_short_are_one_clear_message(
    image_data: PreparedData, teacher: Trained, tmp_path: Path
) -> None:
    soft_labels_of(teacher.network, {"teacher": "1"}, image_data.splits.train, 3, tmp_path, silent)
    (path,) = tmp_path.glob(f"*/{LOGITS}")
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(IntegrityError, match="remove the folder"):
        soft_labels_of(teacher.network, {"teacher": "1"}, image_data.splits.train, 3, tmp_path, silent)


def test_logits_too_large_for_float16_are_refused_and_nothing_is_left(image_data: PreparedData, tmp_path: Path) -> None:
    class Loud(nn.Module):
        def forward(self, inputs: Tensor, _lengths: Tensor | None = None) -> Tensor:
            return torch.full((len(inputs), 3), 1e6)

    with pytest.raises(StageError, match="65,504"):
        soft_labels_of(Loud(), {"teacher": "1"}, image_data.splits.train, 3, tmp_path, silent)
    assert list(tmp_path.glob("*/")) == list(tmp_path.glob("tiny*"))


def test_soft_labels_are_mapped_and_not_read(image_data: PreparedData, teacher: Trained, tmp_path: Path) -> None:
    labels = soft_labels_of(teacher.network, {"teacher": "1"}, image_data.splits.train, 3, tmp_path, silent)
    assert isinstance(labels.logits, np.memmap)
    assert len(open_split(image_data.directory, "train")) == len(labels.logits)
