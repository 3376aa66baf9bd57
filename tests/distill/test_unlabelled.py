from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from params.distill import Distill
from params.models import Mlp
from params.pipeline import Recipe
from params.student import Student
from params.training import Training
from tasks.core.progress import silent
from tasks.distill.baseline import train_alone
from tasks.distill.health import weights_digest
from tasks.distill.loss import DistillationLoss
from tasks.distill.soft_labels.source import LiveSoftLabels
from tasks.distill.student import Distilled
from tasks.distill.teachers.samples import samples_of
from tasks.distill.teachers.teacher_kind import EVERY_SPLIT
from tasks.distill.teachers.teachers import LoadedTeacher, Teachers
from tasks.distill.teachers.train import train
from tasks.training.arrays import open_split
from tasks.training.batches import Batch
from tasks.training.network import PreparedData

STUDENT = Student.model_validate(
    {"architecture": {"kind": "mlp", "hidden": [6]}, "training": {"epochs": 6, "batch_size": 16, "learning_rate": 0.02}}
)


def nothing(_epoch: int, _metrics: object) -> None: ...


def batch_of(data: PreparedData, rows: list[int]) -> Batch:
    return Batch.of(data.splits.train.gather(np.array(rows)), torch.device("cpu"))


def loss_of(data: PreparedData, **said: Any) -> DistillationLoss:
    teacher = data.network(Mlp(kind="mlp", hidden=(4,)))
    return DistillationLoss(
        Distill.model_validate(said), Training(epochs=1), LiveSoftLabels(teacher, data.losses), teacher, None, data
    )


def test_samples_without_labels_have_no_hard_term(few_labels: PreparedData) -> None:
    data = few_labels.mixed(0.5)
    student = data.network(Mlp(kind="mlp", hidden=(4,)))
    batch = batch_of(data, [0, 1, 2, 70, 80, 90])
    terms = loss_of(data, alpha=0.3)(student, batch)
    logits = student(batch.inputs)["logits"]
    expected = functional.cross_entropy(logits[:3], batch.targets["label"])
    torch.testing.assert_close(terms["hard_loss"], expected)
    torch.testing.assert_close(terms["loss"], 0.3 * terms["hard_loss"] + 0.7 * terms["soft_loss"])
    only = loss_of(data, alpha=0.3)(student, batch_of(data, [70, 80]))
    assert only["hard_loss"].item() == 0.0
    assert only["soft_loss"].item() > 0.0


def test_soft_labels_of_samples_without_labels_count_where_the_teacher_is_sure(few_labels: PreparedData) -> None:
    data = few_labels.mixed(0.5)
    student, batch = data.network(Mlp(kind="mlp", hidden=(4,))), batch_of(data, [0, 70, 80, 90])
    loss = loss_of(data)
    certain = functional.softmax(loss.taught(batch)["logits"], dim=1).amax(dim=1)
    threshold = float(certain.sort().values[1:3].mean())
    loss.params = loss.soft.params = Distill(confidence_threshold=threshold)
    assert loss(student, batch)["soft_labels_selected"].item() == 0.5


def test_a_teacher_tells_a_student_of_samples_without_labels(
    few_labels: PreparedData, tmp_path: Path, distilled: Callable[..., Distilled]
) -> None:
    made = train(
        Mlp(kind="mlp", hidden=(32, 32)), Training(epochs=8, learning_rate=0.02), few_labels, 0, silent, nothing
    )
    loaded = LoadedTeacher(made.network, weights_digest(made.network))
    teachers = Teachers((loaded,), few_labels.data_digest, tmp_path / "soft")
    heard: list[Any] = []
    done = distilled(few_labels, teachers, STUDENT, unlabelled_share=0.5)
    alone = train_alone(STUDENT, few_labels, 0, silent, lambda epoch, metrics: heard.append(metrics))
    test = open_split(few_labels.directory, "test")
    scores = [few_labels.measuring.measure(one.network, test) for one in (done.trained, alone)]
    assert scores[0]["accuracy"] > 0.8
    assert len(heard) == STUDENT.training.epochs
    (view,) = [*(tmp_path / "soft").glob("*/key.json")]
    assert len(np.load(next(view.parent.glob("*.npy")))) == 120, "of all training samples, with labels and without"


def test_a_teacher_that_answers_by_sample_is_asked_about_those_without_labels(few_labels: PreparedData) -> None:
    asked = [key for some in samples_of(few_labels, EVERY_SPLIT) for key in some.keys]
    without = few_labels.splits.train, few_labels.mixed(0.5).splits.train
    assert len(asked) == len(without[1]) + 60 + 90
    assert len(without[1]) == 2 * len(without[0])


RECIPE: dict[str, Any] = {
    "name": "mine",
    "data": {
        "source": {"kind": "folder", "path": "photos"},
        "reader": {"kind": "image_folder", "size": [8, 8]},
        "split": {"kind": "stratified"},
        "labels": {"keep": 20},
    },
    "teacher": {"architecture": {"kind": "mlp", "hidden": [8]}, "training": {"epochs": 1}},
    "student": {"architecture": {"kind": "mlp", "hidden": [4]}, "training": {"epochs": 1}},
}


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"distill": {"objectives": [{"kind": "dkd"}]}}, "`distill.objectives.dkd`: needs the label of every sample"),
        (
            {"distill": {"confidence_mode": "right"}},
            "`distill.confidence_mode: right`: needs the label of every sample",
        ),
        (
            {"teacher": None, "peer": {"architecture": {"kind": "mlp", "hidden": [4]}}},
            "samples without labels need a `teacher`",
        ),
    ],
)
def test_what_needs_every_label_is_refused_beside_samples_without(said: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Recipe.model_validate({**RECIPE, **said})
    Recipe.model_validate({**RECIPE, **said, "data": {**RECIPE["data"], "labels": "all"}})
