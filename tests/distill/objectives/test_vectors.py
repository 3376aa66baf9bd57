"""Objectives of vectors without a softmax, against the formulas written plainly and those of layers."""

from typing import Any, get_args

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter
from torch import Tensor

from params.objectives import Objective, SoftenedObjective, SoftLabelObjective
from tasks.core.plugins import available
from tasks.distill.objectives.common.features import Features, FeatureShape
from tasks.distill.objectives.common.load_objective import VECTORS, feature_objective, soft_label_objective

KINDS = ("cosine", "output_relation", "output_similarity")


def params(kind: str, **said: Any) -> Any:
    return TypeAdapter(Objective).validate_python({"kind": kind, **said})


def losses(kind: str, student: Tensor, teacher: Tensor, **said: Any) -> Tensor:
    return soft_label_objective(kind)(student, teacher, None, 1.0, params(kind, **said))


def drawn(width: int = 5, teacher_width: int = 5, batch: int = 6, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return tuple(  # type: ignore[return-value]
        torch.randn(batch, size, generator=generator, dtype=torch.float64) for size in (width, teacher_width)
    )


def test_every_objective_of_vectors_is_here() -> None:
    sections = get_args(get_args(Objective)[0])
    kinds = {get_args(section.model_fields["kind"].annotation)[0]: section for section in sections}
    assert set(KINDS) == set(available(VECTORS)) <= set(kinds)
    for kind in KINDS:
        assert issubclass(kinds[kind], SoftLabelObjective)
        assert not issubclass(kinds[kind], SoftenedObjective)


def test_cosine_is_half_the_squared_distance_of_directions() -> None:
    student, teacher = drawn()
    apart = student / student.norm(dim=1, keepdim=True) - teacher / teacher.norm(dim=1, keepdim=True)
    torch.testing.assert_close(losses("cosine", student, teacher), apart.square().sum(dim=1) / 2)
    torch.testing.assert_close(
        losses("cosine", student, teacher), 1 - torch.nn.functional.cosine_similarity(student, teacher)
    )


@pytest.mark.parametrize("widths", [(5, 5), (5, 9)])
def test_the_mean_of_relations_is_that_of_the_objective_on_layers(widths: tuple[int, int]) -> None:
    student, teacher = drawn(*widths)
    layers = params("relation", layers=[{"student": "a", "teacher": "b"}], distance=2.0, angle=3.0)
    module = feature_objective("relation")(layers, [FeatureShape(widths[0])], [FeatureShape(widths[1])], 6)
    rows = torch.arange(6)
    expected = module([Features(student)], [Features(teacher)], rows, rows)
    found = losses("output_relation", student, teacher, distance=2.0, angle=3.0)
    assert found.shape == (6,)
    torch.testing.assert_close(found.mean(), expected)


@pytest.mark.parametrize("widths", [(5, 5), (5, 9)])
def test_similarity_compares_the_matrices_of_cosines(widths: tuple[int, int]) -> None:
    student, teacher = (side.numpy() for side in drawn(*widths))
    total = 0.0
    for i in range(6):
        for j in range(6):
            ours, theirs = (
                side[i] @ side[j] / np.linalg.norm(side[i]) / np.linalg.norm(side[j]) for side in (student, teacher)
            )
            total += (ours - theirs) ** 2
    found = losses("output_similarity", *map(torch.from_numpy, (student, teacher)))
    assert found.mean().item() == pytest.approx(total / 36)


@pytest.mark.parametrize("kind", KINDS)
def test_a_student_that_equals_its_teacher_has_nothing_to_learn(kind: str) -> None:
    student = drawn()[0].requires_grad_()
    rows = losses(kind, student, student.detach().clone())
    rows.sum().backward()  # type: ignore[no-untyped-call]
    assert rows.abs().max().item() < 1e-9
    assert student.grad is not None
    assert student.grad.abs().max().item() < 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_those_of_differences_and_none_is_negative(kind: str) -> None:
    student, teacher = drawn(batch=4)
    assert losses(kind, student, teacher).min().item() >= 0
    assert torch.autograd.gradcheck(lambda one: losses(kind, one, teacher).mean(), student.requires_grad_(), atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("batch", [1, 2])
def test_a_batch_of_one_and_equal_samples_are_finite(kind: str, batch: int) -> None:
    student = torch.ones(batch, 5, requires_grad=True)
    rows = losses(kind, student, torch.arange(5.0).expand(batch, 5))
    rows.sum().backward()  # type: ignore[no-untyped-call]
    assert student.grad is not None
    assert torch.isfinite(rows).all()
    assert torch.isfinite(student.grad).all()
