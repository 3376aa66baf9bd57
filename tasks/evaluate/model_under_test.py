"""A model that is judged: its ONNX file, and what torch knows of it."""

from dataclasses import dataclass
from pathlib import Path

from tasks.core.files import artefact_of, verified
from tasks.core.record import Artefact
from tasks.models.build import Network, count_parameters
from tasks.models.export import export_onnx, parity
from tasks.runtime.bundle.session import Session


@dataclass(frozen=True)
class ModelUnderTest:
    """`path` is where the file lies here, `parity` the largest difference between its outputs and those of torch."""

    path: Path
    onnx: Artefact
    parameters: int
    parity: float

    def open(self, threads: int) -> Session:
        """Returns a session on the verified bytes.

        Raises:
            IntegrityError: the file is missing or has other bytes than on record.
        """
        return Session.from_file(verified(self.path, self.onnx), self.onnx.sha256, threads)


def export_model(network: Network, path: Path, seed: int) -> ModelUnderTest:
    """Exports a torch network for the evaluation.

    Raises:
        StageError: it cannot be exported.
    """
    export_onnx(network, path)
    difference = parity(network.eval(), Session(path.read_bytes()), seed)
    return ModelUnderTest(path, artefact_of(path), count_parameters(network), difference)
