"""A teacher of several heads teaches each of them, whether it is asked at every step or its answers are stored."""

from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

from params.models import Mlp, Recurrent
from params.student import Student
from params.training import Training
from tasks.core.errors import StageError
from tasks.core.progress import silent
from tasks.distill.health import shares_of_terms
from tasks.distill.objectives.common.load_objective import soft_label_objective
from tasks.distill.student import Distilled
from tasks.distill.teachers.teachers import LoadedTeacher, Teachers
from tasks.distill.teachers.train import train
from tasks.training.network import PreparedData, Trained
from tests.conftest import opened

MLP = Mlp(kind="mlp", hidden=(16,))
HINT = {"kind": "hint", "layers": [{"student": "hidden1", "teacher": "hidden1"}]}


def nothing(_epoch: int, _metrics: object) -> None: ...


@pytest.fixture
def data(tiny_heads: Path) -> PreparedData:
    return opened(tiny_heads)


@pytest.fixture
def teacher(data: PreparedData) -> Trained:
    return train(Mlp(kind="mlp", hidden=(32, 32)), budget(5), data, 0, silent, nothing)


def budget(epochs: int, **more: Any) -> Training:
    return Training.model_validate({"epochs": epochs, "batch_size": 16, "learning_rate": 0.02, **more})


def student(epochs: int = 8, **training: Any) -> Student:
    return Student(architecture=MLP, training=budget(epochs, **training))


def of(teacher: Trained, store: Path) -> Teachers:
    return Teachers((LoadedTeacher(teacher.network, "t"),), "d", store)


@pytest.mark.parametrize("heads", ["equal", "learned", {"label": 1.0, "half": 0.5}], ids=str)
@pytest.mark.parametrize("soft_labels", ["live", "cached", {"top": 2}], ids=str)
def test_soft_labels_and_layers_teach_every_head(
    data: PreparedData, teacher: Trained, tmp_path: Path, distilled: Any, soft_labels: Any, heads: Any
) -> None:
    objectives = [{"kind": "kl"}, HINT]
    done = distilled(
        data, of(teacher, tmp_path), student(heads=heads), objectives=objectives, soft_labels=soft_labels, alpha=0.0
    )
    best = done.trained.fit.best
    assert best["validation_accuracy"] > 0.7
    assert best["validation_right/half"] > 0.7
    assert bool(list(tmp_path.glob("*/key.json"))) == (soft_labels != "live")


def last_soft_loss(done: Distilled) -> float:
    return done.trained.fit.history[-1]["train_soft_loss"]


def test_stored_soft_labels_teach_what_live_ones_do(
    data: PreparedData, teacher: Trained, tmp_path: Path, distilled: Any
) -> None:
    live, cached = (
        distilled(data, of(teacher, tmp_path), student(epochs=2), soft_labels=source, alpha=0.1)
        for source in ("live", "cached")
    )
    assert last_soft_loss(live) == pytest.approx(last_soft_loss(cached), rel=1e-2)


@pytest.mark.parametrize("per", ["sequence", "step"])
@pytest.mark.parametrize("soft_labels", ["live", "cached"])
def test_a_recurrent_student_learns_every_head(
    tiny_sequence_heads: Path, tmp_path: Path, distilled: Any, per: str, soft_labels: str
) -> None:
    sequences = opened(tiny_sequence_heads)
    teacher = train(Recurrent(kind="lstm", hidden=16), budget(4), sequences, 0, silent, nothing)
    gru = Student(architecture=Recurrent(kind="gru", hidden=6), training=budget(2))
    kl = {"kind": "kl", "per": per}
    done = distilled(sequences, of(teacher, tmp_path), gru, objectives=[kl], soft_labels=soft_labels)
    assert last_soft_loss(done) < done.trained.fit.history[0]["train_soft_loss"]


def test_the_share_of_each_term_is_told_and_one_that_drowns_the_others_is_a_warning(
    data: PreparedData, teacher: Trained, tmp_path: Path, distilled: Any
) -> None:
    done = distilled(data, of(teacher, tmp_path), student(2), objectives=[{"kind": "kl"}, HINT], alpha=0.5)
    shares = shares_of_terms(done.trained.fit.history)
    assert shares.keys() == {"labels.label", "labels.half", "kl.label", "kl.half", "hint"}
    assert sum(shares.values()) == pytest.approx(1)
    assert done.warnings == ()
    loud = distilled(data, of(teacher, tmp_path), student(2), objectives=[{"kind": "kl"}, {**HINT, "weight": 1e5}])
    assert any("the term `hint` was 9" in warning and "more than 100 times" in warning for warning in loud.warnings)
    silent_ = distilled(
        data, of(teacher, tmp_path), student(2), objectives=[{"kind": "kl"}, {**HINT, "weight": 0.0}], alpha=0.5
    )
    assert any("the term `hint` of the loss was 0 all the time" in warning for warning in silent_.warnings)


def test_one_of_several_terms_that_is_cut_off_the_graph_stops_the_run_by_name(
    data: PreparedData, teacher: Trained, tmp_path: Path, distilled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(student: Tensor, other: Tensor, *_: object) -> Tensor:
        return (student.detach() - other).square().sum(dim=1)

    known = {"kl": soft_label_objective("kl"), "logit_mse": cut}
    monkeypatch.setattr("tasks.distill.soft_terms.soft_label_objective", known.__getitem__)
    with pytest.raises(StageError, match=r"got none from `logit_mse.label`, `logit_mse.half`, cut off"):
        distilled(data, of(teacher, tmp_path), student(2), objectives=[{"kind": "kl"}, {"kind": "logit_mse"}])
