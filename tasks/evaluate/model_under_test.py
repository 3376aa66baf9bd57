"""A model that is judged: its ONNX file, and what torch knows of it."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from tasks.contracts.raw_columns import Selection
from tasks.core.files import artefact_of, verified
from tasks.core.record import Artefact
from tasks.distill.teachers.teacher_kind import Answerer
from tasks.models.build import Network, count_parameters
from tasks.models.export import export_onnx, parity
from tasks.runtime.bundle.latency import Predicts
from tasks.runtime.bundle.session import INPUTS, Arrays, Session

SELECTION, SELECTED = "stillhouse_selection", "stillhouse_selected"
"""names of what is put before a graph"""


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


def fed_through(model: ModelUnderTest, features: Selection, path: Path) -> ModelUnderTest:
    """Writes a file that takes other features, makes those of a model of them, and answers as the model does.

    Its size is told as that of the model, which it exceeds by the selection.
    """
    proto = onnx.load_model_from_string(verified(model.path, model.onnx).read_bytes())
    (given,) = (value for value in proto.graph.input if value.name == INPUTS)
    given.type.tensor_type.shape.dim[1].dim_value = len(features)
    for node in proto.graph.node:
        node.input[:] = [SELECTED if name == INPUTS else name for name in node.input]
    proto.graph.initializer.append(onnx.numpy_helper.from_array(features, SELECTION))
    select = onnx.helper.make_node("MatMul", [INPUTS, SELECTION], [SELECTED])
    nodes = [select, *proto.graph.node]
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)
    onnx.save_model(proto, path)
    written = artefact_of(path).model_copy(update={"size": model.onnx.size})
    return replace(model, path=path, onnx=written)
