"""A student with all that compression needs."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from params.compress import Compress
from params.distill import Distill
from params.models import Architecture, Mlp, Recurrent
from params.training import Training
from tasks.compress.context import CompressionContext
from tasks.compress.recovery import Recoverer
from tasks.distill.teachers.teachers import LoadedTeacher, Teachers
from tasks.runtime.bundle.session import Session
from tasks.training.network import PreparedData
from tests.conftest import opened

MakeContext = Callable[..., CompressionContext]
TEACHERS: dict[str, Architecture] = {
    "image": Mlp(kind="mlp", hidden=(8,)),
    "sequence": Recurrent(kind="lstm", hidden=8),
}


def nothing(_epoch: int, _metrics: object) -> None: ...


def teachers_for(data: PreparedData, folder: Path) -> Teachers:
    """A teacher that knows nothing, with whom networks recover."""
    torch.manual_seed(1)
    network = data.network(TEACHERS[data.card.input.layout])
    return Teachers((LoadedTeacher(network, "t"),), data.data_digest, folder)


@pytest.fixture
def make_context(tmp_path: Path) -> MakeContext:
    """(folder of prepared data, architecture, **section `compress`) -> a context with a random student."""

    def make(data: Path, architecture: Architecture, **params: object) -> CompressionContext:
        prepared = opened(data)
        torch.manual_seed(0)
        training = Training(epochs=2, batch_size=16, learning_rate=0.02)
        teachers = teachers_for(prepared, tmp_path / "soft-labels")
        made = tmp_path / "made"
        made.mkdir(exist_ok=True)
        student = prepared.network(architecture).eval()
        recover = Recoverer(training, Distill(alpha=0.5), teachers, prepared, 0, nothing)
        return CompressionContext(Compress.model_validate(params), student, prepared, made, 0, recover)

    return make


def logits_of(context: CompressionContext, session: Session) -> NDArray[np.float32]:
    """Returns what a file says of the validation split, (n, classes)."""
    answers = [session.predict(some.inputs) for some in context.validation.batches()]
    return np.concatenate([answer["logits"] for answer in answers])
