"""A model that is judged: its ONNX file, and what torch knows of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tasks.core.files import artefact_of, verified
from tasks.core.record import Artefact
from tasks.distill.teachers.teacher_kind import Answerer
from tasks.models.build import Network, count_parameters
from tasks.models.export import export_onnx, parity
from tasks.runtime.bundle.latency import Predicts
from tasks.runtime.bundle.session import Arrays, Session


@dataclass(frozen=True)
class ModelUnderTest:
    """`path` is where the file lies here, `parity` the largest difference between its outputs and those of torch."""

    path: Path
    onnx: Artefact
    parameters: int
    parity: float

    @property
    def loads_alone(self) -> bool:
        """Whether the file alone, in the runtime that ships, answers for raw inputs."""
        return True

    def open(self, threads: int) -> Predicts:
        """Returns a session on the verified bytes.

        Raises:
            IntegrityError: the file is missing or has other bytes than on record.
        """
        return Session.from_file(verified(self.path, self.onnx), self.onnx.sha256, threads)


@dataclass(frozen=True)
class AskedModel(ModelUnderTest):
    """A teacher that is no network of ours, behind the face of a session: as it is fed, so it is measured."""

    answerer: Answerer

    @property
    def loads_alone(self) -> bool:
        """It does not."""
        return False

    def open(self, threads: int) -> "AskedModel":  # noqa: ARG002 - it takes what it takes
        """Returns itself."""
        return self

    def predict(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        """Returns what it answers."""
        given = {name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in inputs.items()}
        return {name: values.numpy() for name, values in self.answerer(given).items()}


def export_model(network: Network, path: Path, seed: int) -> ModelUnderTest:
    """Exports a torch network for the evaluation.

    Raises:
        StageError: it cannot be exported.
    """
    export_onnx(network, path)
    difference = parity(network.eval(), Session(path.read_bytes()), seed)
    return ModelUnderTest(path, artefact_of(path), count_parameters(network), difference)
