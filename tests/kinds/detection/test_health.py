"""Mistakes in boxes, classes and terms that stop a distillation before it begins, each by its name."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from params.distill import Distill
from params.models import Separable
from params.student import Student
from params.training import Training
from tasks.core.errors import StageError
from tasks.core.progress import silent
from tasks.distill.health import check_teachers, shares_of_terms
from tasks.distill.objectives.common.load_objective import soft_label_objective
from tasks.distill.student import Distilled, distill
from tasks.distill.teachers.teachers import LoadedTeacher, Teachers
from tasks.models.build import Network
from tasks.training.network import PreparedData, Trained
from tests.kinds.detection.conftest import boxes_of, with_boxes

STUDENT = Student(
    architecture=Separable(kind="separable", widths=(8, 12, 16), blocks=(1, 1)),
    training=Training(epochs=2, batch_size=8, learning_rate=0.01),
)


def of(network: Network, store: Path = Path()) -> Teachers:
    frozen = network.eval().requires_grad_(requires_grad=False)
    return Teachers((LoadedTeacher(frozen, "digest"),), "data", store)


def distilled(data: PreparedData, teacher: Trained, store: Path, **how: Any) -> Distilled:
    params = Distill.model_validate({"soft_labels": "live", **how})
    return distill(STUDENT, params, of(teacher.network, store), data, 0, silent, lambda _epoch, _metrics: None)


def test_a_teacher_that_fits_its_boxes_passes_and_is_above_chance(blobs: PreparedData, teacher: Trained) -> None:
    scores = check_teachers(of(teacher.network), blobs)
    assert scores["teacher"] > 0.3
    seen = blobs.measuring.seen_by(teacher.network, blobs.splits.validation)
    assert blobs.measuring.part.at_chance(seen.evidence) == ""


def test_targets_that_are_x_y_width_and_height_are_found(blobs: PreparedData, teacher: Trained) -> None:
    rows = boxes_of(blobs)
    for some in rows:
        some[:, 2:4] -= some[:, :2]
    with pytest.raises(StageError, match=r"expected boxes x0, y0, x1, y1 in pixels.* if the targets are x, y, wid"):
        check_teachers(of(teacher.network), with_boxes(blobs, rows))


def test_classes_that_are_shifted_by_one_are_found(blobs: PreparedData, teacher: Trained) -> None:
    rows = boxes_of(blobs)
    for some in rows:
        some[:, 4] = (some[:, 4] + 1) % 3
    with pytest.raises(StageError, match=r"the classes in the order `disc`, .* if all classes are shifted by 1"):
        check_teachers(of(teacher.network), with_boxes(blobs, rows))


def test_a_network_that_learned_nothing_is_at_chance(blobs: PreparedData) -> None:
    torch.manual_seed(0)
    seen = blobs.measuring.seen_by(blobs.network(STUDENT.architecture), blobs.splits.validation)
    assert "of the boxes found" in blobs.measuring.part.at_chance(seen.evidence)


def test_a_teacher_of_other_boxes_finds_no_more_than_by_chance(blobs: PreparedData, teacher: Trained) -> None:
    rows = boxes_of(blobs)
    moved = with_boxes(blobs, [*rows[7:], *rows[:7]])
    seen = moved.measuring.seen_by(teacher.network, moved.splits.validation)
    assert "of the boxes found" in moved.measuring.part.at_chance(seen.evidence)


def test_scores_and_places_are_learned_from_the_teacher_and_each_share_is_known(
    blobs: PreparedData, teacher: Trained, tmp_path: Path
) -> None:
    done = distilled(blobs, teacher, tmp_path)
    shares = shares_of_terms(done.trained.fit.history)
    assert shares.keys() == {"labels.scores", "labels.places", "kl.scores", "kl.places"}
    assert min(shares.values()) > 0.005
    assert done.warnings == ()


def test_places_that_are_cut_off_the_graph_stop_the_run_by_name(
    blobs: PreparedData, teacher: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kl = soft_label_objective("kl")

    def cut(student: Tensor, other: Tensor, *rest: Any) -> Tensor:
        return kl(student.detach() if student.shape[1] > 2 else student, other, *rest)

    monkeypatch.setattr("tasks.distill.soft_terms.soft_label_objective", {"kl": cut}.__getitem__)
    with pytest.raises(StageError, match=r"from each of the teacher's terms.*none from `kl.places`, cut off"):
        distilled(blobs, teacher, tmp_path)


def test_cached_soft_labels_teach_what_live_ones_do(blobs: PreparedData, teacher: Trained, tmp_path: Path) -> None:
    live, cached = (distilled(blobs, teacher, tmp_path, soft_labels=how).trained for how in ("live", "cached"))
    assert list(tmp_path.glob("*/key.json"))
    first, second = (one.fit.history[0]["train_soft_loss"] for one in (live, cached))
    assert np.isclose(first, second, rtol=0.03)
