"""A teacher that knows something, and what it takes to learn from it."""

from collections.abc import Callable
from typing import Any

import pytest

from params.distill import Distill
from params.models import Mlp, Recurrent
from params.student import Student
from params.training import Training
from tasks.core.progress import silent
from tasks.distill.student import Distilled, distill
from tasks.distill.teachers.teachers import Teachers
from tasks.distill.teachers.train import train
from tasks.training.network import PreparedData, Trained

TEACHER = Mlp(kind="mlp", hidden=(32, 32))
RECURRENT_TEACHER = Recurrent(kind="lstm", hidden=16, bidirectional=True)


def nothing(_epoch: int, _metrics: object) -> None: ...


def _distilled(data: PreparedData, teachers: Teachers, student: Student, seed: int = 0, **said: Any) -> Distilled:
    return distill(student, Distill.model_validate(said), teachers, data, seed, silent, nothing)


@pytest.fixture
def distilled() -> Callable[..., Distilled]:
    """(data, teachers, student, seed=0, **fields of `distill`) -> what a recipe with these would give."""
    return _distilled


@pytest.fixture
def teacher(image_data: PreparedData) -> Trained:
    """Right on nearly all of the tiny pictures."""
    return train(TEACHER, Training(epochs=5, learning_rate=0.02), image_data, 0, silent, nothing)


@pytest.fixture
def listener(sequence_data: PreparedData) -> Trained:
    """Right on nearly all of the tiny sequences."""
    budget = Training(epochs=8, batch_size=16, learning_rate=0.02)
    return train(RECURRENT_TEACHER, budget, sequence_data, 0, silent, nothing)
