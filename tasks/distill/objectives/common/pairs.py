"""Objectives that are a sum over pairs of layers."""

from collections.abc import Sequence
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from params.objectives import FeatureObjective
from tasks.core.errors import RecipeError, mismatch
from tasks.distill.objectives.common.features import Features, FeatureShape

Params = TypeVar("Params", bound=FeatureObjective)
Shapes = Sequence[tuple[FeatureShape, FeatureShape]]


class SumOverPairs(nn.Module, Generic[Params]):
    """Adds up `pair` over the layers of student and teacher.

    Whatever learns in here belongs to the training, and never to the student that ships.

    Args:
        params: the section of the recipe.
        student: the shape of each of its layers.
        teacher: the same, in the same order.
    """

    def __init__(
        self, params: Params, student: Sequence[FeatureShape], teacher: Sequence[FeatureShape], _samples: int = 0
    ) -> None:
        super().__init__()
        self.params = params
        self.shapes: Shapes = list(zip(student, teacher, strict=True))

    def forward(
        self, student: Sequence[Features], teacher: Sequence[Features], _labels: Tensor, _rows: Tensor
    ) -> Tensor:
        """Returns one loss () of what each layer gave; the teacher gets no gradient."""
        both = zip(student, teacher, strict=True)
        return torch.stack([self.pair(place, *comparable(*pair)) for place, pair in enumerate(both)]).sum()

    def pair(self, place: int, student: Features, teacher: Features) -> Tensor:
        """Returns the loss () of one pair of layers, which are as `comparable` gives them."""
        raise NotImplementedError


def comparable(student: Features, teacher: Features) -> tuple[Features, Features]:
    """Returns both in at least float32, zeros where padding is, the teacher without a gradient."""
    return student.cleared(), teacher.cleared().detached()


def require_positions(params: FeatureObjective, shapes: Shapes) -> None:
    """Checks that the layers of each pair have the same axes of positions, and any: pictures or sequences.

    Raises:
        RecipeError: with every pair that has not.
    """
    expected = "layers with one or two axes of positions, as many on both sides"
    problems = [
        mismatch("recipe", f"distill.objectives.{params.kind}.layers.{number}", expected, got, "name other layers")
        for number, (pair, both) in enumerate(zip(params.layers, shapes, strict=True))
        if (got := _without_positions((pair.student, pair.teacher), both))
    ]
    if problems:
        raise RecipeError(problems)


def _without_positions(names: tuple[str, str], shapes: tuple[FeatureShape, FeatureShape]) -> str | None:
    axes = [len(shape.positions) for shape in shapes]
    if axes[0] == axes[1] > 0:
        return None
    return " and ".join(f"`{name}` with {count}" for name, count in zip(names, axes, strict=True))
